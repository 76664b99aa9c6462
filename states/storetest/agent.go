package storetest

import (
	"context"
	"errors"
	"testing"

	"orch/states"
	"orch/states/store"
)

var agentTests = []test{
	{"a node enlists where nothing lies", enlistFresh},
	{"a node enlists again after its own earlier session", enlistAgain},
	{"a node enlists over its own forgotten session", enlistForgotten},
	{"another instance of the name is refused", enlistTaken},
	{"a node enlists over garbage", enlistGarbage},
	{"a report after the session is refused", reportGone},
	{"a report passes over a rolled back status", reportRolledBack},
	{"a renewal puts a rolled back status back", renewReasserts},
	{"a renewal says that the session is gone", renewGone},
	{"a node that leaves keeps its status", leave},
}

// enlist takes the node's status until the test ends.
func enlist(t *testing.T, a *store.Agent) string {
	t.Helper()
	session, err := a.Enlist(t.Context(), "", status(states.Settled))
	must(t, err)
	t.Cleanup(func() { _ = a.Leave(context.Background()) })
	return session
}

// shows asks what everybody sees of a node.
func shows(t *testing.T, h Harness, a *store.Agent, phase states.Phase, alive bool) {
	t.Helper()
	node, _ := snapshot(t, storeOn(t, h, h.KV)).Node(a.Node)
	if !node.Status.OK() || node.Status.Value.Phase != phase || node.Alive != alive {
		t.Errorf("%s shows %+v, alive %v; want %s, %v", a.Node, node.Status, node.Alive, phase, alive)
	}
}

func enlistFresh(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	wantErr(t, "a report before", a.Report(t.Context(), status(states.Settled)), states.ErrSessionGone)
	enlist(t, a)
	shows(t, h, a, states.Settled, true)
	must(t, a.Report(t.Context(), status(states.Waiting)))
	must(t, a.Report(t.Context(), status(states.Waiting))) // equal
	must(t, a.Report(t.Context(), status(states.Held)))
	shows(t, h, a, states.Held, true)
}

func enlistAgain(t *testing.T, h Harness) {
	before := agentOn(t, h, h.KV, "web1")
	earlier := enlist(t, before)
	for try := range 5 { // at once, whatever lock delay the earlier session leaves behind
		if try == 2 { // the key does not tell of the session any more; the state file does
			h.Delete(before.Keys.Status(cluster, "web1"))
		}
		after := agentOn(t, h, h.KV, "web1")
		next, err := after.Enlist(t.Context(), earlier, status(states.Waiting))
		must(t, err)
		if err := h.KV.RenewSession(t.Context(), earlier); !errors.Is(err, states.ErrSessionGone) {
			t.Errorf("the earlier session lives on: %v", err)
		}
		shows(t, h, after, states.Waiting, true)
		earlier = next
	}
	wantErr(t, "a report of the earlier process", before.Report(t.Context(), status(states.Settled)), states.ErrSessionGone)
}

func enlistForgotten(t *testing.T, h Harness) {
	forgotten := enlist(t, agentOn(t, h, h.KV, "web1"))
	a := agentOn(t, h, h.KV, "web1")
	enlist(t, a)
	shows(t, h, a, states.Settled, true)
	wantErr(t, "renewing what was forgotten", h.KV.RenewSession(t.Context(), forgotten), states.ErrSessionGone)
}

func enlistTaken(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	session := enlist(t, a)
	twin := agentOn(t, h, h.KV, "web1")
	other := status(states.Waiting)
	other.Instance = "2nd"
	_, err := twin.Enlist(t.Context(), "", other)
	var taken *states.TakenError
	if !errors.As(err, &taken) || taken.Node != "web1" || taken.Instance != "1nstance" {
		t.Errorf("a second instance: %v", err)
	}
	must(t, h.KV.RenewSession(t.Context(), session))
	shows(t, h, a, states.Settled, true)
	must(t, a.Leave(t.Context()))
	if _, err := twin.Enlist(t.Context(), "", other); err != nil {
		t.Errorf("a second instance when the first has left: %v", err)
	}
	t.Cleanup(func() { _ = twin.Leave(context.Background()) })
}

func enlistGarbage(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	h.Put(a.Keys.Status(cluster, "web1"), "garbage")
	enlist(t, a)
	shows(t, h, a, states.Settled, true)
}

func reportGone(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	must(t, h.KV.DestroySession(t.Context(), enlist(t, a)))
	wantErr(t, "a report", a.Report(t.Context(), status(states.Waiting)), states.ErrSessionGone)
	shows(t, h, a, states.Settled, false)
}

func reportRolledBack(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	enlist(t, a)
	h.Put(a.Keys.Status(cluster, "web1"), "moved by somebody")
	must(t, a.Report(t.Context(), status(states.Waiting)))
	shows(t, h, a, states.Waiting, true)
}

func renewReasserts(t *testing.T, h Harness) {
	h = h.Alone(t)
	a := agentOn(t, h, h.KV, "web1")
	enlist(t, a)
	restore := h.Save()
	must(t, a.Report(t.Context(), status(states.Waiting)))
	must(t, a.Renew(t.Context(), status(states.Waiting)))
	restore()
	shows(t, h, a, states.Settled, true)
	must(t, a.Renew(t.Context(), status(states.Waiting)))
	shows(t, h, a, states.Waiting, true)
}

func renewGone(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	must(t, h.KV.DestroySession(t.Context(), enlist(t, a)))
	wantErr(t, "a renewal", a.Renew(t.Context(), status(states.Settled)), states.ErrSessionGone)

	b := agentOn(t, h, h.KV, "web2")
	enlist(t, b)
	key := b.Keys.Status(cluster, "web2")
	held := read(t, h.KV, key)
	txn(t, h.KV, store.Op{Verb: store.Unlock, Key: key, Value: held.Value, Session: held.Session})
	wantErr(t, "a renewal of what is not held any more", b.Renew(t.Context(), status(states.Settled)), states.ErrSessionGone)
	h.Delete(key)
	wantErr(t, "a renewal without the key", b.Renew(t.Context(), status(states.Settled)), states.ErrSessionGone)
}

func leave(t *testing.T, h Harness) {
	a := agentOn(t, h, h.KV, "web1")
	enlist(t, a)
	must(t, a.Leave(t.Context()))
	must(t, a.Leave(t.Context()))
	shows(t, h, a, states.Settled, false)
	wantErr(t, "a report after", a.Report(t.Context(), status(states.Waiting)), states.ErrSessionGone)
}
