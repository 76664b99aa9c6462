package e2e

import (
	"strings"
	"testing"
)

// Garbage in any key, a deleted key: agents keep what they have, say why in `orch why`, and recover
// by themselves when it is mended.
func TestGarbage(t *testing.T) {
	const desired = "clusters/web/desired"
	cases := map[string]func(f *field, good string){
		"empty":     func(f *field, good string) { f.consul.put(desired, "") },
		"truncated": func(f *field, good string) { f.consul.put(desired, good[:len(good)/2]) },
		"wrong schema": func(f *field, good string) {
			f.consul.put(desired, strings.Replace(good, `"schema": 1`, `"schema": 99`, 1))
		},
		"malformed state":  func(f *field, good string) { f.consul.put(desired, set("name", `"../../etc"`)(good)) },
		"lower generation": func(f *field, good string) { f.consul.put(desired, lower(good)) },
		"deleted":          func(f *field, good string) { f.consul.delete(desired) },
	}
	f := newField(t)
	f.web(`batches = ["100%"]`)
	f.nodes(2)
	f.ok("transition", "web", "converged")
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			good, before := f.consul.get(desired), len(f.runs())
			spoil(f, good)
			eventually(t, "both agents to refuse it", patience, func() bool {
				return f.node("web-01").Phase == "refusing" && f.node("web-02").Phase == "refusing"
			})
			why, _ := f.orch("why", "web")
			if !strings.Contains(why, "desired") && !strings.Contains(why, "has seen more") {
				t.Errorf("orch why does not say what is wrong:\n%s", why)
			}
			if text, code := f.orch("transition", "web", "version", "1", "--timeout", "2s"); code == 0 {
				t.Errorf("a move went through:\n%s", text)
			}
			if got := len(f.runs()); got != before {
				t.Errorf("%d runs because of garbage", got-before)
			}
			f.consul.put(desired, good)
			eventually(t, "both agents to be settled again", patience, func() bool {
				return f.node("web-01").Phase == "settled" && f.node("web-02").Phase == "settled"
			})
			if got := len(f.runs()); got != before {
				t.Errorf("%d runs because it was mended", got-before)
			}
		})
	}
	f.ok("transition", "web", "version", "1")
}

// Garbage in a key that only leaders and the command line read: nothing moves, why names the key,
// and it goes on when it is mended.
func TestGarbageForLeaders(t *testing.T) {
	cases := []struct {
		name, key string
		garbage   string // empty: the key is deleted
		says      string
	}{
		{"transition is truncated", "clusters/web/transition", `{"schema": 1, "id"`, "transition"},
		{"transition is deleted", "clusters/web/transition", "", "transition"},
		{"transition of a newer schema", "clusters/web/transition", `{"schema": 2}`, "schema"},
		{"definition is garbage", "clusters/web/definition", "cluster web {", "definition"},
		{"definition is deleted", "clusters/web/definition", "", "definition"},
		{"freeze is garbage", "clusters/web/freeze", "{", "freeze"},
	}
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(2)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			version := itoa(i + 1)
			good, before := f.consul.get(c.key), len(f.runs())
			if c.garbage == "" {
				f.consul.delete(c.key)
			} else {
				f.consul.put(c.key, c.garbage)
			}
			why, _ := f.orch("why", "web")
			if !strings.Contains(why, c.says) {
				t.Errorf("orch why does not name it:\n%s", why)
			}
			if text, code := f.orch("transition", "web", "version", version, "--timeout", "2s"); code == 0 {
				t.Errorf("a move went through:\n%s", text)
			}
			if got := len(f.runs()); got != before {
				t.Errorf("%d runs because of garbage", got-before)
			}
			if good == "" {
				f.consul.delete(c.key)
			} else {
				f.consul.put(c.key, good)
			}
			if text, code := f.orch("transition", "web", "version", version, "--supersede"); code != 0 {
				t.Errorf("after it was mended: exit code %d:\n%s", code, text)
			}
			f.atMost(1, f.to("version "+version))
		})
	}
}

// Garbage in the lease, a status, a request or the journal is no reason to stand still for ever.
func TestGarbageThatIsWorkedAround(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(2)
	f.edits("the first entry of the journal is gone for good")
	f.consul.put("clusters/web/leader", "not even JSON")
	f.consul.put("clusters/web/requests/q-garbage", "{")
	f.consul.put("clusters/web/journal/000000000001", "?")
	f.consul.put("clusters/web/status/web-02", "{}")
	eventually(t, "the agent to write its status again", patience, func() bool { return f.node("web-02").Phase == "settled" })
	f.ok("transition", "web", "waiting")
	if history, code := f.orch("history", "web"); code != 0 || !strings.Contains(history, "q-garbage") && !strings.Contains(history, "cannot be read") {
		t.Errorf("history: exit code %d:\n%s", code, history)
	}
	f.atMost(1, f.to("waiting"))
}

// lower gives a desired state of generation 1, as an old snapshot would.
func lower(good string) string {
	lines := strings.Split(good, "\n")
	for i, line := range lines {
		if strings.Contains(line, `"generation":`) {
			lines[i] = `  "generation": 1,`
		}
	}
	return strings.Join(lines, "\n")
}

// Garbage in a node's order or status stops that node, not the others, and is named.
func TestGarbageInOneNodesKeys(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(3)
	f.edits("a leader replaces an order that is garbage, which fsck remembers")
	f.consul.put("clusters/web/orders/web-02", `{"schema": 1, "run`)
	eventually(t, "web-02 to say so", patience, func() bool { return f.node("web-02").Refused != "" })
	if why := f.ok("why", "web", "web-02"); !strings.Contains(why, "order") {
		t.Errorf("orch why does not name the order:\n%s", why)
	}
	f.ok("transition", "web", "waiting") // the leader writes a good one
	if runs := f.to("waiting"); len(runs) != 3 {
		t.Errorf("want 3 runs, got %+v", runs)
	}
	f.atMost(1, f.to("waiting"))
}

// A token that may not read what it must keeps the agent where it is, and says so; given the right
// it goes on by itself.
func TestDeniedRead(t *testing.T) {
	f := newField(t, "acl")
	rules := func(desired string) string {
		return `key "orch/id" { policy = "read" } key "orch/freeze" { policy = "read" } key "orch/clusters/web/freeze" { policy = "read" }
			key "orch/clusters/web/orders/web-01" { policy = "read" } key "orch/clusters/web/status/web-01" { policy = "write" }
			session "here" { policy = "write" } service "orch-web" { policy = "write" }
			key "orch/clusters/web/desired" { policy = "` + desired + `" }`
	}
	token := f.consul.newToken("agent", rules("read"))
	f.web("")
	f.agent("web-01", "--token-file", f.file("token", token))
	eventually(t, "the agent to converge", patience, func() bool { return f.node("web-01").Phase == "settled" })
	f.consul.policy("agent", rules("deny"))
	f.agents["web-01"].kill()
	f.agent("web-01", "--token-file", f.dir+"/token")
	eventually(t, "the agent to say that it may not read", patience, func() bool {
		return strings.Contains(f.node("web-01").Refused, "denied")
	})
	if why := f.ok("why", "web", "web-01"); !strings.Contains(why, "denied") {
		t.Errorf("orch why does not say it:\n%s", why)
	}
	if runs := f.runs(); len(runs) != 1 {
		t.Errorf("it ran without knowing what is wanted: %+v", runs)
	}
	f.consul.policy("agent", rules("read"))
	eventually(t, "the agent to be settled again", patience, func() bool { return f.node("web-01").Phase == "settled" })
	f.ok("transition", "web", "waiting")
}
