package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// What users of other tools complain about in seeing what goes on, by its number in the list that this
// project keeps of them.

// 9: a failed rollout ends with 0, or with a code that says something else.
func TestComplaint9CodesTellTheTruth(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [1]`)
	f.ok("transition", "web", "version", "2")
	f.ok("status", "web", "--watch")
	f.ctl("web-02", `[ "$ORCH_ARGUMENT" = 3 ] && exit 1`)
	f.exits(4, "transition", "web", "version", "3")
	f.exits(4, "status", "web", "--watch") // also for whoever looks later
	f.exits(6, "resume", "web")
	f.ok("rollback", "web") // that somebody asked for and that went well is no failure
	f.ok("apply", "--yes", f.file("web.hcl", versionHCL("batches = [1]\n    on_failure = \"rollback\"")))
	f.exits(5, "transition", "web", "version", "3")
	f.exits(5, "status", "web", "--watch")
	f.exits(2, "transition", "web", "off") // nobody is there to answer
	f.exits(6, "transition", "web", "nowhere")
	f.exits(1, "status", "db")
	f.ctl("web-02", "")
	goOn := f.stays("all", "")
	f.exits(3, "transition", "web", "version", "4", "--timeout", "2s")
	goOn()
	f.ok("pause", "web")
	f.exits(3, "status", "web", "--watch")
	f.exits(6, "transition", "web", "version", "5") // it is paused by somebody
	f.ok("resume", "web")
}

// 19: looking in the Consul UI is one click away from changing something, and values outgrow it.
func TestComplaint19LookingChangesNothing(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [1]`)
	f.ctl("web-03", "exit 1")
	f.exits(4, "transition", "web", "version", "2")
	tree := func() string {
		_, text := f.consul.http("GET", "/v1/kv/orch/?recurse", "")
		return text
	}
	before := tree()
	for _, look := range [][]string{{"status"}, {"status", "web"}, {"status", "web", "--all", "-o", "json"}, {"why", "web"}, {"why", "web", "web-03"},
		{"history", "web"}, {"show", "web"}, {"graph", "web"}, {"plan", "web", "version", "3", "--supersede"}, {"plan", "web", "version", "3", "--supersede", "--simulate"}} {
		f.ok(look...)
	}
	if tree() != before {
		t.Error("a verb that only looks wrote something")
	}
	_, text := f.consul.http("GET", "/v1/health/service/orch-web", "") // what the read-only pages of the UI show
	f.says(text, `"version-2"`, `"no-state"`, "critical", "web-03 is failed", "exit 1")
	var pairs []struct {
		Key   string
		Value []byte
	}
	must(t, json.Unmarshal([]byte(before), &pairs))
	for _, p := range pairs {
		if len(p.Value) > 64*1024 {
			t.Errorf("%s has %d bytes for three nodes", p.Key, len(p.Value))
		}
	}
}

// 20: it is stuck, and nobody can tell why.
func TestComplaint20WhoIsStuckSaysWhy(t *testing.T) {
	f := newField(t)
	f.serving(3, `
    batches = [1]
    gate "command" "signed-off" { timeout = "2m" }`)
	move := f.orchStart("transition", "web", "version", "2")
	why := func(what string, words ...string) {
		t.Helper()
		text := ""
		if !within(patience, func() bool {
			text, _ = f.orch("why", "web")
			for _, word := range words {
				if !strings.Contains(strings.Join(strings.Fields(text), " "), word) {
					return false
				}
			}
			return true
		}) {
			t.Errorf("%s: why does not say %q:\n%s", what, words, text)
		}
	}
	why("a gate that nobody answers", "gate", "signed-off")
	move.kill()
	why("a leader that died", "nobody leads", "orch resume web")
	f.ok("freeze", "web", "--reason", "audit")
	why("a freeze", "freeze", "audit", "orch thaw web")
	f.ok("thaw", "web")
	f.ok("hold", "web", "web-03", "--reason", "disk swap")
	text, _ := f.orch("why", "web", "web-03")
	f.says(text, "held", "disk swap", "orch unhold web web-03")
	f.ok("unhold", "web", "web-03")
	f.consul.put("gates/signed-off", `{"schema": 1, "outcome": "pass", "by": "qa", "why": "looks good"}`)
	f.ok("resume", "web")
}

// A move is left to whoever leads it, and its answer is the command's.
func TestDetach(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [1]`)
	f.says(f.exits(6, "transition", "web", "version", "2", "--detach"), "nobody leads web now")
	if f.consul.keys("clusters/web/requests/") != 0 {
		t.Fatal("a request lies there")
	}
	goOn := f.stays("all", "")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the first to run", patience, func() bool { return len(f.to("version 2")) == 1 })
	f.says(f.ok("transition", "web", "version", "3", "--supersede", "--detach"), "version 3", "ada@bastion leads")
	f.exits(6, "transition", "web", "version", "4", "--detach")
	goOn()
	if code := f.wait(move, patience); code != 3 {
		t.Errorf("whoever led ends with %d: %s", code, move.text())
	}
}
