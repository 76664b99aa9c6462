package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"orch/states"
	"orch/states/store"
)

// A write that timed out may be applied later than newer writes: Consul was seen to do it when a
// server that was frozen went on (PUT given up after 3s, applied after five newer ones).
var lateTests = []test{
	{"a late commit never undoes a newer one", lateCommit},
	{"a late commit of a deposed leader is fenced", lateDeposed},
	{"a late claim does not pass a stop", lateClaimStopped},
	{"a late claim that lands starts nothing, and is put right", lateClaimLands},
	{"a late report never undoes a newer one", lateReport},
	{"a late campaign takes no lease", lateCampaign},
}

// air is a network in which the next transaction that writes hangs.
type air struct {
	store.KV
	hold bool
	ops  []store.Op
}

func (a *air) Txn(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
	last := ops[len(ops)-1].Verb
	if !a.hold || last == store.Get || last == store.GetOrEmpty || last == store.GetTree {
		return a.KV.Txn(ctx, ops)
	}
	a.hold, a.ops = false, ops
	return nil, fmt.Errorf("%w: it hangs", states.ErrUnknownOutcome)
}

// land applies what hung, and tells whether it went through.
func (a *air) land(t *testing.T) bool {
	t.Helper()
	if a.ops == nil {
		t.Fatal("nothing hangs")
	}
	_, err := a.KV.Txn(t.Context(), a.ops)
	var failed *store.TxnError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return err == nil
}

func lateCommit(t *testing.T, h Harness) {
	kv := &air{KV: h.KV}
	s := storeOn(t, h, kv)
	lease := lead(t, s)
	commit(t, s, lease, change(1))
	now := snapshot(t, s)
	late, wanted := change(2), desired(2)
	late.Desired, late.Orders = &wanted, map[string]states.Order{"web1": order("run-late")}
	kv.hold = true
	wantErr(t, "a commit that hangs", s.Commit(t.Context(), lease, now, late), states.ErrUnknownOutcome)
	other := change(2) // decided again, otherwise; not one key but the record and the entry in common
	other.Entry.Reason, other.Record.Reason = "paused", "paused"
	other.Orders = map[string]states.Order{"web2": order("run-2")}
	commit(t, s, lease, other)
	if kv.land(t) {
		t.Error("it landed after a newer one")
	}
	after := snapshot(t, s)
	if _, there := after.Node("web1"); there || after.Desired.There() || after.Record.Value.Reason != "paused" {
		t.Errorf("it left %+v", after)
	}
}

func lateDeposed(t *testing.T, h Harness) {
	kv := &air{KV: h.KV}
	s := storeOn(t, h, kv)
	lease := lead(t, s)
	kv.hold = true
	wantErr(t, "a commit that hangs", s.Commit(t.Context(), lease, snapshot(t, s), change(1)), states.ErrUnknownOutcome)
	must(t, lease.Release(t.Context()))
	if kv.land(t) {
		t.Error("it landed when its leader had let go")
	}
	lead(t, s)
	if landed, now := kv.land(t), snapshot(t, s); landed || now.Record.There() {
		t.Error("it landed when the next led")
	}
}

func lateClaimStopped(t *testing.T, h Harness) {
	kv := &air{KV: h.KV}
	s := claimant(t, h, kv, true)
	kv.hold = true
	s.refused(t, "a claim that hangs")
	put(t, h, s.a.Keys.Desired(cluster), desired(2)) // a stop
	if kv.land(t) {
		t.Error("it landed after the stop")
	}
	shows(t, h, s.a, states.Settled, true)
}

func lateClaimLands(t *testing.T, h Harness) {
	kv := &air{KV: h.KV}
	s := claimant(t, h, kv, true)
	kv.hold = true
	s.refused(t, "a claim that hangs")
	if !kv.land(t) {
		t.Fatal("nothing has changed, and it did not land")
	}
	shows(t, h, s.a, states.Converging, true)
	must(t, s.a.Renew(t.Context(), status(states.Settled))) // nothing runs, and the next renewal says so
	shows(t, h, s.a, states.Settled, true)

	kv.hold = true
	s.refused(t, "another that hangs")
	kv.land(t)
	wantErr(t, "a claim over one that landed", s.claim(t), states.ErrConflict)
	must(t, s.claim(t))
	shows(t, h, s.a, states.Converging, true)
	if kv.land(t) {
		t.Error("it landed twice")
	}
}

func lateReport(t *testing.T, h Harness) {
	kv := &air{KV: h.KV}
	a := agentOn(t, h, kv, "web1")
	enlist(t, a)
	kv.hold = true
	wantErr(t, "a report that hangs", a.Report(t.Context(), status(states.Waiting)), states.ErrUnknownOutcome)
	must(t, a.Report(t.Context(), status(states.Held)))
	if kv.land(t) {
		t.Error("it landed after a newer one")
	}
	shows(t, h, a, states.Held, true)
}

func lateCampaign(t *testing.T, h Harness) {
	kv := &air{KV: h.KV, hold: true}
	s := storeOn(t, h, kv)
	lease, err := s.Campaign(t.Context(), cluster, "ada@bastion", "")
	if !errors.Is(err, states.ErrUnknownOutcome) {
		t.Fatalf("a campaign that hangs: %+v, %v", lease, err)
	}
	if kv.land(t) || snapshot(t, s).Led {
		t.Error("its lock landed, and nobody knows that it leads")
	}
}
