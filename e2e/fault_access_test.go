package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// Rights are taken away in the middle of a rollout. Who is denied starts nothing, and says so; what runs
// ends; and with the rights back the rollout goes on where it stood.
func TestFaultsOfAccess(t *testing.T) {
	c := newCast(t)
	c.born("batches = [1]\nconverge_timeout = \"60s\"\nprogress_deadline = \"10m\"")
	c.ctl("all", "pause=0.5")
	version := 0
	long := map[string]bool{"an agent may not even read": true, "an agent's token is deleted": true, "the leader's token is deleted": true}
	rollout := func(name, role string, fault, mend func(t *testing.T, move *process)) {
		t.Run(name, func(t *testing.T) {
			if long[name] {
				everything(t)
			}
			version++
			to := itoa(version)
			move := c.start(role, "transition", "web", "version", to)
			eventually(t, "the first run", patience, func() bool { return len(c.to("version "+to)) > 0 || !move.running() })
			fault(t, move)
			time.Sleep(time.Second) // what was claimed begins and ends
			before := len(c.runs())
			time.Sleep(2 * time.Second)
			if now := len(c.runs()); now > before+1 {
				t.Errorf("%d runs began meanwhile", now-before)
			}
			mend(t, move)
			if code := c.wait(move, patience); code != 0 {
				c.as("leader", 0, "resume", "web")
			}
			c.settledAt("version "+to, 3)
			c.atMost(1, c.to("version "+to))
			c.once(c.runs())
			c.says(c.as("viewer", 0, "fsck", "web"), "web: clean")
		})
	}
	rules := func(role string) string {
		_, text := c.consul.http("GET", "/v1/acl/policy/name/"+role, "")
		return textOf(t, text, "Rules")
	}
	var kept string
	rollout("the agents' rights to write are taken", "operator", func(t *testing.T, _ *process) {
		for _, node := range []string{"web-02", "web-03"} {
			kept = rules(node)
			c.consul.policy(node, strings.ReplaceAll(kept, `"write"`, `"read"`))
		}
		c.whyUntil("web-02")
	}, func(*testing.T, *process) {
		for _, node := range []string{"web-02", "web-03"} {
			c.consul.policy(node, strings.ReplaceAll(strings.ReplaceAll(kept, "web-03", node), "web-02", node))
		}
	})
	rollout("an agent may not even read", "operator", func(*testing.T, *process) {
		kept = rules("web-02")
		c.consul.policy("web-02", `key "other" { policy = "read" }`)
	}, func(*testing.T, *process) { c.consul.policy("web-02", kept) })
	rollout("an agent's token is deleted", "operator", func(t *testing.T, _ *process) {
		if code, text := c.consul.http("DELETE", "/v1/acl/token/"+c.accessor("web-02"), ""); code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		eventually(t, "the agent to say so", patience, func() bool { return strings.Contains(c.agents["web-02"].text(), "does not know the token") })
	}, func(*testing.T, *process) {
		c.role("web-02", "agent", "--cluster", "web", "--node", "web-02", "--consul-node", "here", "--service", "web")
	})
	rollout("the leader's right to write is taken", "leader", func(t *testing.T, move *process) {
		kept = rules("leader")
		c.consul.policy("leader", strings.ReplaceAll(kept, `"write"`, `"read"`))
		if code := c.wait(move, patience); code != 1 || !strings.Contains(move.text(), "denied") {
			t.Errorf("exit code %d:\n%s", code, move.text())
		}
	}, func(*testing.T, *process) { c.consul.policy("leader", kept) })
	rollout("the leader's token is deleted", "leader", func(t *testing.T, move *process) {
		if code, text := c.consul.http("DELETE", "/v1/acl/token/"+c.accessor("leader"), ""); code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		if code := c.wait(move, patience); code != 1 {
			t.Errorf("exit code %d:\n%s", code, move.text())
		}
		c.role("leader", "leader", "--cluster", "web", "--consul-node", "here", "--service", "web", "--lock", "service/web/leader")
	}, func(*testing.T, *process) {})
	t.Run("what a token may not list is not taken for nothing", func(t *testing.T) {
		c.secret["blind"] = c.consul.newToken("blind", strings.ReplaceAll(rules("viewer"), `"list"`, `"deny"`))
		c.files["blind"] = c.file("token.blind", c.secret["blind"])
		c.says(c.as("blind", 1, "status", "web"), "denied")
		c.says(c.as("blind", 1, "status"), "denied")
	})
	t.Run("nobody's token", func(t *testing.T) {
		p := c.spawn([]string{"CONSUL_HTTP_TOKEN="}, orchBin, "transition", "web", "version", "99")
		if code := c.wait(p, patience); code != 1 || !strings.Contains(p.text(), "denied") || !strings.Contains(p.text(), "--token-file") {
			t.Errorf("exit code %d:\n%s", code, p.text())
		}
	})
	c.neverBackwards()
}

// textOf reads a text out of a JSON object.
func textOf(t *testing.T, text, name string) string {
	t.Helper()
	var object map[string]any
	must(t, json.Unmarshal([]byte(text), &object))
	value, _ := object[name].(string)
	return value
}
