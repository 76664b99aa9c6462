package storetest

import (
	"errors"
	"testing"

	"orch/states"
	"orch/states/store"
)

var unlockTests = []test{
	{"a session tells that it lives, and that it does not", sessionTells},
	{"a leader whose session was ended fails at its next write", unlockFences},
	{"only the session that was looked at is ended", unlockSparesOthers},
}

func sessionTells(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	told, err := s.Session(t.Context(), lease.Session)
	must(t, err)
	if !told.Lives || told.TTL.D() != s.TTL {
		t.Errorf("a session that lives: %+v", told)
	}
	must(t, lease.Release(t.Context()))
	told, err = s.Session(t.Context(), lease.Session)
	if err != nil || told.Lives {
		t.Errorf("a session that has ended: %+v, %v", told, err)
	}
	if _, err := storeOn(t, h, struct{ store.KV }{h.KV}).Session(t.Context(), lease.Session); err == nil {
		t.Error("a store that does not tell has told")
	}
}

func unlockFences(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	commit(t, s, lease, change(1))
	must(t, s.Unlock(t.Context(), cluster, lease.Session))
	now := snapshot(t, s)
	if now.Led || !now.Leader.OK() || now.Leader.Value.Who != "ada@bastion" {
		t.Errorf("led %v, and the key says %+v", now.Led, now.Leader)
	}
	wantErr(t, "its next write", s.Commit(t.Context(), lease, now, change(2)), states.ErrLeaseLost)
	must(t, s.Unlock(t.Context(), cluster, lease.Session)) // it is free already
}

func unlockSparesOthers(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	old := lead(t, s)
	must(t, old.Release(t.Context()))
	young := lead(t, s)
	var held *states.HeldError
	if err := s.Unlock(t.Context(), cluster, old.Session); !errors.As(err, &held) || held.Session != young.Session {
		t.Errorf("ending the lease of whoever led before: %v", err)
	}
	if !snapshot(t, s).Led {
		t.Error("the lease of another one was ended")
	}
}
