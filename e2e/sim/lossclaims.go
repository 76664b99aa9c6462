package sim

import (
	"context"
	"errors"
	"time"

	"orch/convergeagent"
	"orch/states"
	"orch/states/store"
)

func isClaim(ops []store.Op) bool {
	what, _ := classify(ops)
	return what == "claim"
}

// unchecked takes the check of one document out of claims.
func unchecked(room string) func(*world, string, store.KV) store.KV {
	return without(func(op store.Op, ops []store.Op) bool {
		return op.Verb == store.CheckIndex && inRoom(op, room) && isClaim(ops)
	})
}

// unclaimed has a run begin after a word that checks nothing of what lets it go.
func unclaimed(_ *machine, c *convergeagent.Config) {
	c.Inbox = alteredInbox{Inbox: c.Inbox, claim: func(ctx context.Context, inner convergeagent.Inbox, _ states.Sight, _, running states.Status) error {
		return inner.Report(ctx, running)
	}}
}

// slowly is a move at which the way of all nodes to the store is slow, and something is typed just after
// the first were let go.
func slowly(name string, e Event) Story {
	e.On, e.At = "after commit batch", time.Second
	return made(name, 3, 10*time.Second, "batches = [1]", befalls(0, "slow", 1, 5*time.Minute), befalls(0, "slow", 2, 5*time.Minute), befalls(0, "slow", 3, 5*time.Minute), e,
		types(2, "transition", "waiting"))
}

// ofClaims are the safeguards of an agent's claim.
func ofClaims() []Safeguard {
	paused := slowly("a pause while a node claims", Event{Do: "pause"})
	return []Safeguard{
		{Alteration: Alteration{Name: "claim", Loses: "a run starts only after a transaction that checks everything", Agent: unclaimed}, Rule: "Claim", Check: "claimed", Story: paused},
		{Alteration: Alteration{Name: "claim checks the desired state", Loses: "nothing runs that was called off meanwhile", KV: unchecked("desired")}, Rule: "Claim", Check: "claimed", Story: paused},
		{Alteration: Alteration{Name: "claim checks the order", Loses: "nothing runs whose order was voided meanwhile", KV: unchecked("orders")}, Rule: "Claim", Check: "claimed",
			Story: slowly("a hold while a node claims", Event{Do: "hold", Who: "n1", For: 5 * time.Minute})},
		{Alteration: Alteration{Name: "claim checks the session", Loses: "only the agent that holds its name runs", KV: without(func(op store.Op, ops []store.Op) bool {
			return op.Verb == store.CheckSession && isClaim(ops)
		}), Lands: func(op store.Op, lies uint64) (store.Op, bool) {
			if op.Verb == store.CAS && inRoom(op, "status") {
				op.Index = lies
			}
			return op, true
		}}, Check: "claimed", Story: made("somebody ends the session of a slow node while it claims", 2, time.Second, `batches = ["100%"]`,
			befalls(0, "slow", 1, time.Minute), when(0, "before claim", "end session", 0), types(1, "transition", "waiting"))},
		{Alteration: Alteration{Name: "claim looks for a freeze", Loses: "nothing begins that was frozen meanwhile", KV: unsurprised}, Check: "claimed", Story: frozenClaim()},
		{Alteration: Alteration{Name: "an unknown claim is none", Loses: "a claim whose answer was lost is taken back", KV: believes}, Check: "claimed",
			Story: made("a claim gets lost", 2, time.Second, "batches = [1]", when(0, "before claim", "cut out", 30*time.Second), types(1, "transition", "waiting"))},
	}
}

// frozenClaim is a move into a state that serves, frozen just as a slow node claims.
func frozenClaim() Story {
	return made("a freeze while a node claims", 2, time.Second, "batches = [1]", types(0, "transition", "waiting"),
		befalls(60, "slow", 1, 5*time.Minute), befalls(60, "slow", 2, 5*time.Minute),
		Event{At: time.Minute, On: "before claim", Do: "freeze", For: 5 * time.Minute}, types(61, "transition", "converged"))
}

// unsurprised has an agent find the same freezes when it claims as when it looked last.
func unsurprised(_ *world, _ string, kv store.KV) store.KV {
	known := map[string]uint64{}
	return alteredKV{kv, func(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
		pairs, err := kv.Txn(ctx, ops)
		for i, pair := range pairs {
			switch {
			case !inRoom(store.Op{Key: pair.Key}, "freeze"):
			case isClaim(ops):
				pairs[i].Index = known[pair.Key]
			default:
				known[pair.Key] = pair.Index
			}
		}
		return pairs, err
	}}
}

// believes takes a claim of which nobody knows what became for one that went through.
func believes(_ *world, _ string, kv store.KV) store.KV {
	return alteredKV{kv, func(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
		pairs, err := kv.Txn(ctx, ops)
		if errors.Is(err, states.ErrUnknownOutcome) && isClaim(ops) {
			err = nil
			for _, op := range ops[2:5] {
				pairs = append(pairs, store.Pair{Key: op.Key, Index: op.Index})
			}
		}
		return pairs, err
	}}
}
