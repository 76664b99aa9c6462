package storetest

import (
	"context"
	"errors"
	"testing"

	"orch/states"
)

var lostTests = []test{
	{"a campaign whose answer was lost can be repeated", campaignLost},
	{"enlisting whose answer was lost can be repeated", enlistLost},
	{"a report whose answer was lost can be repeated", reportLost},
	{"a cluster that cannot all be read is not read", snapshotDenied},
}

func campaignLost(t *testing.T, h Harness) {
	for _, applied := range []bool{false, true} {
		kv := h.Lossy()
		s := storeOn(t, h, kv)
		kv.LoseNextWrite(applied)
		if lease, err := s.Campaign(t.Context(), cluster, "ada@bastion", ""); !errors.Is(err, states.ErrUnknownOutcome) {
			t.Fatalf("a campaign whose answer was lost: %+v, %v", lease, err)
		}
		if snapshot(t, s).Led {
			t.Error("nobody knows of a lease that somebody holds")
		}
		eventually(t, "the lease can be taken", func() bool {
			lease, err := s.Campaign(t.Context(), cluster, "ada@bastion", "")
			if err == nil {
				must(t, lease.Release(t.Context()))
			}
			return err == nil
		})
	}
}

func enlistLost(t *testing.T, h Harness) {
	for _, applied := range []bool{false, true} {
		kv := h.Lossy()
		a := agentOn(t, h, kv, "web1")
		kv.LoseNextWrite(applied)
		_, err := a.Enlist(t.Context(), "", status(states.Settled))
		wantErr(t, "enlisting", err, states.ErrUnknownOutcome)
		wantErr(t, "a report after it", a.Report(t.Context(), status(states.Waiting)), states.ErrSessionGone)
		_, err = a.Enlist(t.Context(), "", status(states.Waiting))
		must(t, err)
		shows(t, h, a, states.Waiting, true)
		must(t, a.Leave(context.WithoutCancel(t.Context())))
	}
}

func reportLost(t *testing.T, h Harness) {
	kv := h.Lossy()
	a := agentOn(t, h, kv, "web1")
	enlist(t, a)
	for _, applied := range []bool{false, true} {
		kv.LoseNextWrite(applied)
		wantErr(t, "a report", a.Report(t.Context(), status(states.Waiting)), states.ErrUnknownOutcome)
		must(t, a.Report(t.Context(), status(states.Held)))
		shows(t, h, a, states.Held, true)
	}
}

// A token that may not list the statuses must not see a cluster without nodes.
func snapshotDenied(t *testing.T, h Harness) {
	enlist(t, agentOn(t, h, h.KV, "web1"))
	k := keysOf(t, h)
	for _, denied := range []string{k.Statuses(cluster), k.Leader(cluster), k.Freeze(), k.Status(cluster, "web1")} {
		now, err := storeOn(t, h, h.Client(denied)).Snapshot(t.Context(), cluster)
		if !errors.Is(err, states.ErrDenied) {
			t.Errorf("with %s denied it reads %+v, %v", denied, now, err)
		}
	}
}
