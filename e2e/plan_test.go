package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Plan, then exactly that: the file is taken while all that it rested on holds, and every change is
// named where it does not.
func TestPlanThenExactlyThat(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [1]`)
	plan := filepath.Join(f.dir, "web.plan")
	f.says(f.ok("plan", "web", "version", "2", "--out", plan), "web-01 (canary)", "it would take about", "from the last runs", "orch transition --plan")
	info, err := os.Stat(plan)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	must(t, os.Rename(plan, plan+".1"))
	f.agents["web-03"].kill()
	f.gone(2)
	f.ok("apply", "--yes", f.file("web.hcl", versionHCL(`batches = [2]`)))
	f.says(f.exits(6, "transition", "--plan", plan+".1"), "node web-03 was alive and is not", "the definition was applied again", "orch plan web version 2 --out")
	if got := len(f.to("version 2")); got != 0 {
		t.Fatalf("%d went all the same", got)
	}
	f.agent("web-03")
	f.alive(3)
	f.ok("plan", "web", "version", "2", "--out", plan)
	f.says(f.ok("transition", "--plan", plan, "--reason", "CHG-11"), "done: web is at version 2")
	var record struct{ Plan string }
	must(t, json.Unmarshal([]byte(f.consul.get("clusters/web/transition")), &record))
	if record.Plan == "" {
		t.Error("the record does not say that it was planned")
	}
	f.says(f.exits(6, "transition", "--plan", plan), "the last move was", "generation was")
	f.exits(2, "transition", "web", "off", "--plan", plan)
}

// A simulation says what the real thing then does, and writes nothing.
func TestSimulateThenTheRealThing(t *testing.T) {
	f := newField(t)
	f.serving(4, `
    batches      = [1, 2]
    max_failures = 0
    on_failure   = "rollback"`)
	before := f.consul.get("clusters/web/transition")
	text := f.ok("plan", "web", "version", "2", "--simulate", "--fail", "web-02")
	f.says(text, "web-02 failed", "rolled back after", "nodes: 4 at version 1")
	f.exits(2, "plan", "web", "version", "2", "--simulate", "--lose", "web-77")
	if f.consul.get("clusters/web/transition") != before || len(f.to("version 2")) != 0 {
		t.Fatal("a simulation did something")
	}
	f.ctl("web-02", `[ "$ORCH_ARGUMENT" = 2 ] && exit 1`)
	f.exits(5, "transition", "web", "version", "2")
	if v := f.status(); string(v.State) != `"version 1"` {
		t.Errorf("it is at %s", v.State)
	}
}

// The graph shows the path while it is taken.
func TestGraphOfAMove(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(2)
	goOn := f.stays("all", `[ "$ORCH_STATE" = converged ]`)
	move := f.orchStart("transition", "web", "converged")
	eventually(t, "the second hop", patience, func() bool { return len(f.to("converged")) == 1 })
	f.says(f.ok("graph", "web"), "hop 1 of 2, done off -> waiting", "hop 2 of 2, under way waiting -> converged", "* waiting", "> converged")
	if text := f.ok("graph", "web", "--format", "dot"); !strings.Contains(text, `"waiting" -> "converged" [label="under way"`) {
		t.Error(text)
	}
	goOn()
	if code := f.wait(move, patience); code != 0 {
		t.Errorf("%d: %s", code, move.text())
	}
	f.says(f.ok("graph", "web", "--format", "mermaid"), "flowchart LR", "the cluster is here<br/>converged: 2")
}
