package storetest

import (
	"testing"

	"orch/states"
	"orch/states/store"
)

var claimTests = []test{
	{"a claim goes through", claimGoesThrough},
	{"a claim fails where the desired state moved", claimDesiredMoved},
	{"a claim fails where the order moved", claimOrderMoved},
	{"a claim is taken back where an order appeared", claimOrderAppeared},
	{"a claim is taken back where a freeze appeared", claimFreezeAppeared},
	{"a claim fails without the session", claimSessionGone},
	{"a claim passes over a moved status the next time", claimStatusMoved},
	{"a claim whose answer was lost is taken back", claimAnswerLost},
	{"a claim is taken back where a freeze cannot be read", claimFreezeDenied},
}

// stand is an agent that sees a desired state and its order, and is about to run.
type stand struct {
	Harness
	a     *store.Agent
	sight states.Sight
}

func claimant(t *testing.T, h Harness, kv store.KV, ordered bool) stand {
	t.Helper()
	s, a := storeOn(t, h, h.KV), agentOn(t, h, kv, "web1")
	wanted := desired(1)
	step := change(1)
	step.Desired = &wanted
	if ordered {
		step.Orders = map[string]states.Order{"web1": order("run-1")}
	}
	commit(t, s, lead(t, s), step)
	enlist(t, a)
	now := snapshot(t, s)
	node, _ := now.Node("web1")
	return stand{Harness: h, a: a, sight: states.Sight{Desired: now.Desired, Order: node.Order, Frozen: now.Frozen, Freeze: now.Freeze}}
}

func (s stand) claim(t *testing.T) error {
	running := status(states.Converging)
	running.Run = states.Run{ID: "run-1", State: v42}
	return s.a.Claim(t.Context(), s.sight, status(states.Settled), running)
}

func claimGoesThrough(t *testing.T, h Harness) {
	s := claimant(t, h, h.KV, true)
	must(t, s.claim(t))
	shows(t, h, s.a, states.Converging, true)
	must(t, s.a.Report(t.Context(), status(states.Settled)))
	must(t, s.claim(t)) // the index of our own status is known
	shows(t, h, s.a, states.Converging, true)
}

// refused asks that a claim conflicts and that nothing of it stays.
func (s stand) refused(t *testing.T, what string) {
	t.Helper()
	wantErr(t, what, s.claim(t), states.ErrConflict)
	shows(t, s.Harness, s.a, states.Settled, true)
}

func claimDesiredMoved(t *testing.T, h Harness) {
	s := claimant(t, h, h.KV, true)
	h.Put(s.a.Keys.Desired(cluster), "moved")
	s.refused(t, "a claim on an older desired state")
	h.Delete(s.a.Keys.Desired(cluster))
	s.refused(t, "a claim on a deleted desired state")
}

func claimOrderMoved(t *testing.T, h Harness) {
	s := claimant(t, h, h.KV, true)
	h.Put(s.a.Keys.Order(cluster, "web1"), "void")
	s.refused(t, "a claim on an order that was taken back")
	h.Delete(s.a.Keys.Order(cluster, "web1"))
	s.refused(t, "a claim on an order that is gone")
}

func claimOrderAppeared(t *testing.T, h Harness) {
	s := claimant(t, h, h.KV, false)
	must(t, s.claim(t))
	must(t, s.a.Report(t.Context(), status(states.Settled)))
	h.Put(s.a.Keys.Order(cluster, "web1"), "held, say")
	s.refused(t, "a claim without an order, beside one")
}

func claimFreezeAppeared(t *testing.T, h Harness) {
	s := claimant(t, h, h.KV, true)
	for _, key := range []string{s.a.Keys.Freeze(), s.a.Keys.ClusterFreeze(cluster)} {
		h.Put(key, "frozen, say")
		s.refused(t, "a claim beside a freeze that nobody saw")
		h.Delete(key)
	}
	h.Put(s.a.Keys.Freeze(), "frozen, say")
	s.sight.Frozen = states.Doc[states.Freeze]{Index: read(t, h.KV, s.a.Keys.Freeze()).Index, Problem: "not JSON"}
	must(t, s.claim(t)) // the decision knew of it
	must(t, s.a.Report(t.Context(), status(states.Settled)))
	h.Delete(s.a.Keys.Freeze())
	s.refused(t, "a claim beside a freeze that is gone")
}

func claimSessionGone(t *testing.T, h Harness) {
	s := claimant(t, h, h.KV, true)
	must(t, h.KV.DestroySession(t.Context(), read(t, h.KV, s.a.Keys.Status(cluster, "web1")).Session))
	wantErr(t, "a claim without a session", s.claim(t), states.ErrSessionGone)
	shows(t, h, s.a, states.Settled, false)
	must(t, s.a.Leave(t.Context()))
	wantErr(t, "a claim after leaving", s.claim(t), states.ErrSessionGone)
}

func claimStatusMoved(t *testing.T, h Harness) {
	s := claimant(t, h, h.KV, true)
	h.Put(s.a.Keys.Status(cluster, "web1"), "rolled back, say")
	wantErr(t, "a claim over a moved status", s.claim(t), states.ErrConflict)
	must(t, s.claim(t))
	shows(t, h, s.a, states.Converging, true)
}

func claimAnswerLost(t *testing.T, h Harness) {
	for _, applied := range []bool{false, true} {
		kv := h.Lossy()
		s := claimant(t, h, kv, true)
		kv.LoseNextWrite(applied)
		s.refused(t, "a claim whose answer was lost")
		must(t, s.claim(t))
		must(t, s.a.Leave(t.Context()))
		for _, pair := range txn(t, h.KV, store.Op{Verb: store.GetTree, Key: h.Prefix}) {
			h.Delete(pair.Key)
		}
	}
}

// Not seeing is not absence: where the token may not read a freeze, nobody knows whether there is one.
func claimFreezeDenied(t *testing.T, h Harness) {
	s := claimant(t, h, h.Client(keysOf(t, h).ClusterFreeze(cluster)), true)
	s.refused(t, "a claim without the right to see a freeze")
}
