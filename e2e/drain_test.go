package e2e

import (
	"strings"
	"testing"
)

// drainHCL is the cluster web whose way to a version goes out of the traffic of the service web.
func drainHCL(policy string) string {
	return strings.Replace(webHCL(policy), `transition "version" { from = ["converged", "version"] }`, `transition "version" {
    from = ["converged", "version"]
    drain "web" { wait = "2s" }
  }`, 1)
}

// drained starts agents, each beside a Consul agent of its node with an instance of the service web,
// and converges them.
func drained(t *testing.T, policy string, nodes ...string) (*field, map[string]*client) {
	t.Helper()
	f := newField(t)
	f.ok("apply", "--yes", f.file("web.hcl", drainHCL(policy)))
	clients := map[string]*client{}
	for _, node := range nodes {
		c := startClient(t, f.consul, node)
		c.register("web")
		clients[node] = c
		f.agent(node, "--http-addr", c.addr)
	}
	f.alive(len(nodes))
	f.ok("transition", "web", "converged")
	return f, clients
}

// Complaint 14: it leaves nodes cordoned, or uncordons what it did not cordon. A run finds its node's
// service out of the traffic, with its id as the reason; afterwards the
// service is back. What a person has in maintenance stays in it.
func TestComplaint14TakesOutOnlyWhatItSetItself(t *testing.T) {
	f, clients := drained(t, `batches = [1]`, "web-01", "web-02")
	f.ctl("all", "pause=1")
	clients["web-02"].maintain("web", "disk swap")
	move := f.orchStart("transition", "web", "version", "1")
	eventually(t, "web-01 to drain", patience, func() bool { return f.node("web-01").Phase == "draining" })
	s := f.node("web-01")
	if len(f.to("version 1")) != 0 || s.Reason != "service web in maintenance, converges in 2s" {
		t.Errorf("it converges already, or does not say what it waits for: %+v", s)
	}
	eventually(t, "web-01 to converge", patience, func() bool { return len(f.to("version 1")) == 1 })
	if reason := clients["web-01"].maintenance("web"); reason != "orch run "+s.Run.ID+" to version 1" {
		t.Errorf("during run %s the reason is %q", s.Run.ID, reason)
	}
	eventually(t, "everybody to see it", patience, func() bool { return !f.consul.serves("web-01") })
	eventually(t, "the success of web-01", patience, func() bool { return f.node("web-01").Run.Outcome == "ok" })
	if reason := clients["web-01"].maintenance("web"); reason != "" {
		t.Errorf("success is told, and it is in maintenance: %q", reason)
	}
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	eventually(t, "everybody to see that it is back", patience, func() bool { return f.consul.serves("web-01") })
	if reason := clients["web-02"].maintenance("web"); reason != "disk swap" {
		t.Errorf("a person's maintenance is now %q", reason)
	}
}

// The agent is killed in the middle of a run: its next process knows whose maintenance it is.
func TestDrainOverAKill(t *testing.T) {
	f, clients := drained(t, "batches = [1]\nretries = 1\nconverge_timeout = \"5s\"", "web-01")
	f.ctl("web-01", "pause=30")
	move := f.orchStart("transition", "web", "version", "1")
	eventually(t, "web-01 to run", patience, func() bool { return len(f.to("version 1")) == 1 })
	before := clients["web-01"].maintenance("web")
	f.agents["web-01"].kill()
	f.ctl("web-01", "pause=1")
	f.agent("web-01", "--http-addr", clients["web-01"].addr)
	eventually(t, "web-01 to run again", patience, func() bool { return len(f.to("version 1")) == 2 })
	if during := clients["web-01"].maintenance("web"); during != before || !strings.Contains(before, f.to("version 1")[1].id) {
		t.Errorf("before the kill it was %q, then %q", before, during)
	}
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if reason := clients["web-01"].maintenance("web"); reason != "" {
		t.Errorf("after success it is in maintenance: %q", reason)
	}
}

// The agent is killed while it waits for the traffic to end.
func TestDrainOverAKillBeforeTheRun(t *testing.T) {
	f, clients := drained(t, "batches = [1]\nretries = 1", "web-01")
	move := f.orchStart("transition", "web", "version", "1")
	eventually(t, "web-01 to drain", patience, func() bool { return f.node("web-01").Phase == "draining" })
	f.agents["web-01"].kill()
	if reason := clients["web-01"].maintenance("web"); !strings.HasPrefix(reason, "orch run r-") {
		t.Errorf("it is in maintenance by %q", reason)
	}
	f.agent("web-01", "--http-addr", clients["web-01"].addr)
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if reason := clients["web-01"].maintenance("web"); reason != "" {
		t.Errorf("after success it is in maintenance: %q", reason)
	}
}

// A failed run leaves its node out of the traffic, until a later one succeeds.
func TestDrainStaysAfterAFailure(t *testing.T) {
	f, clients := drained(t, `batches = [1]`, "web-01", "web-02")
	f.ctl("web-01", "exit 7")
	f.exits(4, "transition", "web", "version", "1")
	failed := f.node("web-01").Run.ID
	if reason := clients["web-01"].maintenance("web"); reason != "orch run "+failed+" to version 1" {
		t.Errorf("after run %s failed the reason is %q", failed, reason)
	}
	if text := f.consul.get("clusters/web/status/web-01"); !strings.Contains(text, `"drained"`) {
		t.Errorf("its status does not say that it is drained:\n%s", text)
	}
	if reason := clients["web-02"].maintenance("web"); reason != "" {
		t.Errorf("the node that did not go is in maintenance: %q", reason)
	}
	f.agents["web-01"].kill() // nor does a new process take it out
	f.agent("web-01", "--http-addr", clients["web-01"].addr)
	eventually(t, "web-01 to be back, failed", patience, func() bool { return f.node("web-01").Phase == "failed" })
	if reason := clients["web-01"].maintenance("web"); !strings.Contains(reason, failed) {
		t.Errorf("after a restart the reason is %q", reason)
	}
	f.ctl("web-01", "")
	f.ok("retry", "web")
	for node, c := range clients {
		if reason := c.maintenance("web"); reason != "" {
			t.Errorf("%s is in maintenance after success: %q", node, reason)
		}
	}
}

// An agent whose token may not drain does not run: what it may not see is not taken for what is not
// there. With the right to, it goes on. Its file says which instance is its node's.
func TestDrainByRightsAndFile(t *testing.T) {
	f := newField(t, "acl")
	rules := func(more string) string {
		return `key_prefix "orch/" { policy = "read" } key "orch/clusters/web/status/web-01" { policy = "write" }
			session "web-01" { policy = "write" } service "orch-web" { policy = "write" } ` + more
	}
	token := f.consul.newToken("agent", rules(""))
	f.ok("apply", "--yes", f.file("web.hcl", drainHCL(`batches = [1]`)))
	c := startClient(t, f.consul, "web-01")
	c.register("web-a")
	c.register("web-b")
	config := f.file("agent.hcl", `
cluster   = "web"
node      = "web-01"
state_dir = "`+f.dir+`/agents/web-01"

consul {
  address    = "`+c.addr+`"
  token_file = "`+f.file("token", token)+`"
}

service "web" { id = "web-b" }

converge "exec" { command = ["`+f.script()+`", "${state}", "${argument}"] }
`)
	f.agents["web-01"] = f.spawn(nil, agentBin, "--config", config, "--session-ttl", ttl.String(), "--lock-dir", f.dir+"/host")
	f.alive(1)
	f.ok("transition", "web", "converged")
	f.exits(4, "transition", "web", "version", "1")
	if why := f.ok("why", "web", "web-01"); !strings.Contains(why, `drain service "web"`) || !strings.Contains(why, "denied") {
		t.Errorf("orch why does not say it:\n%s", why)
	}
	if runs := f.to("version 1"); len(runs) != 0 {
		t.Errorf("it ran undrained: %+v", runs)
	}
	f.consul.policy("agent", rules(`service "web" { policy = "write" }`))
	agent := *c.server
	agent.token = token
	eventually(t, "the Consul agent to know the new rights", patience, func() bool {
		code, _ := agent.http("GET", "/v1/agent/health/service/name/web", "")
		return code == 200
	})
	f.ctl("all", "pause=1")
	move := f.orchStart("retry", "web")
	eventually(t, "web-01 to run", patience, func() bool { return len(f.to("version 1")) == 1 })
	if a, b := c.maintenance("web-a"), c.maintenance("web-b"); a != "" || !strings.HasPrefix(b, "orch run r-") {
		t.Errorf("in maintenance: web-a by %q, web-b by %q", a, b)
	}
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if reason := c.maintenance("web-b"); reason != "" {
		t.Errorf("after success it is in maintenance: %q", reason)
	}
}
