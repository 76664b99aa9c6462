package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"orch/states"
)

// Follow sends what the agent sees, now and after every change, until the context ends: two
// blocking queries, and a look at the freezes from time to time.
func (a *Agent) Follow(ctx context.Context, sights chan<- states.Sight) error {
	k := a.Keys
	f := &follower{agent: a, news: make(chan struct{}, 1), trouble: map[string]string{}, first: map[string]bool{}, ahead: map[string]uint64{},
		desired: k.Desired(a.Cluster), order: k.Order(a.Cluster, a.Node), freeze: k.ClusterFreeze(a.Cluster), frozen: k.Freeze(), id: k.ID()}
	var watching sync.WaitGroup
	defer watching.Wait()
	for _, key := range []string{f.desired, f.order} {
		watching.Go(func() {
			follow(ctx, a.KV, a.Wait, Query{Key: key}, func(answer Answer, err error) { f.saw(key, answer.Pair, err) })
		})
	}
	watching.Go(func() { f.glances(ctx) })
	f.deliver(ctx, sights)
	return ctx.Err()
}

// follower puts together what the queries see.
type follower struct {
	agent *Agent
	news  chan struct{}

	desired, order, freeze, frozen, id string // the keys

	mu      sync.Mutex
	sight   states.Sight
	first   map[string]bool   // which parts were seen at least once
	trouble map[string]string // by part: why it cannot be read now
	foreign bool              // this is another datacenter: nothing in it is meant for us
	ahead   map[string]uint64 // by key: the document that a glance saw before its query did
}

// deliver sends the newest sight whenever the reader is ready for one.
func (f *follower) deliver(ctx context.Context, sights chan<- states.Sight) {
	var ready chan<- states.Sight // nil: nothing to send
	var sight states.Sight
	var sent *states.Sight
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.news:
			var worth bool
			if sight, worth = f.current(); worth {
				ready = sights
			}
			if sent != nil && unchanged(&sight, sent) { // most glances
				ready = nil
			}
		case ready <- sight:
			told := sight
			ready, sent = nil, &told
		}
	}
}

// unchanged tells whether a sight is the one that the reader has. Freezes are compared whole: no query
// follows them.
func unchanged(a, b *states.Sight) bool {
	return a.ID == b.ID && a.Trouble == b.Trouble && a.Desired.Index == b.Desired.Index && a.Order.Index == b.Order.Index &&
		a.Desired.Problem == b.Desired.Problem && a.Order.Problem == b.Order.Problem && a.Frozen == b.Frozen && a.Freeze == b.Freeze
}

// saw takes the news of one key. An error keeps the last document: not seeing is not absence.
func (f *follower) saw(key string, pair Pair, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noteTrouble(key, err)
	if err == nil {
		f.place(key, pair)
		f.first[key] = true
		frozen := f.sight.Frozen.There() || f.sight.Freeze.There()                 // who lets a frozen node go may have thawed it
		if frozen || f.agent.id == "" && len(f.sight.Desired.Value.Warrants) > 0 { // a warrant is for the Consul of one id
			f.agent.lookSoon()
		}
	}
	f.tell()
}

func (f *follower) place(key string, pair Pair) {
	switch key {
	case f.desired:
		f.sight.Desired = desiredOf(f.agent.Memo, f.agent.Cluster, pair)
	case f.order:
		f.sight.Order = decode[states.Order](f.agent.Memo, pair)
	}
}

// glances looks from time to time, and after an error sooner, as watches do.
func (f *follower) glances(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		if err := f.glance(ctx); err == nil {
			pause = firstPause
			f.agent.doze(ctx)
			continue
		}
		rest(ctx, min(jittered(pause), f.agent.Again))
		pause = min(2*pause, lastPause)
	}
}

// glance reads the freezes and the id in one transaction, and with them what the queries wait for: one
// that waits on a server which was cut off from the others, or stopped, hears nothing until its time
// is over.
func (f *follower) glance(ctx context.Context) error {
	pairs, err := f.agent.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: f.frozen}, {Verb: GetOrEmpty, Key: f.freeze}, {Verb: GetOrEmpty, Key: f.id},
		{Verb: GetOrEmpty, Key: f.desired}, {Verb: GetOrEmpty, Key: f.order}})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.sight.Frozen, f.sight.Freeze = states.Doc[states.Freeze]{}, states.Doc[states.Freeze]{}
		err = f.sort(pairs)
		f.foreign = err != nil
		f.first[glanced] = true
	}
	f.noteTrouble(glanced, err)
	f.tell()
	return err
}

func (f *follower) sort(pairs []Pair) error {
	for _, pair := range pairs {
		switch pair.Key {
		case f.desired:
			f.overtake(pair, f.sight.Desired.Index)
		case f.order:
			f.overtake(pair, f.sight.Order.Index)
		case f.frozen:
			f.sight.Frozen = decode[states.Freeze](f.agent.Memo, pair)
		case f.freeze:
			f.sight.Freeze = decode[states.Freeze](f.agent.Memo, pair)
		case f.id:
			if pair.Index == 0 {
				continue
			}
			if f.agent.id == "" {
				f.agent.id = string(pair.Value)
			}
			if f.agent.id != string(pair.Value) {
				return fmt.Errorf("this Consul has the id %q, and this agent knew %q: it is another datacenter", pair.Value, f.agent.id)
			}
		}
	}
	return nil
}

// overtake takes what a glance saw of a key that a query follows, where it is the newer one: seen is
// the index of what there is. What was only ever glanced at can also be gone before the query hears of it.
func (f *follower) overtake(pair Pair, seen uint64) {
	newer := pair.Index > seen
	gone := pair.Index == 0 && seen != 0 && seen == f.ahead[pair.Key]
	if f.first[pair.Key] && (newer || gone) {
		f.ahead[pair.Key] = pair.Index
		f.place(pair.Key, pair)
	}
}

// glanced stands for the freezes and the id among the parts.
const glanced = "freeze and id"

func (f *follower) noteTrouble(key string, err error) {
	if err == nil {
		delete(f.trouble, key)
		return
	}
	f.trouble[key] = describe(key, err)
}

// describe says what cannot be read, without what changes from try to try.
func describe(key string, err error) string {
	switch {
	case errors.Is(err, states.ErrDenied):
		return fmt.Sprintf("reading %q is denied to this agent's token", key)
	case errors.Is(err, states.ErrUnavailable):
		return "consul does not answer"
	}
	return err.Error()
}

// tell says that there is something new to deliver.
func (f *follower) tell() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// current gives what is to be seen now. Documents come only when all parts were seen once, because
// a part that was not looked at yet is not one that is not there.
func (f *follower) current() (states.Sight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sight := f.sight
	sight.ID = f.agent.id
	for _, part := range slices.Sorted(maps.Keys(f.trouble)) {
		sight.Trouble = f.trouble[part]
	}
	if f.foreign || len(f.first) < 3 {
		return states.Sight{ID: sight.ID, Trouble: sight.Trouble}, sight.Trouble != ""
	}
	return sight, true
}
