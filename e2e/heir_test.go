package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// heirs is a cluster in mid-rollout: web-02 has a Consul agent of its own, and runs.
func heirs(t *testing.T, policy string) (f *field, host *client, move *process) {
	t.Helper()
	f = newField(t)
	f.web(policy + "\nconverge_timeout = \"30s\"") // what is looked at goes on meanwhile
	host = startClient(t, f.consul, "web-02")
	f.agent("web-01")
	f.agent("web-02", "--http-addr", host.addr)
	f.agent("web-03")
	f.alive(3)
	f.ok("transition", "web", "waiting")
	f.ctl("web-02", "while :; do sleep 0.1; done")
	move = f.orchStart("transition", "web", "converged", "--yes")
	eventually(t, "web-02 to run", patience, func() bool { return len(f.to("converged")) == 2 })
	return f, host, move
}

// inherit cuts a host off, and has it taken out of Consul; another machine comes with its name. What the
// first executes goes on there.
func (f *field) inherit(old *client) *process {
	f.t.Helper()
	f.agents["web-02"].kill()
	old.kill()
	if code, text := f.consul.http("PUT", "/v1/agent/force-leave/web-02?prune", ""); code != 200 {
		f.t.Fatalf("force-leave: %d %s", code, text)
	}
	if code, text := f.consul.http("PUT", "/v1/catalog/deregister", `{"Node": "web-02"}`); code != 200 {
		f.t.Fatalf("deregister: %d %s", code, text)
	}
	f.alive(2)
	if order := f.consul.get("clusters/web/orders/web-02"); strings.Contains(order, `"void"`) {
		f.t.Errorf("its order is void, and nobody else has its name yet: %s", order)
	}
	next := startClient(f.t, f.consul, "web-02")
	script, err := os.ReadFile(f.script())
	must(f.t, err)
	other := f.file("other.sh", strings.ReplaceAll(string(script), "/lock/$ORCH_NODE", "/lock/other-$ORCH_NODE"))
	must(f.t, os.Chmod(other, 0o755))
	f.ctl("web-02", "")
	p := f.spawn(nil, agentBin, "--cluster", "web", "--node", "web-02", "--http-addr", next.addr, "--session-ttl", ttl.String(),
		"--state-dir", filepath.Join(f.dir, "agents", "heir"), "--lock-dir", filepath.Join(f.dir, "agents", "heir", "host"), "--exec", other)
	f.agents["web-02"] = p
	f.alive(3)
	return p
}

// A host is cut off in mid-run, Consul forgets it, and a new machine has its name, while failures are allowed.
// It is told that the old one is lost; nobody goes until its run must have ended; the new one goes to where the
// cluster was, and comes along with the others.
func TestANameIsTakenOverInMidRollout(t *testing.T) {
	everything(t)
	f, host, move := heirs(t, "batches = [1]\nmax_failures = 1")
	was := f.node("web-02")
	f.inherit(host)
	eventually(t, "the leader to say so", patience, func() bool {
		return strings.Contains(f.consul.get("clusters/web/orders/web-02"), "another instance of this node answers")
	})
	eventually(t, "the leader to say why it waits", patience, func() bool {
		return strings.Contains(f.ok("why", "web"), "who had its name before may still execute run "+was.Run.ID)
	})
	if runs := f.to("converged"); len(runs) != 2 || len(f.runners()) == 0 {
		t.Errorf("ran have %+v, and %d go on", runs, len(f.runners()))
	}
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	eventually(t, "the new machine to come along", patience, func() bool { s := f.node("web-02"); return s.Phase == "settled" && s.State.Name == "converged" })
	runs := f.to("converged")
	f.atMost(1, runs) // the first run of web-02 is among them
	if len(runs) != 4 {
		t.Errorf("want web-01, web-02 twice and web-03, got %+v", runs)
	}
	if s := f.node("web-02"); s.Instance == was.Instance || s.State.Name != "converged" {
		t.Errorf("it was %+v\nand is %+v", was, s)
	}
}

// So too where no failure is allowed: the move stops and says why; whoever knows that the old host is gone
// tries again.
func TestANameIsTakenOverAndNoFailureIsAllowed(t *testing.T) {
	everything(t)
	f, host, move := heirs(t, "batches = [1]")
	f.agents["web-02"].kill() // before it can tell how its run ended
	f.endRuns()
	f.inherit(host)
	if code := f.wait(move, patience); code != 4 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	f.says(move.text(), "web-02", "another instance of this node answers")
	if runs := f.to("converged"); len(runs) != 2 {
		t.Errorf("somebody went: %+v", runs)
	}
	f.ok("retry", "web")
	runs := f.to("converged")
	if len(runs) != 4 {
		t.Errorf("want web-01, web-02 twice and web-03, got %+v", runs)
	}
	eventually(t, "all to settle", patience, func() bool { return len(f.phase("settled")) == 3 })
}
