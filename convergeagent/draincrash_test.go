package convergeagent

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"orch/states"
)

// crash is a process that stops at a step for ever, as far as its disk and Consul can tell.
type crash struct {
	*rig
	at      string
	reached chan struct{} // closed at the step
	dead    chan struct{} // closed when the test is over
}

// crashing makes an agent that is gone from that step on. Its steps: drain, drained, waiting,
// running, restore, restored.
func crashing(t *testing.T, at, script string) *crash {
	r := newRig(t, script)
	r.catalog.services["web"] = []string{"a"}
	c := &crash{rig: r, at: at, reached: make(chan struct{}), dead: make(chan struct{})}
	r.drainer.meet = c.step
	r.config.Action = spy{r.config.Action, func(Task) { c.step("running") }}
	return c
}

// start runs it; in the end it is let go before it is waited for.
func (c *crash) start() {
	c.rig.start()
	c.t.Cleanup(func() { close(c.dead) })
}

func (c *crash) step(step string) {
	if step == c.at {
		close(c.reached)
		<-c.dead
	}
}

// heir is what the next process finds: the disk of that moment, and the same Consul. Nothing that
// the dead one may still do reaches either.
func (c *crash) heir(script string) *rig {
	c.t.Helper()
	dir := c.t.TempDir()
	text, err := os.ReadFile(filepath.Join(c.config.StateDir, memoryFile))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, memoryFile), text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.client.Down(true)
	c.drainer.breaks("instances", states.ErrUnavailable)
	r := rigIn(c.t, dir, script)
	r.kv, r.client = c.kv, c.kv.Client()
	r.inbox.KV = r.client
	r.catalog = c.catalog
	r.drainer.catalog = c.catalog
	return r
}

// dying is an agent that is killed somewhere, and what is to be seen then and of its heir.
type dying struct {
	at     string
	in     bool // at the crash it is in maintenance
	drains int  // by the heir
	runs   int  // of the heir
}

// Wherever the agent is killed, its heir runs out of the traffic, and takes out what was put in by
// its forerunner; what a person did meanwhile stays.
func TestCrashWhileDraining(t *testing.T) {
	t.Parallel()
	for _, c := range []dying{
		{"drain", false, 1, 1}, // noted, not set
		{"drained", true, 0, 1},
		{"waiting", true, 0, 1},
		{"running", true, 0, 1},
		{"restore", true, 0, 0}, // success is noted, and it is not out
		{"restored", false, 0, 0},
	} {
		for _, human := range []bool{false, true} {
			name := c.at
			if human {
				name += ", then a person's word"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.inherited(t, c.dies(t), human)
			})
		}
	}
}

// dies kills an agent, and gives what is left.
func (c dying) dies(t *testing.T) *crash {
	t.Helper()
	crash := crashing(t, c.at, "exit 0")
	wait := time.Millisecond
	if c.at == "waiting" {
		wait = 700 * time.Millisecond
	}
	d := draining(1, "converged", wait)
	d.Retries = 1
	crash.want(d)
	crash.start()
	if c.at == "waiting" {
		crash.until("draining", func(s states.Status) bool { return s.Phase == states.Draining })
	} else {
		<-crash.reached
	}
	if in := crash.catalog.reason("a") != ""; in != c.in {
		t.Fatalf("at the crash it is in maintenance: %v", in)
	}
	return crash
}

// inherited follows the heir, with or without a person who meanwhile took the service out for something else.
func (c dying) inherited(t *testing.T, crash *crash, human bool) {
	t.Helper()
	heir := crash.heir("exit 0")
	before := memoryOf(t, heir.config.StateDir)
	if len(before.Drained) != 1 {
		t.Fatalf("it is not noted: %s", text(before))
	}
	if human {
		heir.catalog.put("a", "disk swap")
	}
	var mu sync.Mutex
	var during []string
	heir.config.Action = spy{heir.config.Action, func(Task) {
		mu.Lock()
		defer mu.Unlock()
		during = append(during, heir.catalog.reason("a"))
	}}
	heir.start()
	heir.until("settled, and all said", func(s states.Status) bool {
		return s.Phase == states.Settled && s.Drained == nil && s.Run.OK()
	})
	mu.Lock()
	defer mu.Unlock()
	after, drains, reason := "", c.drains, before.Drained[0].Reason
	if human {
		after, drains, reason = "disk swap", 0, "disk swap"
	}
	if got := heir.catalog.reason("a"); got != after {
		t.Errorf("in the end it is in maintenance by %q", got)
	}
	if len(during) != c.runs || c.runs == 1 && during[0] != reason || heir.drainer.called("drain") != drains {
		t.Errorf("its runs found it in maintenance by %q, want %q; it drained %d times", during, reason, heir.drainer.called("drain"))
	}
	if noted := memoryOf(t, heir.config.StateDir).Drained; noted != nil {
		t.Errorf("it still notes %v", noted)
	}
}

// An heir waits only for what is left of its forerunner's wait.
func TestCrashWhileWaitingCostsNoSecondWait(t *testing.T) {
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
	m := memoryOf(t, r.config.StateDir)
	m.Drained[0].Since = m.Drained[0].Since.Add(-time.Hour - patience)
	save(t, r.config.StateDir, m)
	r.start()
	r.settled("converged")
}
