package convergeagent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orch/states"
)

// draining is a document that lets everybody go, out of the traffic of web.
func draining(generation uint64, state string, wait time.Duration) states.Desired {
	d := desired(generation, state)
	d.Drains = []states.Drain{{Service: "web", Wait: states.Duration(wait)}}
	return d
}

// during makes the rig note, at each converge, why an instance is in maintenance then.
func (r *rig) during(id string) func() string {
	var seen []string
	r.config.Action = spy{r.config.Action, func(Task) { seen = append(seen, r.catalog.reason(id)) }}
	return func() string { return strings.Join(seen, ", ") } // asked when the run is over
}

func TestDrains(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.catalog.services["web"] = []string{"a", "b"}
	during := r.during("a")
	board := &notes{}
	r.config.Board = board
	r.drainer.meet = func(step string) {
		if step == "restore" && r.status().Run.Terminal {
			t.Error("success is told while nothing serves yet")
		}
	}
	r.want(draining(1, "version 42", 300*time.Millisecond))
	r.start()
	s := r.until("draining", func(s states.Status) bool { return s.Phase == states.Draining })
	if s.Reason != "service web in maintenance, converges in 300ms" || strings.Join(s.Drained, " ") != "a b" || !s.Run.Going() {
		t.Errorf("it reports %s", text(s))
	}
	s = r.settled("version 42")
	if want := "orch run " + s.Run.ID + " to version 42"; during() != want || r.catalog.reason("a")+r.catalog.reason("b") != "" {
		t.Errorf("during the run: %q, want %q; afterwards: %q %q", during(), want, r.catalog.reason("a"), r.catalog.reason("b"))
	}
	if s.Drained != nil || memoryOf(t, r.config.StateDir).Drained != nil || s.Run.Drain.D() != 300*time.Millisecond || s.Run.Seconds >= 0.3 {
		t.Errorf("it reports %s", text(s))
	}
	eventually(t, "the board shows it serving", func() bool { return board.last() == "version-42 passing" }, board.last)
}

func TestDrainsWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ids    []string
		own    map[string]string
		drains int
	}{
		"none is registered":      {nil, nil, 0},
		"every one of that name":  {[]string{"a", "b"}, nil, 2},
		"the one that is named":   {[]string{"a", "b"}, map[string]string{"web": "b"}, 1},
		"the named one is absent": {[]string{"a"}, map[string]string{"web": "b"}, 0},
		"another one's is named":  {[]string{"a"}, map[string]string{"db": "b"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "exit 0")
			r.catalog.services["web"], r.config.Services = c.ids, c.own
			r.want(draining(1, "converged", 0))
			r.start()
			r.settled("converged")
			if drains, restores := r.drainer.called("drain"), r.drainer.called("restore"); drains != c.drains || restores != c.drains {
				t.Errorf("it drained %d and took out %d", drains, restores)
			}
		})
	}
}

// What somebody else has in maintenance is neither waited for nor taken out.
func TestForeignMaintenance(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.catalog.services["web"] = []string{"a"}
	r.catalog.put("a", "disk swap")
	r.want(draining(1, "converged", time.Hour))
	r.start()
	s := r.settled("converged")
	if r.catalog.reason("a") != "disk swap" || r.drainer.called("drain")+r.drainer.called("restore") != 0 || s.Drained != nil {
		t.Errorf("it is %q now, and it reports %s", r.catalog.reason("a"), text(s))
	}
}

// What somebody set anew, or took over while the agent was about to set it, is theirs.
func TestReplacedMaintenance(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]string{"during the run": "", "before it was set": "drain", "after it was set": "drained"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "exit 0")
			r.catalog.services["web"] = []string{"a"}
			replace := func() { r.catalog.put("a", "disk swap") }
			r.drainer.meet = func(met string) {
				if met == step {
					replace()
				}
			}
			if step == "" {
				r.config.Action = spy{r.config.Action, func(Task) { replace() }}
			}
			r.want(draining(1, "converged", time.Millisecond))
			r.start()
			s := r.settled("converged")
			if r.catalog.reason("a") != "disk swap" || r.drainer.called("restore") != 0 || s.Drained != nil || memoryOf(t, r.config.StateDir).Drained != nil {
				t.Errorf("it is %q now, and it reports %s", r.catalog.reason("a"), text(s))
			}
		})
	}
}

// What was taken out by hand during the run is left alone too.
func TestMaintenanceThatEndedEarly(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.catalog.services["web"] = []string{"a", "gone"}
	r.config.Action = spy{r.config.Action, func(Task) {
		r.catalog.put("a", "")
		r.catalog.mu.Lock()
		defer r.catalog.mu.Unlock()
		r.catalog.services["web"] = []string{"a"}
	}}
	r.want(draining(1, "converged", 0))
	r.start()
	if s := r.settled("converged"); r.drainer.called("restore") != 0 || s.Drained != nil {
		t.Errorf("it took it out, and reports %s", text(s))
	}
}

func TestARunThatCannotDrainDoesNotStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		what  string
		err   error
		says  string
		after []string // noted as drained
	}{
		"it may not look":       {"instances", states.ErrDenied, `drain service "web": permission denied`, nil},
		"it may not drain":      {"drain", states.ErrDenied, `drain service "web": permission denied`, nil},
		"consul is away":        {"drain", states.ErrUnavailable, `drain service "web": `, nil},
		"it may be done or not": {"draining", states.ErrUnknownOutcome, `drain service "web": `, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace := filepath.Join(t.TempDir(), "trace")
			r := newRig(t, "echo run >> "+trace)
			r.catalog.services["web"] = []string{"a"}
			r.drainer.breaks(c.what, c.err)
			d := closed(draining(1, "converged", time.Millisecond))
			r.want(d)
			r.start()
			r.until("waiting", func(s states.Status) bool { return s.Generation == 1 })
			r.order(d, "run-1")
			s := r.until("failed", func(s states.Status) bool { return s.Phase == states.Failed })
			if len(lines(trace)) != 0 || s.Run.Outcome != states.ExitedBadly || s.Run.Exit != -1 || !strings.Contains(s.Run.Error, c.says) {
				t.Errorf("it ran %q, and reports %s", lines(trace), text(s))
			}
			if fmt.Sprint(s.Drained) != fmt.Sprint(c.after) {
				t.Errorf("it says that it drained %q", s.Drained)
			}
			r.drainer.breaks(c.what, nil)
			r.order(d, "run-2")
			if r.settled("converged"); len(lines(trace)) != 1 || r.catalog.reason("a") != "" {
				t.Errorf("it ran %q, and is %q", lines(trace), r.catalog.reason("a"))
			}
		})
	}
}

// A failed run leaves the node drained; whatever run succeeds later takes it back, and none of them
// waits for traffic that is not there any more.
func TestStaysDrainedUntilARunSucceeds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "test -e "+dir+"/mended")
	r.catalog.services["web"] = []string{"a"}
	during := r.during("a")
	d := closed(draining(1, "converged", 300*time.Millisecond))
	d.Retries = 1
	r.want(d)
	r.start()
	r.until("waiting", func(s states.Status) bool { return s.Generation == 1 })
	r.order(d, "run-1")
	s := r.until("failed", func(s states.Status) bool { return s.Phase == states.Failed })
	const reason = "orch run run-1 to converged"
	if during() != reason+", "+reason || r.drainer.called("drain") != 1 || strings.Join(s.Drained, " ") != "a" {
		t.Errorf("during its tries: %q, and it reports %s", during(), text(s))
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.until("still failed", func(s states.Status) bool { return s.Phase == states.Failed })
	quiet(t, "it stays drained", func() bool { return r.catalog.reason("a") == reason })
	if err := os.WriteFile(dir+"/mended", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	next := closed(draining(2, "off", time.Hour))
	next.Drains[0].Service = "db" // whatever it drains itself
	r.want(next)
	r.until("waiting", func(s states.Status) bool { return s.Generation == 2 })
	r.order(next, "run-2")
	r.settled("off")
	if !strings.HasSuffix(during(), reason) || r.catalog.reason("a") != "" {
		t.Errorf("during its runs: %q; it is %q now", during(), r.catalog.reason("a"))
	}
}

// Consul is away when it is to be taken out: success is told all the same, and why it does not serve.
func TestTakesItOutWhenConsulIsBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.catalog.services["web"] = []string{"a"}
	board := &notes{}
	r.config.Board = board
	r.drainer.breaks("restore", states.ErrUnavailable)
	r.want(draining(1, "converged", 0))
	r.start()
	s := r.settled("converged")
	if !strings.Contains(s.Reason, "service web stays in maintenance until it can be taken out: consul does not answer") || strings.Join(s.Drained, " ") != "a" {
		t.Errorf("it reports %s", text(s))
	}
	eventually(t, "the board warns", func() bool { return board.last() == "converged warning" }, board.last)
	r.drainer.breaks("restore", nil)
	s = r.until("out", func(s states.Status) bool { return s.Drained == nil })
	if r.catalog.reason("a") != "" || strings.Contains(s.Reason, "maintenance") {
		t.Errorf("it is %q, and reports %s", r.catalog.reason("a"), text(s))
	}
	eventually(t, "the board does not warn", func() bool { return board.last() == "converged passing" }, board.last)
}

func TestStopsWhileItDrains(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.catalog.services["web"] = []string{"a"}
	d := draining(1, "converged", time.Hour)
	d.Retries = 1
	r.want(d)
	r.start()
	r.until("draining", func(s states.Status) bool { return s.Phase == states.Draining })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if s := r.status(); s.Run.Outcome != states.Interrupted || s.Run.Terminal || !strings.Contains(s.Run.Error, "before anything ran") || strings.Join(s.Drained, " ") != "a" {
		t.Errorf("it leaves %s", text(s))
	}
}

// A wait goes by a clock that nobody sets. Of one that another process began as much is left as the note
// tells, which may have been written as long before as a drain can take.
func TestAWaitIsCountedFromWhatIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		off := time.Duration(0)
		d := &drain{out: map[string]outSince{}, now: func() time.Time { return dated(time.Now().Add(off)) }}
		for noted, want := range map[time.Duration]time.Duration{0: 0, patience: 0, time.Minute: time.Minute - patience, -time.Hour: 0} {
			clear(d.out)
			note := drained{Instance: "a", Reason: "orch run r-1 to converged", Since: time.Now().Add(-noted)}
			if out := d.since(note); out != want {
				t.Errorf("noted %s ago, it is out for %s, want %s", noted, out, want)
			}
			off = 87600 * time.Hour
			time.Sleep(7 * time.Second)
			if out := d.since(note); out != want+7*time.Second {
				t.Errorf("noted %s ago, it is out for %s after 7s, want %s", noted, out, want+7*time.Second)
			}
			off = 0
		}
	})
}

// late is an action that is done when its agent is told to stop.
type late struct{ Exec }

func (*late) Converge(ctx context.Context, _ Task) Result {
	<-ctx.Done()
	return Result{Outcome: states.Succeeded}
}

// A run that succeeds as the agent is told to stop is told with the node back in the traffic.
func TestTakesItOutAsItLeaves(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.config.Action = &late{}
	r.catalog.services["web"] = []string{"a"}
	r.want(draining(1, "converged", 0))
	r.start()
	r.until("drained", func(s states.Status) bool { return s.Phase == states.Converging && s.Drained != nil })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if s := r.status(); r.catalog.reason("a") != "" || s.Drained != nil || !s.Run.OK() {
		t.Errorf("it is %q, and it leaves %s", r.catalog.reason("a"), text(s))
	}
}
