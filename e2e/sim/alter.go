package sim

import (
	"context"

	"orch/convergeagent"
	"orch/orchestrator"
	"orch/states"
	"orch/states/store"
)

// Alteration takes one safeguard out, by wrapping what the code is handed: no line of it exists for this.
// The zero one changes nothing.
type Alteration struct {
	Name   string
	Loses  string                                            // what is not so any more without it, in words
	KV     func(w *world, node string, kv store.KV) store.KV // node: of an agent; else a command's
	Agent  func(m *machine, c *convergeagent.Config)         // what an agent is handed
	Engine func(w *world, e *orchestrator.Engine)            // what a leader is handed
	Disk   func(text []byte) []byte                          // what an agent finds of what it wrote
	Lands  func(op store.Op, lies uint64) (store.Op, bool)   // what comes in at the store, over what index: another operation, or none
}

// landed is what comes in at the store of what was sent.
func (w *world) landed(ops []store.Op) []store.Op {
	if w.alter.Lands == nil {
		return ops
	}
	lies := map[string]uint64{}
	for _, pair := range w.kv.All() {
		lies[pair.Key] = pair.Index
	}
	var left []store.Op
	for _, op := range ops {
		if op, there := w.alter.Lands(op, lies[op.Key]); there {
			left = append(left, op)
		}
	}
	return left
}

// altered is a port, perhaps without a safeguard.
func (w *world) altered(p *port, node string) store.KV {
	w.mu.Lock()
	w.ports[p.host] = append(w.ports[p.host], p)
	w.mu.Unlock()
	if w.alter.KV == nil {
		return p
	}
	return w.alter.KV(w, node, p)
}

// kv is a store.KV some of whose calls are other ones.
type alteredKV struct {
	store.KV
	txn func(ctx context.Context, ops []store.Op) ([]store.Pair, error)
}

func (a alteredKV) Txn(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
	return a.txn(ctx, ops)
}

// Session implements store.Teller.
func (a alteredKV) Session(ctx context.Context, id string) (states.Session, error) {
	return a.KV.(store.Teller).Session(ctx, id)
}

// alteredStore is a leader's store that shows, or writes, something else.
type alteredStore struct {
	orchestrator.Store
	show  func(s states.Snapshot) states.Snapshot
	write func(s states.Snapshot, c states.Change) states.Change
}

func (a alteredStore) Snapshot(ctx context.Context, cluster string) (states.Snapshot, error) {
	s, err := a.Store.Snapshot(ctx, cluster)
	if err == nil && a.show != nil {
		s = a.show(s)
	}
	return s, err
}

func (a alteredStore) Commit(ctx context.Context, lease *states.Lease, s states.Snapshot, c states.Change) error {
	if a.write != nil {
		c = a.write(s, c)
	}
	return a.Store.Commit(ctx, lease, s, c)
}

// alteredInbox is an agent's that shows something else, or claims otherwise.
type alteredInbox struct {
	convergeagent.Inbox
	show  func(s states.Sight) states.Sight
	claim func(ctx context.Context, inner convergeagent.Inbox, sight states.Sight, before, running states.Status) error
}

func (a alteredInbox) Follow(ctx context.Context, sights chan<- states.Sight) error {
	if a.show == nil {
		return a.Inbox.Follow(ctx, sights)
	}
	seen := make(chan states.Sight)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case s := <-seen:
				select {
				case sights <- a.show(s):
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	err := a.Inbox.Follow(ctx, seen)
	cancel()
	<-done
	return err
}

func (a alteredInbox) Claim(ctx context.Context, sight states.Sight, before, running states.Status) error {
	if a.claim == nil {
		return a.Inbox.Claim(ctx, sight, before, running)
	}
	return a.claim(ctx, a.Inbox, sight, before, running)
}
