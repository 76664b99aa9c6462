package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// orch transition web converged from off with 6 nodes: hop by hop, batch by batch, and at no
// instant more ordered nodes at work than the batch allows.
func TestTransitionGoesBatchByBatch(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1, 2]`)
	f.nodes(6)
	out := f.ok("transition", "web", "converged", "--yes", "--reason", "CHG-1")
	for _, state := range []string{"off", "waiting", "converged"} {
		runs := f.to(state)
		if len(runs) != 6 {
			t.Errorf("want 6 runs to %s, got %d: %+v\n%s", state, len(runs), runs, out)
		}
		f.once(runs)
		if state != "off" {
			f.atMost(2, runs)
			f.atMost(1, runs[:1])
			if runs[1].start < runs[0].stop {
				t.Errorf("the second node went to %s before the canary was done: %+v", state, runs[:2])
			}
		}
	}
	if last, first := f.to("waiting"), f.to("converged"); first[0].start < last[len(last)-1].stop {
		t.Error("a node went on to converged before all were waiting")
	}
	v := f.status()
	if !v.Settled || v.Status != "done" || len(v.Nodes) != 6 {
		t.Errorf("status: %+v", v)
	}
	if history := f.ok("history", "web"); !strings.Contains(history, "CHG-1") || !strings.Contains(history, "ada@bastion") {
		t.Errorf("history says neither who nor why:\n%s", history)
	}
	if again := f.ok("transition", "web", "converged"); !strings.Contains(again, "nothing to do") {
		t.Errorf("the same move again:\n%s", again)
	}
	if len(f.runs()) != 18 {
		t.Errorf("nothing to do, and yet %d runs", len(f.runs()))
	}
}

// A node started late, during and after a transition, reaches the state with no orchestrator alive.
func TestLateNodesArriveAlone(t *testing.T) {
	f := newField(t)
	f.web(`batches = ["100%"]`)
	f.nodes(2)
	f.ctl("web-02", "pause=2")
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "web-02 to run", patience, func() bool { return len(f.to("waiting")) == 2 })
	move.kill()
	f.agent("web-03") // during: the move is open, and nobody leads it
	eventually(t, "the node that came during the move", patience, func() bool { return len(f.to("waiting")) == 3 })
	f.ok("resume", "web")
	f.agent("web-04") // after
	eventually(t, "the node that came after it", patience, func() bool { return len(f.to("waiting")) == 4 })
	f.once(f.to("waiting"))
}

// A node killed before, and started after, three transitions makes one run, to the current state.
func TestReturningNodeGoesStraightToTheCurrentState(t *testing.T) {
	f := newField(t)
	f.web(`batches = ["100%"]`)
	f.nodes(3)
	f.ok("transition", "web", "converged")
	f.agents["web-03"].kill()
	f.gone(2)
	for _, version := range []string{"1", "2", "3"} {
		f.ok("transition", "web", "version", version)
	}
	before := len(f.runs())
	f.agent("web-03")
	eventually(t, "web-03 to arrive", patience, func() bool {
		for _, n := range f.status().Nodes {
			if n.Node == "web-03" {
				return n.Alive && n.Phase == "settled"
			}
		}
		return false
	})
	runs := f.runs()[before:]
	if len(runs) != 1 || runs[0].state != "version 3" || runs[0].node != "web-03" {
		t.Errorf("want one run of web-03 to version 3, got %+v", runs)
	}
}

// A node that was down when the cluster went off, and returns in the middle, does not start.
func TestNodeThatReturnsInTheMiddleDoesNotStart(t *testing.T) {
	f := newField(t)
	f.ok("apply", "--yes", f.file("web.hcl", strings.Replace(webHCL(`batches = ["100%"]`), `from    = ["*"]
    batches = ["100%"]`, `from    = ["*"]
    batches = [1]`, 1)))
	f.nodes(3)
	f.ok("transition", "web", "version", "1", "--yes")
	f.agents["web-03"].kill()
	f.gone(2)
	f.ctl("all", "pause=1.5")
	before := len(f.runs())
	move := f.orchStart("transition", "web", "off", "--yes")
	eventually(t, "the first node to go off", patience, func() bool { return len(f.runs()) > before })
	f.agent("web-03")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	eventually(t, "web-03 to be off", patience, func() bool { return len(f.runs()) == before+3 })
	for _, r := range f.runs()[before:] {
		if r.state != "off" {
			t.Errorf("something started in the middle of a stop: %+v", r)
		}
	}
}

// Six nodes that already serve are adopted: nothing restarts. A move whose only path passes a
// state that does not serve is refused, names the transition to declare, and moves nothing.
func TestAdoption(t *testing.T) {
	f := newField(t)
	f.nodes(6)
	out := f.ok("apply", "--yes", "--initial", "version 41", f.file("web.hcl", webHCL(`batches = [2]`)))
	if !strings.Contains(out, "orch resume web") {
		t.Errorf("apply does not say what is next:\n%s", out)
	}
	eventually(t, "the agents to have seen it", patience, func() bool {
		for _, n := range f.status().Nodes {
			if n.Phase != "waiting" {
				return false
			}
		}
		return true
	})
	if runs := f.runs(); len(runs) != 0 {
		t.Fatalf("adopting ran something: %+v", runs)
	}
	text, code := f.orch("transition", "web", "converged", "--yes")
	if code != 6 || !strings.Contains(text, `transition "converged" { from = ["version"] }`) {
		t.Errorf("want a refusal that names the transition to declare, got %d:\n%s", code, text)
	}
	if runs := f.runs(); len(runs) != 0 {
		t.Fatalf("a refused move ran something: %+v", runs)
	}
	f.ok("resume", "web")
	if runs := f.to("version 41"); len(runs) != 6 {
		t.Errorf("want every node to converge once, got %+v", runs)
	}
	f.atMost(2, f.runs())
}

// A new target in the middle of a batched rollout lets nobody go beyond the batch.
func TestNewTargetInMidRollout(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(4)
	f.ok("transition", "web", "version", "1")
	goOn := f.stays("web-02", `[ "$ORCH_ARGUMENT" = 2 ]`)
	first := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the second batch", patience, func() bool { return len(f.to("version 2")) == 2 })
	second := f.orchStart("transition", "web", "version", "3", "--supersede")
	f.moving(`"argument": "3"`)
	goOn()
	if code := f.wait(first, patience); code != 3 {
		t.Errorf("the replaced move: want exit code 3, got %d:\n%s", code, first.text())
	}
	if code := f.wait(second, patience); code != 0 {
		t.Errorf("the new move: exit code %d:\n%s", code, second.text())
	}
	f.atMost(1, append(f.to("version 2"), f.to("version 3")...))
	if runs := f.to("version 3"); len(runs) != 4 {
		t.Errorf("want 4 runs to version 3, got %+v", runs)
	}
	f.once(f.to("version 3"))
}

// Two operators at once: exactly one moves; the other is told who, since when and what to do.
func TestTwoOperators(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(3)
	goOn := f.stays("all", "")
	first, second := f.orchStart("transition", "web", "waiting"), f.orchStart("transition", "web", "waiting")
	eventually(t, "one of them to be refused", patience, func() bool { return !first.running() || !second.running() })
	goOn()
	codes := []int{f.wait(first, patience), f.wait(second, patience)}
	refused := second
	if codes[0] == 6 {
		refused = first
	}
	if codes[0]+codes[1] != 6 || codes[0]*codes[1] != 0 {
		t.Fatalf("want one 0 and one 6, got %v:\n%s\n%s", codes, first.text(), second.text())
	}
	for _, want := range []string{"ada@bastion", "since", "orch status web --watch"} {
		if !strings.Contains(refused.text(), want) {
			t.Errorf("the refusal does not say %q:\n%s", want, refused.text())
		}
	}
	if runs := f.to("waiting"); len(runs) != 3 {
		t.Errorf("want 3 runs, got %+v", runs)
	}
}

// After a stop no order that was not claimed starts, also not on a node that was down and boots later.
func TestStopsAreStops(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"pause", "abort"} {
		t.Run(verb, func(t *testing.T) {
			f := newField(t)
			f.web(`batches = [2]`)
			f.nodes(4)
			f.agents["web-02"].kill() // still counted as alive for a while: it will be ordered
			f.ctl("all", "pause=1")
			move := f.orchStart("transition", "web", "waiting")
			eventually(t, "web-01 to run", patience, func() bool { return len(f.to("waiting")) == 1 })
			f.ok(verb, "web", "--reason", "looks wrong")
			if code := f.wait(move, patience); code != 3 {
				t.Errorf("the stopped move: want exit code 3, got %d:\n%s", code, move.text())
			}
			f.agent("web-02")
			eventually(t, "web-02 to know", patience, func() bool {
				for _, n := range f.status().Nodes {
					if n.Node == "web-02" {
						return n.Alive && n.Phase == "waiting"
					}
				}
				return false
			})
			for _, r := range f.to("waiting") {
				if r.node != "web-01" {
					t.Errorf("%s ran after the stop", r.node)
				}
			}
			if v := f.status(); v.Settled || !strings.Contains(v.Reason, "looks wrong") {
				t.Errorf("status after the stop: %+v", v)
			}
		})
	}
}

// A spent budget stops with exit code 4, names the node, and no later batch starts.
func TestSpentBudget(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1, 2]`)
	f.nodes(5)
	f.ctl("web-02", `echo "404 Not Found" >&2; exit 3`)
	f.agents["web-03"].kill()
	f.gone(4)
	text, code := f.orch("transition", "web", "waiting")
	if code != 4 || !strings.Contains(text, "web-02") {
		t.Fatalf("want exit code 4 and web-02 named, got %d:\n%s", code, text)
	}
	before := len(f.runs())
	f.agent("web-03") // booting later changes nothing
	f.alive(5)
	why := f.ok("why", "web", "web-02")
	for _, want := range []string{"404 Not Found", "exit", "orch resume web --accept-failures"} {
		if !strings.Contains(why, want) {
			t.Errorf("orch why does not say %q:\n%s", want, why)
		}
	}
	if got := len(f.runs()); got != before {
		t.Errorf("%d runs after the stop", got-before)
	}
	f.ctl("web-02", "")
	f.ok("transition", "web", "waiting") // the way to try again
	if v := f.status(); !v.Settled {
		t.Errorf("not settled: %+v", v)
	}
}

// An opened batch is closed again by a spent budget.
func TestOpenedBatchIsClosedByFailures(t *testing.T) {
	f := newField(t)
	f.web(`batches = ["100%"]`)
	f.nodes(3)
	f.ctl("web-01", "exit 1")
	if text, code := f.orch("transition", "web", "waiting"); code != 4 {
		t.Fatalf("want exit code 4, got %d:\n%s", code, text)
	}
	if desired := f.consul.get("clusters/web/desired"); !strings.Contains(desired, `"open": false`) || !strings.Contains(desired, `"joiners": "wait"`) {
		t.Errorf("the cluster is still open:\n%s", desired)
	}
	f.agent("web-04")
	f.alive(4)
	for _, r := range f.runs() {
		if r.node == "web-04" {
			t.Errorf("a late node went to a state that failed: %+v", r)
		}
	}
}

// A node that goes silent in its batch is counted when its deadline passes, and named by why.
func TestSilentNode(t *testing.T) {
	t.Parallel()
	everything(t)
	for _, policy := range []string{"fail", "skip"} {
		t.Run(policy, func(t *testing.T) {
			f := newField(t)
			f.web(fmt.Sprintf("batches = [1]\nconverge_timeout = \"2s\"\non_lost = %q", policy))
			f.nodes(4)
			f.ctl("web-01", "pause=60")
			move := f.orchStart("transition", "web", "waiting")
			eventually(t, "web-01 to run", patience, func() bool { return len(f.to("waiting")) == 1 })
			f.agents["web-01"].kill()
			want := map[string]int{"fail": 4, "skip": 0}[policy]
			if code := f.wait(move, patience); code != want {
				t.Errorf("want exit code %d, got %d:\n%s", want, code, move.text())
			}
			if why := f.ok("why", "web"); !strings.Contains(why, "web-01") || !strings.Contains(why, "silent") {
				t.Errorf("why does not name the silent node:\n%s", why)
			}
		})
	}
}
