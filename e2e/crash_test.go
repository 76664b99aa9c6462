package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// kill -9 of the leading command at each step: `orch resume` waits out the silent holder, saying
// until when, then continues at the same place; no node runs twice for one generation.
func TestLeaderIsKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for entries := 1; entries <= 12; entries++ { // journal entries of the move to wait for before the kill
		t.Run(fmt.Sprintf("step %d", entries), func(t *testing.T) {
			f := newField(t)
			f.web(`batches = [1]`)
			f.nodes(3)
			f.ctl("all", "pause=0.3")
			before := f.entries()
			move := f.orchStart("transition", "web", "converged", "--yes")
			eventually(t, fmt.Sprintf("%d journal entries", entries), patience, func() bool { return f.entries() >= before+entries })
			move.kill()
			resume := f.orchStart("resume", "web")
			if code := f.wait(resume, patience); code != 0 {
				t.Fatalf("resume: exit code %d:\n%s", code, resume.text())
			}
			if !strings.Contains(resume.text(), "its lease ends by") {
				t.Errorf("resume did not say until when it waits:\n%s", resume.text())
			}
			if v := f.status(); !v.Settled {
				t.Errorf("not settled: %+v", v)
			}
			f.once(f.runs())
			for _, state := range []string{"waiting", "converged"} {
				f.atMost(1, f.to(state))
				if runs := f.to(state); len(runs) != 3 {
					t.Errorf("want 3 runs to %s, got %+v", state, runs)
				}
			}
		})
	}
}

// entries counts the journal.
func (f *field) entries() int {
	_, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/journal/?keys", "")
	return strings.Count(text, "journal/0")
}

// An agent killed and restarted with its state directory is at work again at once: it does not wait for the
// end of its session, which would last a minute and more.
func TestAgentIsKilledAndComesBack(t *testing.T) {
	f := newField(t)
	f.extra = []string{"--session-ttl", "60s"}
	f.web(`batches = ["100%"]`)
	f.nodes(2)
	f.ok("transition", "web", "waiting")
	f.agents["web-01"].kill()
	start := time.Now()
	next := f.agent("web-01")
	eventually(t, "the agent to be back", patience, func() bool { return strings.Contains(next.text(), "phase=settled") })
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("the agent was back after %s", took)
	}
	before := len(f.runs())
	f.ok("transition", "web", "converged")
	if got := len(f.runs()) - before; got != 2 {
		t.Errorf("want 2 runs, got %d", got)
	}
}

// An agent killed in the middle of a run: the run goes on, the next agent adopts it, and reports how it
// really ended. It is the only one.
func TestAgentIsKilledInMidRun(t *testing.T) {
	f := newField(t)
	f.web("batches = [1]\nretries = 1")
	f.nodes(2)
	f.ctl("web-01", "echo here it is; while ! [ -f "+f.dir+"/go ]; do sleep 0.1; done; echo the real end")
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "web-01 to run", patience, func() bool { return len(f.to("waiting")) == 1 })
	f.agents["web-01"].kill()
	f.agent("web-01")
	eventually(t, "the next agent to show what the run says", patience, func() bool {
		s := f.node("web-01")
		return s.Phase == "converging" && strings.Contains(s.Reason, "waits for the end of run") && hasLine(s, "here it is")
	})
	f.file("go", "")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if runs := f.to("waiting"); len(runs) != 2 { // runs fails the test where two overlapped
		t.Errorf("want web-01 and web-02 once, got %+v", runs)
	}
	if s := f.node("web-01"); s.Run.Attempt != 1 || s.Run.Outcome != "ok" || !hasLine(s, "the real end") {
		t.Errorf("it reports %+v", s)
	}
}

// Another instance under the same name is refused.
func TestSecondInstanceOfANode(t *testing.T) {
	f := newField(t)
	f.web("")
	f.nodes(1)
	p := f.spawn(nil, agentBin, "--cluster", "web", "--node", "web-01", "--state-dir", f.dir+"/other", "--lock-dir", f.dir+"/host", "--exec", f.script())
	if code := f.wait(p, patience); code != 6 || !strings.Contains(p.text(), "another instance") {
		t.Errorf("another state directory: want exit code 6 and a reason, got %d:\n%s", code, p.text())
	}
	p = f.spawn(nil, agentBin, "--cluster", "web", "--node", "web-01", "--state-dir", f.dir+"/agents/web-01", "--lock-dir", f.dir+"/host", "--exec", f.script())
	if code := f.wait(p, patience); code == 0 || !strings.Contains(p.text(), "agents/web-01") {
		t.Errorf("the same state directory: want a refusal that names it, got %d:\n%s", code, p.text())
	}
}

// Consul restarted in mid-transition: agents and command wait, say so, go on; nothing runs twice.
func TestConsulRestartsInMidTransition(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(3)
	f.ctl("all", "pause=1")
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "the second run", patience, func() bool { return len(f.to("waiting")) == 2 })
	f.consul.kill()
	eventually(t, "the command to say that it waits", patience, func() bool {
		return strings.Contains(strings.ToLower(move.text()), "waiting for consul")
	})
	f.consul.start()
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	f.once(f.to("waiting"))
	f.atMost(1, f.to("waiting"))
}

// status, decoded far enough to see one node's run.
type nodeStatus struct {
	Instance string
	State    struct{ Name, Argument string }
	Phase    string
	Reason   string
	Refused  string
	Unable   string
	Run      struct {
		ID, Outcome, Signal, Log string
		Exit, Attempt            int
		Seconds                  float64
		Terminal                 bool
		Tail                     []string
	}
}

func (f *field) node(name string) nodeStatus {
	f.t.Helper()
	var s nodeStatus
	if text := f.consul.get("clusters/web/status/" + name); text != "" {
		must(f.t, json.Unmarshal([]byte(text), &s))
	}
	return s
}
