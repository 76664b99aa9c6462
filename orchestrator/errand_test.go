package orchestrator_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/orchestrator"
	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// struck is a store to which something happens before the first look.
type struck struct {
	orchestrator.Store
	strike func()
}

func (s *struck) Snapshot(ctx context.Context, cluster string) (states.Snapshot, error) {
	if s.strike != nil {
		s.strike()
		s.strike = nil
	}
	return s.Store.Snapshot(ctx, cluster)
}

// A command whose cluster or request is taken out of Consul ends by itself, writes nothing, and says what
// helps. What only looks like that for a moment, or cannot be seen, ends nothing.
func TestWhoeverWaitsForWhatIsGoneEnds(t *testing.T) {
	const minute = time.Minute
	wipe := func(b *book, _ *memkv.Caller, _ memkv.Snapshot) {
		for _, pair := range b.kv.All() {
			b.kv.Delete(pair.Key)
		}
	}
	back := func(after time.Duration) func(*book, *memkv.Caller, memkv.Snapshot) {
		return func(b *book, _ *memkv.Caller, _ memkv.Snapshot) {
			pairs := b.kv.All()
			wipe(b, nil, memkv.Snapshot{})
			time.AfterFunc(after, func() {
				for _, pair := range pairs {
					b.kv.Put(pair.Key, string(pair.Value))
				}
			})
		}
	}
	for name, c := range map[string]struct {
		led, queue bool
		strike     func(*book, *memkv.Caller, memkv.Snapshot)
		says       string // "": it goes on
		within     time.Duration
		empty      bool // and nothing is written there
	}{
		"everything, and it leads":             {strike: wipe, says: `cluster "web" is not in Consul any more`, within: minute / 4, empty: true},
		"everything, and it follows":           {led: true, strike: wipe, says: `cluster "web" is not in Consul any more`, within: minute / 4, empty: true},
		"everything, and it queues":            {queue: true, strike: wipe, says: `cluster "web" is not in Consul any more`, within: minute / 4, empty: true},
		"everything, for a moment":             {strike: back(2 * time.Second)},
		"everything, for a moment, it follows": {led: true, strike: back(2 * time.Second)},
		"its request": {strike: func(b *book, _ *memkv.Caller, _ memkv.Snapshot) { b.kv.Delete(b.path("requests/q-1")) },
			says: "request q-1 is not in Consul any more", within: minute / 4},
		"its request, by a restore": {strike: func(b *book, _ *memkv.Caller, saved memkv.Snapshot) { b.kv.Restore(saved) },
			says: "request q-1 is not in Consul any more", within: minute},
		"Consul's leader": {strike: func(b *book, _ *memkv.Caller, _ memkv.Snapshot) {
			b.kv.Down(true)
			time.AfterFunc(minute, func() { b.kv.Down(false) })
		}},
		"the right to see it": {strike: func(_ *book, c *memkv.Caller, _ memkv.Snapshot) { c.Deny("orch/") }, says: "permission denied", within: minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := story(t)
				b.write(func(c *states.Change) { c.Record.Status, c.Record.Cause = states.Paused, states.ByOperator })
				if !c.led {
					_ = b.lease.Release(t.Context())
				}
				saved, caller := b.kv.Save(), b.kv.Client()
				s := store.New(caller, b.store.Keys, b.store.Parse)
				at := &struck{Store: s, strike: func() { c.strike(b, caller, saved) }}
				engine := orchestrator.Engine{Store: at, Leaser: s, Archive: s, Log: hclog.NewNullLogger(), Clock: time.Now, Who: "bob@bastion"}
				ctx, cancel := context.WithTimeout(t.Context(), 10*minute)
				defer cancel()
				begun := time.Now()
				_, err := engine.Drive(ctx, "web", states.Request{Schema: states.Schema, ID: "q-1", Kind: states.AskRetry, Transition: "t-1",
					By: "bob@bastion", Queue: c.queue, Held: c.queue, Expires: time.Now().Add(time.Hour)})
				took := time.Since(begun)
				if gone := errors.Is(err, orchestrator.ErrGone); gone != strings.Contains(c.says, "any more") {
					t.Fatalf("after %s: %v", took, err)
				}
				if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || took > c.within) {
					t.Errorf("after %s: %v", took, err)
				}
				if left := b.kv.All(); c.empty && len(left) > 0 {
					t.Errorf("it wrote %s", left[0].Key)
				}
			})
		})
	}
}
