package sim

import (
	"context"
	"slices"
	"time"

	"orch/states"
	"orch/states/store"
)

// without drops operations from what is sent.
func without(drop func(op store.Op, ops []store.Op) bool) func(*world, string, store.KV) store.KV {
	return func(_ *world, _ string, kv store.KV) store.KV {
		return alteredKV{kv, func(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
			left := slices.DeleteFunc(slices.Clone(ops), func(op store.Op) bool { return drop(op, ops) })
			if len(left) == 0 {
				left = ops
			}
			return kv.Txn(ctx, left)
		}}
	}
}

func inRoom(op store.Op, room string) bool {
	r, _ := roomOf(op.Key)
	return r == room
}

// unfenced takes out the check of the lease.
var unfenced = Alteration{Name: "fencing", Loses: "a leader's write checks that it holds the lease", KV: without(func(op store.Op, ops []store.Op) bool {
	return op.Verb == store.CheckSession && inRoom(op, "leader")
})}

// ofWrites are the safeguards of what leaders write.
func ofWrites() []Safeguard {
	return []Safeguard{
		{Alteration: unfenced, Check: "writer", Story: made("a leader sleeps before it writes, until its lease is over", 3, 2*time.Second, "batches = [1]",
			when(0, "before commit batch", "freeze process", time.Minute), types(1, "transition", "waiting"))},
		{Alteration: Alteration{Name: "compare and swap", Loses: "a leader writes only over what it has read", Lands: overwrites}, Rule: "Serial", Check: "journal",
			Story: made("a leader's write comes in after its next one", 3, 40*time.Second, "batches = [1]",
				when(0, "before commit batch", "late", time.Second).surely(), types(1, "transition", "waiting"))},
		{Alteration: Alteration{Name: "requests are handled", Loses: "a request goes in the transaction that answers it", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			c.Handled = ""
			return c
		})}, Check: "once", Story: plainMove},
		{Alteration: Alteration{Name: "a request is done once", Loses: "what was answered is not done again when it is written again", Engine: showing(func(s states.Snapshot) states.Snapshot {
			s.Record.Value.Answers, s.Record.Value.Request = nil, ""
			return s
		})}, Check: "once", Story: made("a request comes in again long after it was done", 2, time.Second, "batches = [1]",
			when(0, "before write requests", "late", time.Second).surely(), types(1, "transition", "waiting"))},
		{Alteration: Alteration{Name: "void with the slot", Loses: "an order that is given up is voided", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			for name, o := range c.Orders {
				if o.Void != "" {
					delete(c.Orders, name)
				}
			}
			return c
		})}, Rule: "Revoke", Check: "bound", Story: lostNode},
		{Alteration: Alteration{Name: "void unless moved", Loses: "an order is given up only if its node has said nothing meanwhile", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			c.Unmoved = nil
			return c
		})}, Check: "charged", Story: made("a node that is given up tells its end in that moment", 3, 10*time.Second, `batches = [1]; converge_timeout = "30s"; max_failures = 2`,
			when(0, "run", "cut", 10*time.Minute), when(0, "before commit counted", "relief", 10*time.Second), types(1, "transition", "waiting"))},
	}
}

// plainMove is what happens every day.
var plainMove = made("a move", 3, 10*time.Second, "batches = [1]", types(1, "transition", "waiting"))

// lostNode is a node that does not take its order.
var lostNode = made("a node goes down with its order", 3, 10*time.Second, `batches = [1]; converge_timeout = "30s"; max_failures = 2`,
	when(0, "before claim", "off", 10*time.Minute), types(1, "transition", "waiting"))

// overwrites has leaders write over whatever lies there when the write comes in.
func overwrites(op store.Op, lies uint64) (store.Op, bool) {
	switch room, _ := roomOf(op.Key); {
	case op.Verb == store.CAS && slices.Contains([]string{"desired", "transition", "orders", "journal", "definition"}, room):
		op.Index = lies
	case op.Verb == store.DeleteCAS && room == "requests":
		op.Index = lies
	}
	return op, true
}
