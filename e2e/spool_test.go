package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// A node's Consul agent hangs, or dies, in the middle of a run. The run ends all the same, the agent is
// killed and started anew while nobody can be told; when Consul is back the end is told, once, under its
// own id, the move goes on from it, and the service is back in the traffic.
func TestTheEndOfARunOutlivesConsulAndTheAgent(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct{ away, back func(c *client) }{
		"hangs": {func(c *client) { _ = c.cmd.Process.Signal(syscall.SIGSTOP) }, func(c *client) { _ = c.cmd.Process.Signal(syscall.SIGCONT) }},
		"dies":  {func(c *client) { c.kill() }, func(c *client) { c.again() }},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "hangs" {
				everything(t)
			}
			f := newField(t)
			f.ok("apply", "--yes", f.file("web.hcl", drainHCL("batches = [1]")))
			clients := map[string]*client{}
			for _, node := range []string{"web-01", "web-02"} {
				clients[node] = startClient(t, f.consul, node)
				clients[node].register("web")
				f.agent(node, "--http-addr", clients[node].addr)
			}
			f.alive(2)
			f.ok("transition", "web", "converged")
			f.ctl("web-01", "while ! [ -f "+f.dir+"/go ]; do sleep 0.1; done; echo the real end; touch "+f.dir+"/ended")
			move := f.orchStart("transition", "web", "version", "1")
			eventually(t, "web-01 to run", patience, func() bool { return len(f.to("version 1")) == 1 })
			before := f.node("web-01")
			fault.away(clients["web-01"])
			t.Cleanup(func() { _ = clients["web-01"].cmd.Process.Signal(syscall.SIGCONT) })
			f.file("go", "")
			eventually(t, "the end of the run", patience, func() bool { _, err := os.Stat(f.dir + "/ended"); return err == nil })
			f.agents["web-01"].kill()
			agent := f.agent("web-01", "--http-addr", clients["web-01"].addr)
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(agent.text())
				}
			})
			eventually(t, "the next agent to try", patience, func() bool { return strings.Contains(agent.text(), "not enlisted yet") })
			if s := f.node("web-01"); s.Run.Outcome != "" {
				t.Errorf("somebody told the end: %+v", s)
			}
			agent.kill() // and once more
			f.agent("web-01", "--http-addr", clients["web-01"].addr)
			fault.back(clients["web-01"])
			if code := f.wait(move, patience); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, move.text())
			}
			s := f.node("web-01")
			if s.Run.ID != before.Run.ID || s.Run.Attempt != 1 || s.Run.Outcome != "ok" || !hasLine(s, "the real end") {
				t.Errorf("it ran %+v\nand tells %+v", before.Run, s.Run)
			}
			f.once(f.to("version 1"))
			f.atMost(1, f.to("version 1"))
			if reason := clients["web-01"].maintenance("web"); reason != "" {
				t.Errorf("its service stays in maintenance: %q", reason)
			}
		})
	}
}
