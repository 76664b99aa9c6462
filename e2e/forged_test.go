package e2e

import (
	"strings"
	"testing"
)

// Somebody else writes a node's status, which only a token with that right can: nothing falls over,
// nobody goes beside the batch while what lies there is not what the leader's order is about, and the
// agent puts its own word back when it renews its session.
func TestForgedStatus(t *testing.T) {
	const key = "clusters/web/status/web-01"
	forgeries := []row{
		{name: "a run that nobody ordered", spoil: set("id", `"r-foreign"`)},
		{name: "at the target, and its run goes on", spoil: swap(`"name": "off"`, `"name": "waiting"`)},
		{name: "a run that began in 2999", spoil: set("started", `"2999-01-01T00:00:00Z"`)},
		{name: "a run that began in 1970", spoil: set("started", `"1970-01-01T00:00:00Z"`)},
		{name: "a run of ten years", spoil: set("timeout", `"87000h"`)},
		{name: "a run of 292 years", spoil: set("timeout", `"2562047h"`)},
		{name: "no document", spoil: func(string) string { return "{}" }},
		{name: "deep", spoil: deep},
	}
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(3)
	goOn := f.stays("web-01", "")
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "web-01 to converge", patience, func() bool { return len(f.to("waiting")) == 1 })
	for _, r := range forgeries {
		f.forge(r, key)
	}
	if text := f.ok("why", "web", "web-01"); strings.Contains(text, "foreign") {
		t.Errorf("why still tells of the forgery:\n%s", text)
	}
	if runs := f.to("waiting"); len(runs) != 1 || runs[0].stop != 0 {
		t.Fatalf("the run was over before all was forged, or others went: %+v", runs)
	}
	goOn()
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if runs := f.to("waiting"); len(runs) != 3 {
		t.Errorf("want 3 runs, got %+v", runs)
	}
	f.atMost(1, f.to("waiting"))
	for name, agent := range f.agents {
		if !agent.running() {
			t.Errorf("the agent of %s did not stand it:\n%s", name, agent.text())
		}
	}
}

// The status of another instance under a node's name: the order is taken back and the node counts as
// lost, which stops the move; so nobody else goes although its run goes on. The agent's own word lies
// there again soon, and retry goes on.
func TestForgedInstance(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(3)
	f.ctl("web-01", "pause=4")
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "web-01 to converge", patience, func() bool { return len(f.to("waiting")) == 1 })
	f.forge(row{name: "another instance at the target", spoil: func(good string) string {
		return set("instance", `"i-foreign"`)(swap(`"name": "off"`, `"name": "waiting"`)(good))
	}}, "clusters/web/status/web-01")
	if code := f.wait(move, patience); code != 4 && code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	} else if code == 4 {
		f.ok("retry", "web")
	}
	f.atMost(1, f.to("waiting"))
	f.alive(3)
}

// forge writes a spoilt status, and waits until the agent's own lies there again.
func (f *field) forge(r row, key string) {
	f.t.Helper()
	forged := r.spoil(f.consul.get(key))
	f.consul.put(key, forged)
	for _, verb := range []string{"status", "why"} {
		if text, code := f.orch(verb, "web"); code != 0 {
			f.t.Errorf("%s: orch %s ends with %d:\n%s", r.name, verb, code, text)
		}
	}
	eventually(f.t, r.name+": the agent to write its own status again", patience, func() bool {
		now := f.consul.get(key)
		return now != forged && !strings.Contains(now, "foreign") && f.node("web-01").Run.ID != ""
	})
}
