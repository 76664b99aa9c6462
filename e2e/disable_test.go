package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// locally runs convergeagent disable or enable on a node, without Consul.
func (f *field) locally(verb, node string, flags ...string) {
	f.t.Helper()
	args := append([]string{verb, "--state-dir", filepath.Join(f.dir, "agents", node)}, flags...)
	cmd := exec.Command(agentBin, args...)
	cmd.Env = []string{"CONSUL_HTTP_ADDR=127.0.0.1:1", "ORCH_OPERATOR=eve@" + node}
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("convergeagent %s: %v: %s", verb, err, out)
	}
}

// Somebody on a node disables its agent: moves leave the node alone and end without it, also where it
// was ordered already; it says who and why, stays so over a restart, and comes along when it is enabled.
func TestDisabledNodeIsLeftAlone(t *testing.T) {
	f := newField(t)
	f.extra = []string{"--session-ttl", "10s"} // one of them stands still for a moment, and is not to be missed
	f.web(`batches = [1]`)
	f.nodes(3)
	f.locally("disable", "web-02", "--reason", "disk swap")
	eventually(t, "web-02 to say so", patience, func() bool { return f.node("web-02").Phase == "held" })
	f.says(f.node("web-02").Reason, "disabled on this node by eve@web-02 since", "disk swap")
	f.ok("transition", "web", "waiting")
	f.says(f.ok("why", "web", "web-02"), "disabled on the node by eve@web-02", "disk swap", "convergeagent enable --state-dir DIR, on web-02")

	f.agents["web-01"].signal(syscall.SIGSTOP) // it cannot take its order before it is disabled
	move := f.orchStart("transition", "web", "converged")
	eventually(t, "web-01 to be ordered", patience, func() bool { return strings.Contains(f.consul.get("clusters/web/orders/web-01"), `"converged"`) })
	f.locally("disable", "web-01", "--reason", "me too")
	f.agents["web-01"].signal(syscall.SIGCONT)
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	f.agents["web-02"].kill()
	f.agent("web-02")
	f.alive(3)
	for _, r := range f.runs() {
		if r.node == "web-02" && r.state != "off" || r.node == "web-01" && r.state == "converged" {
			t.Errorf("it ran all the same: %+v", r)
		}
	}
	f.locally("enable", "web-01")
	f.locally("enable", "web-02")
	eventually(t, "both to come along", patience, func() bool { return len(f.phase("settled")) == 3 })
	f.once(f.to("converged"))
}
