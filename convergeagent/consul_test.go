package convergeagent

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"orch/states"
)

// race lets something happen between a decision and its claim.
type race struct {
	Inbox
	once   sync.Once
	before func()
	err    error // of the first claim, where there is one
}

func (r *race) Claim(ctx context.Context, sight states.Sight, before, running states.Status) (err error) {
	r.once.Do(func() { r.before(); err = r.err })
	if err != nil {
		return err
	}
	return r.Inbox.Claim(ctx, sight, before, running)
}

func TestClaimRaces(t *testing.T) {
	t.Parallel()
	void := states.Order{Schema: states.Schema, Void: "too late"}
	for name, c := range map[string]struct {
		meanwhile func(r *rig)
		err       error
	}{
		"a new desired state": {meanwhile: func(r *rig) { r.want(desired(2, "converged")) }},
		"an order came up":    {meanwhile: func(r *rig) { r.kv.Put(keys.Order("web", "web-01"), text(void)) }},
		"the answer was lost": {meanwhile: func(r *rig) { r.client.LoseNextWrite(true) }},
		"the write was lost":  {meanwhile: func(r *rig) { r.client.LoseNextWrite(false) }},
		"consul is away":      {meanwhile: func(*rig) {}, err: states.ErrUnavailable},
		"the session is gone": {meanwhile: func(*rig) {}, err: states.ErrSessionGone},
		"it is denied":        {meanwhile: func(*rig) {}, err: states.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace := filepath.Join(t.TempDir(), "trace")
			r := newRig(t, "echo $1 >> "+trace)
			r.config.Inbox = &race{Inbox: r.inbox, err: c.err, before: func() {
				m := memoryOf(t, r.config.StateDir)
				if !m.Last.Going() || m.Attempting.Name == "" {
					t.Errorf("nothing is noted before the claim: %s", text(m))
				}
				c.meanwhile(r)
			}}
			d := desired(1, "converged")
			if name == "a new desired state" {
				d = desired(1, "off")
			}
			r.want(d)
			r.start()
			r.settled("converged")
			if got := lines(trace); len(got) != 1 || got[0] != "converged" {
				t.Errorf("it ran %q", got)
			}
		})
	}
}

func memoryOf(t *testing.T, dir string) memory {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, memoryFile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseMemory(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSessionIsMadeAgainWhileARunGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, `while ! test -e `+dir+`/go; do sleep 0.02; done`)
	r.want(desired(1, "converged"))
	r.start()
	r.until("converging", func(s states.Status) bool { return s.Phase == states.Converging })
	session := r.pair().Session
	if err := r.kv.DestroySession(context.Background(), session); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another session", func() bool { now := r.pair().Session; return now != "" && now != session },
		func() string { return text(r.status()) })
	if s := r.status(); !s.Run.Going() || s.Run.Attempt != 1 {
		t.Errorf("it reports %s", text(s))
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.settled("converged")
}

func TestReportsAreKeptWhileConsulIsAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, `while ! test -e `+dir+`/go; do sleep 0.02; done; exit 1`)
	r.want(closed(desired(1, "converged")))
	r.start()
	r.until("waiting", func(s states.Status) bool { return s.Generation == 1 })
	r.order(closed(desired(1, "converged")), "run-1")
	r.until("converging", func(s states.Status) bool { return s.Phase == states.Converging })
	r.client.Down(true)
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end is noted", func() bool { return memoryOf(t, r.config.StateDir).Last.Terminal }, func() string { return "" })
	r.client.Down(false)
	s := r.until("the end is told", func(s states.Status) bool { return s.Run.Terminal })
	if s.Run.ID != "run-1" || s.Run.Exit != 1 {
		t.Errorf("it reports %s", text(s))
	}
}

func TestStatusIsPutBackAfterARestore(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.inbox.Wait = 200 * time.Millisecond
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	old := r.kv.Save() // a blocked query sees it when its time is over
	r.want(desired(2, "off"))
	r.settled("off")
	r.kv.Restore(old)
	s := r.until("its mark is back", func(s states.Status) bool { return s.Generation == 2 && s.Phase == states.Refusing })
	if s.State.Name != "off" {
		t.Errorf("it reports %s", text(s))
	}
}
