package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// versionHCL is the cluster web whose moves to a version are made with care.
func versionHCL(inside string) string {
	return strings.Replace(webHCL(`batches = ["100%"]`), `transition "version" { from = ["converged", "version"] }`, `transition "version" {
    from = ["converged", "version"]
    `+inside+`
  }`, 1)
}

// serving brings n nodes to version 1, and applies a definition for the moves that follow.
func (f *field) serving(n int, inside string, flags ...[]string) {
	f.t.Helper()
	f.ok("apply", "--yes", f.file("web.hcl", versionHCL("")))
	for i := range n {
		var own []string
		if i < len(flags) {
			own = flags[i]
		}
		f.agent(web(i+1), own...)
	}
	f.alive(n)
	f.ok("transition", "web", "converged")
	f.ok("transition", "web", "version", "1")
	f.ok("apply", "--yes", f.file("web.hcl", versionHCL(inside)))
}

func web(i int) string { return fmt.Sprintf("web-%02d", i) }

// order lists the nodes in the order in which they ran towards a state.
func (f *field) order(state string) []string {
	f.t.Helper()
	var nodes []string
	for _, r := range f.to(state) {
		nodes = append(nodes, r.node)
	}
	return nodes
}

// check registers the service web of some nodes in Consul's catalog, with one check.
func (f *field) check(status string, nodes ...string) {
	f.t.Helper()
	for _, node := range nodes {
		body := fmt.Sprintf(`{"Node": %q, "Address": "127.0.0.1", "Service": {"ID": "web", "Service": "web", "Tags": ["up"]},
			"Check": {"Node": %q, "CheckID": "web-up", "Name": "web up", "ServiceID": "web", "Status": %q, "Output": "GET /: %s"}}`, node, node, status, status)
		if code, text := f.consul.http("PUT", "/v1/catalog/register", body); code != 200 {
			f.t.Fatalf("register web on %s: %d %s", node, code, text)
		}
	}
}

func (f *field) says(text string, wants ...string) {
	f.t.Helper()
	for _, want := range wants {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			f.t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

// A batch goes on only behind Consul's own checks of its nodes; why names the one that fails, and a
// resume asks again.
func TestGateOnConsulChecks(t *testing.T) {
	f := newField(t)
	f.serving(4, `
    batches = [1, "100%"]
    gate "consul_check" "web-passing" {
      service     = "web"
      passing_for = "500ms"
      timeout     = "5s"
    }`)
	f.check("passing", web(1), web(2), web(3), web(4))
	goOn := f.stays("web-01", "")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the canary to run", patience, func() bool { return len(f.to("version 2")) == 1 })
	f.check("critical", "web-01")
	goOn()
	if code := f.wait(move, patience); code != 4 {
		t.Fatalf("want exit code 4, got %d:\n%s", code, move.text())
	}
	f.says(move.text(), "web-passing", "web on web-01 is critical")
	if got := f.order("version 2"); !slices.Equal(got, []string{"web-01"}) {
		t.Fatalf("somebody went behind the gate: %v", got)
	}
	f.says(f.ok("why", "web"), "web-passing")
	f.check("passing", "web-01")
	f.ok("resume", "web")
	if got := f.order("version 2"); len(got) != 4 {
		t.Errorf("want 4 runs, got %v", got)
	}
	f.says(f.ok("history", "web"), "gate web-passing: says no", "gate web-passing: passes")
}

// Yes, no and nobody knows: an address, a program of the leader's machine, a key that others set.
func TestGatesInThreeAnswers(t *testing.T) {
	f := newField(t)
	var down, asked atomic.Bool
	lb := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Store(true); down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer lb.Close()
	f.serving(2, `
    gate "http" "lb" {
      url     = "`+lb.URL+`/errors?v=${argument}"
      timeout = "3s"
    }
    gate "command" "lag" { timeout = "3s" }`)
	program := f.file("lag.sh", "#!/bin/sh\necho 0.2 s\nexit $(cat "+filepath.Join(f.dir, "lag")+")\n")
	must(t, os.Chmod(program, 0o755))
	f.file("lag", "0")
	config := f.file("orch.hcl", `gate "lag" { command = ["`+program+`"] }`)
	move := func(version string, code int, wants ...string) {
		t.Helper()
		p := f.spawn([]string{"ORCH_OPERATOR=ada@bastion", "ORCH_CONFIG=" + config}, orchBin, "transition", "web", "version", version, "--lease-ttl", ttl.String())
		if got := f.wait(p, patience); got != code {
			t.Fatalf("want exit code %d, got %d:\n%s", code, got, p.text())
		}
		f.says(p.text(), wants...)
	}
	move("2", 0)
	if !asked.Load() {
		t.Fatal("nobody asked")
	}
	down.Store(true)
	move("3", 4, "lb", "503")
	down.Store(false)
	f.file("lag", "3")
	move("3", 3, "lag", "nobody can tell")
	f.file("lag", "2")
	move("3", 4, "lag", "0.2 s")
	t.Run("a key that somebody else sets", func(t *testing.T) {
		if text, code := f.orch("transition", "web", "version", "3"); code != 3 || !strings.Contains(text, "gates/lag") {
			t.Fatalf("nobody has set the key, and nobody knows: %d\n%s", code, text)
		}
		f.consul.put("gates/lag", `{"schema": 1, "outcome": "pass", "by": "dba", "why": "lag is 0.1 s"}`)
		f.ok("transition", "web", "version", "3")
	})
}

// The batch after a soak does not start when the last one fell over meanwhile.
func TestSoakLooksAgain(t *testing.T) {
	f := newField(t)
	f.serving(3, `
    batches = [1]
    soak    = "2s"
    gate "consul_check" "web-passing" {
      service = "web"
      timeout = "1m"
    }`)
	f.check("passing", web(1), web(2), web(3))
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the canary to be over", patience, func() bool { return strings.Contains(move.text(), "gate web-passing: passes") })
	f.check("critical", "web-01")
	if code := f.wait(move, patience); code != 4 {
		t.Fatalf("want exit code 4, got %d:\n%s", code, move.text())
	}
	f.says(move.text(), "2 of 3 nodes are healthy after the soak of batch 1, and 3 were before", "web-01")
	if got := f.order("version 2"); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// min_healthy = 3 of 4: a node killed in mid-batch leaves no room for the next one, until it is back.
func TestFloorWhenANodeDiesInMidBatch(t *testing.T) {
	f := newField(t)
	f.serving(4, `
    batches     = [2]
    min_healthy = 3
    on_lost     = "skip"
    converge_timeout = "60s"`)
	goOn := f.stays("web-01", "")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the first to run", patience, func() bool { return len(f.to("version 2")) == 1 })
	f.says(move.text(), "2 cut to 1 by min_healthy = 3")
	f.agents["web-04"].kill()
	f.gone(3) // in mid-batch
	goOn()
	eventually(t, "why to name the floor", patience, func() bool {
		text, _ := f.orch("why", "web")
		return strings.Contains(text, "min_healthy = 3") && strings.Contains(text, "3 of 4 are healthy")
	})
	if got := f.order("version 2"); len(got) != 1 {
		t.Fatalf("somebody went below the floor: %v", got)
	}
	f.agent("web-04")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	f.atMost(1, f.to("version 2"))
}

// A canary that dies before it takes its order is replaced by a live node.
func TestCanaryThatDies(t *testing.T) {
	f := newField(t)
	f.serving(4, `
    batches = [1, "100%"]
    on_lost = "skip"
    converge_timeout = "10s"`, []string{"--session-ttl", "4s"})
	f.says(f.ok("plan", "web", "version", "2"), "web-01")
	f.agents["web-01"].kill() // its session says that it lives, for a while
	text := f.ok("transition", "web", "version", "2")
	if got := f.order("version 2"); len(got) != 3 || slices.Contains(got, "web-01") {
		t.Fatalf("%v\n%s", got, text)
	}
	f.says(text, "web-01 fell silent before the order was taken; batch 1 goes on with web-02")
	if first := f.to("version 2"); first[1].start < first[0].stop {
		t.Error("the rest did not wait for the canary")
	}
}

// A word for one batch is no word for another; without one nobody goes on.
func TestApproval(t *testing.T) {
	f := newField(t)
	f.serving(3, `
    batches = [1]
    approve = "after_first_batch"`)
	f.says(f.exits(3, "transition", "web", "version", "2"), "orch approve web")
	if got := f.order("version 2"); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	f.says(f.ok("why", "web"), "approval")
	f.says(f.exits(6, "approve", "web", "--batch", "2"), "look again")
	f.ok("approve", "web", "--reason", "looks good")
	if got := f.order("version 2"); len(got) != 3 {
		t.Fatalf("%v", got)
	}
	f.says(f.ok("history", "web"), "approved", "looks good")
}

// One rack at a time, the primary last of all, by its lock.
func TestOrderOfNodes(t *testing.T) {
	f := newField(t)
	f.serving(5, `
    batches  = [2]
    group_by = "rack"
    primary { lock = "service/web/leader" }`,
		[]string{"--meta", "rack=r1"}, []string{"--meta", "rack=r2"}, []string{"--meta", "rack=r1"}, []string{"--meta", "rack=r2"}, []string{"--meta", "rack=r1"})
	f.check("passing", "web-01")
	code, session := f.consul.http("PUT", "/v1/session/create", `{"Node": "web-01", "Checks": [], "NodeChecks": [], "LockDelay": "0s"}`)
	if code != 200 {
		t.Fatalf("session: %d %s", code, session)
	}
	id := strings.Split(session, `"`)[3]
	if code, text := f.consul.http("PUT", "/v1/kv/service/web/leader?acquire="+id, "web-01"); code != 200 || !strings.Contains(text, "true") {
		t.Fatalf("lock: %d %s", code, text)
	}
	f.ok("transition", "web", "version", "2")
	got := f.order("version 2")
	if len(got) != 5 || got[4] != "web-01" {
		t.Fatalf("the primary goes last: %v", got)
	}
	first, second := slices.Sorted(slices.Values(got[:2])), slices.Sorted(slices.Values(got[2:4]))
	if !slices.Equal(first, []string{"web-03", "web-05"}) || !slices.Equal(second, []string{"web-02", "web-04"}) {
		t.Errorf("one rack at a time: %v", got)
	}
}

// What fails in one batch beyond batch_failures stops, whatever the whole rollout tolerates; and a
// move that gets nowhere stops by itself.
func TestFailureLimits(t *testing.T) {
	f := newField(t)
	f.serving(5, `
    batches           = [1, 2]
    max_failures      = 3
    batch_failures    = 0
    progress_deadline = "5s"
    min_healthy       = 3
    retries           = 1`)
	f.ctl("web-01", `echo "disk full" >&2; exit 7`)
	f.says(f.exits(4, "transition", "web", "version", "2"), "1 node of batch 1 failed, 0 allowed (batch_failures = 0): web-01")
	runs := f.to("version 2")
	if len(runs) != 2 || runs[1].start-runs[0].stop < (200*time.Millisecond).Nanoseconds() {
		t.Errorf("want two tries with a delay between them: %+v", runs)
	}
	f.says(f.ok("status", "web"), "FAILED", "disk full")
	f.agents["web-04"].kill()
	f.agents["web-05"].kill()
	f.gone(3)
	text := f.exits(4, "resume", "web", "--accept-failures")
	f.says(text, "no progress for 5s")
}

// A failure takes back who was moved, the last first, and nobody else; exit code 5.
func TestRollback(t *testing.T) {
	f := newField(t)
	f.serving(5, `
    batches    = [1]
    on_failure = "rollback"
    rollback { batches = [2] }`)
	f.ctl("web-03", `[ "$ORCH_ARGUMENT" = 2 ] && { echo "404 Not Found"; exit 1; }`)
	before := len(f.to("version 1"))
	f.says(f.exits(5, "transition", "web", "version", "2"), "web-03", "version 1")
	back := f.order("version 1")[before:]
	if len(back) != 3 || !slices.Equal(slices.Sorted(slices.Values(back)), []string{"web-01", "web-02", "web-03"}) {
		t.Fatalf("only who was moved goes back: %v", back)
	}
	if back[2] != "web-01" {
		t.Errorf("who went first goes back last: %v", back)
	}
	if v := f.status(); !v.Settled || !strings.Contains(string(v.State), "1") {
		t.Errorf("%+v", v)
	}
	t.Run("by hand, also in the middle", func(t *testing.T) {
		f.ctl("web-03", "")
		goOn := f.stays("web-02", "")
		move := f.orchStart("transition", "web", "version", "3")
		eventually(t, "the second to run", patience, func() bool { return len(f.to("version 3")) == 2 })
		before := len(f.to("version 1"))
		back := f.orchStart("rollback", "web", "--reason", "wrong release")
		f.moving("wrong release")
		goOn()
		if code := f.wait(back, patience); code != 0 {
			t.Errorf("rollback: exit code %d:\n%s", code, back.text())
		}
		if code := f.wait(move, patience); code != 3 {
			t.Errorf("the move that was taken back: want exit code 3, got %d:\n%s", code, move.text())
		}
		if back := f.order("version 1")[before:]; len(back) != 2 {
			t.Errorf("%v", back)
		}
	})
	t.Run("to where it was before that", func(t *testing.T) {
		f.ok("transition", "web", "version", "4")
		known := f.exits(6, "rollback", "web", "--to", "t-nobody-knows")
		found := regexp.MustCompile(`(t-[a-z0-9-]+) \(version 1\)`).FindStringSubmatch(strings.Join(strings.Fields(known), " "))
		if found == nil {
			t.Fatalf("it does not say where it could go back to:\n%s", known)
		}
		f.ok("rollback", "web", "--to", found[1])
		if v := f.status(); !v.Settled || !strings.Contains(string(v.State), "version 1") {
			t.Errorf("%+v", v)
		}
	})
}

// Retry moves who failed and who never went, and nobody twice; a hold keeps a node out, also with no
// leader alive; a re-converge runs everybody once more, in batches.
func TestRetryHoldReconverge(t *testing.T) {
	f := newField(t)
	f.serving(4, `batches = [1]`)
	f.ctl("web-02", "exit 1")
	f.exits(4, "transition", "web", "version", "2")
	f.ctl("web-02", "")
	f.ok("retry", "web", "--reason", "mirror is back")
	if got := f.order("version 2"); !slices.Equal(got, []string{"web-01", "web-02", "web-02", "web-03", "web-04"}) {
		t.Fatalf("only who failed and who never went: %v", got)
	}
	f.exits(2, "hold", "web", "web-03")
	f.ok("hold", "web", "web-03", "--reason", "disk swap", "--until", "1h")
	f.ok("transition", "web", "version", "3")
	if got := f.order("version 3"); len(got) != 3 || slices.Contains(got, "web-03") {
		t.Fatalf("a held node was moved: %v", got)
	}
	f.says(f.ok("why", "web", "web-03"), "held", "disk swap")
	f.agents["web-03"].kill()
	f.gone(3)
	f.agent("web-03") // obeyed by the agent, whoever leads
	f.alive(4)
	f.ok("unhold", "web", "web-03")
	eventually(t, "web-03 to catch up", patience, func() bool { return len(f.to("version 3")) == 4 })
	f.ok("hold", "web", "web-01", "--reason", "a moment", "--until", "2s")
	f.ok("transition", "web", "version", "4")
	eventually(t, "the hold to end by itself", patience, func() bool { return len(f.to("version 4")) == 4 })

	f.ok("reconverge", "web", "--reason", "new certificates")
	if got := f.order("version 4")[4:]; len(got) != 4 {
		t.Fatalf("everybody once more: %v", got)
	}
	f.atMost(1, f.to("version 4")[4:])
	f.ok("reconverge", "web", "--node", "web-02")
	if got := f.order("version 4")[8:]; !slices.Equal(got, []string{"web-02"}) {
		t.Errorf("%v", got)
	}
}

// web waits for db; the backend goes off only under a frontend that is off.
func TestRequirements(t *testing.T) {
	f := newField(t)
	f.ok("apply", "--yes", f.file("shop.hcl", `
policy { batches = ["100%"] }
template "tier" {
  initial = "off"
  state "off" { serving = false }
  state "converged" {}
}
cluster "db" {
  template = "tier"
  transition "converged" { from = ["off"] }
  transition "off" {
    from = ["converged"]
    requires "web" { states = ["off"] }
  }
}
cluster "web" {
  template = "tier"
  transition "converged" {
    from = ["off"]
    requires "db" {
      states = ["converged"]
      wait   = "20s"
    }
  }
  transition "off" { from = ["converged"] }
}`))
	f.agent("web-01")
	f.agent("web-02")
	db := f.agent("db-01", "--cluster", "db")
	f.alive(2)
	move := f.orchStart("transition", "web", "converged")
	eventually(t, "web to wait for db", patience, func() bool {
		text, _ := f.orch("why", "web")
		return strings.Contains(text, "requires db settled at converged")
	})
	if got := f.order("converged"); len(got) != 0 {
		t.Fatalf("web did not wait: %v\n%s", got, db.text())
	}
	f.ok("transition", "db", "converged")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if got := f.order("converged"); len(got) != 3 || got[0] != "db-01" {
		t.Errorf("%v", got)
	}
	f.says(f.exits(6, "transition", "db", "off", "--yes"), "requires web settled at off, and it is at converged")
	f.ok("transition", "web", "off", "--yes")
	f.ok("transition", "db", "off", "--yes")
}
