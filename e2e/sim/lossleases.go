package sim

import (
	"context"
	"time"

	"orch/orchestrator"
	"orch/states"
	"orch/states/store"
)

// ofLeases are the safeguards of who leads.
func ofLeases() []Safeguard {
	return []Safeguard{
		{Alteration: Alteration{Name: "lock and compare", Loses: "the lease is taken only as it was seen", KV: without(func(op store.Op, ops []store.Op) bool {
			return (op.Verb == store.CheckIndex || op.Verb == store.CheckNotExists) && inRoom(op, "leader")
		})}, Rule: "Epoch", Check: "epochs", Story: made("a leader sleeps before it takes the lease, and another leads meanwhile", 3, time.Second, "batches = [1]",
			when(0, "before lock leader", "freeze process", 8*time.Second), types(1, "transition", "waiting"), types(5, "pause", ""))},
		{Alteration: Alteration{Name: "a lease ends by itself", Loses: "a leader trusts its lease for one TTL only", Engine: func(_ *world, e *orchestrator.Engine) {
			e.Leaser = trusting{e.Leaser}
		}}, Check: "writer", Covered: &unfenced, Story: made("a leader is cut off for longer than its lease lives", 3, 20*time.Second, "batches = [1]",
			types(1, "transition", "waiting"), Event{At: 10 * time.Second, Do: "cut", Who: "leader", For: 50 * time.Second})},
		{Alteration: Alteration{Name: "leaders see that they were overtaken", Loses: "nobody leads on after a restore", Engine: statuses(func(s *states.Snapshot, n *states.Node) {
			if s.Desired.OK() && n.Status.Value.Mark.Refuses(s.Desired.Value.Mark) != "" {
				n.Status.Value.Mark = s.Desired.Value.Mark
			}
		})}, Rule: "Mark", Check: "overtaken", Story: putBack(types(180, "transition", "converged"))},
		{Alteration: Alteration{Name: "recover jumps far", Loses: "after a recovery nobody refuses for ever", Engine: writing(func(s states.Snapshot, c states.Change) states.Change {
			if c.Entry.Event == states.EventRecovered {
				d, seen := *c.Desired, orchestrator.Seen(s, states.Entry{}, time.Now())
				d.Generation, d.Epoch = seen.Generation+1, max(seen.Epoch, c.Entry.Epoch-1000)+1
				c.Desired, c.Entry.Desired, c.Record.Generation = &d, &d, d.Generation
			}
			return c
		})}, Rule: "Mark", Check: "recovered", Story: made("all go down, an old snapshot is restored, and it is recovered before they are back", 2, time.Second, `batches = ["100%"]`,
			types(1, "transition", "waiting"), types(60, "transition", "converged"), befalls(120, "off", 1, 3*time.Minute), befalls(120, "off", 2, 3*time.Minute),
			Event{At: 130 * time.Second, Do: "restore", For: 80 * time.Second}, Event{At: 131 * time.Second, Do: "garbage", Arg: "desired"}, types(180, "recover", "off"))},
	}
}

// putBack is a cluster whose store is put back to before its last move.
func putBack(events ...Event) Story {
	return made("an old snapshot is restored", 2, time.Second, `batches = ["100%"]`, append(events, types(1, "transition", "waiting"), types(60, "transition", "converged"),
		Event{At: 120 * time.Second, Do: "restore", For: 70 * time.Second})...)
}

// trusting gives out leases that their holder never takes for over.
type trusting struct{ orchestrator.Leaser }

// Campaign implements orchestrator.Leaser.
func (t trusting) Campaign(ctx context.Context, cluster, who, request string) (*states.Lease, error) {
	lease, err := t.Leaser.Campaign(ctx, cluster, who, request)
	if err != nil {
		return nil, err
	}
	endless, end := context.WithCancel(context.Background())
	release := lease.Release
	return &states.Lease{Cluster: lease.Cluster, Who: lease.Who, Session: lease.Session, Epoch: lease.Epoch, Context: endless,
		Release: func(ctx context.Context) error { end(); return release(ctx) }}, nil
}
