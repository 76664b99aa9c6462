package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// restore takes Consul back to a snapshot.
func (s *server) restore(snapshot string) {
	s.t.Helper()
	if code, text := s.http("PUT", "/v1/snapshot", snapshot); code != 200 {
		s.t.Fatalf("restore: %d %s", code, text)
	}
}

func (s *server) snapshot() string {
	s.t.Helper()
	code, text := s.http("GET", "/v1/snapshot", "")
	if code != 200 {
		s.t.Fatalf("snapshot: %d %s", code, text)
	}
	return text
}

// neverBackwards fails when a node ran for a lower generation than before.
func (f *field) neverBackwards() {
	f.t.Helper()
	last := map[string]int{}
	for _, r := range f.runs() {
		if r.generation < last[r.node] {
			f.t.Errorf("%s ran for generation %d after %d", r.node, r.generation, last[r.node])
		}
		last[r.node] = r.generation
	}
}

// remembered gives the generation that a node's agent durably accepted.
func (f *field) remembered(node string) int {
	f.t.Helper()
	files, _ := filepath.Glob(filepath.Join(f.dir, "agents", node, "*.json"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(f.t, err)
		var memory struct{ Mark struct{ Generation int } }
		if json.Unmarshal(text, &memory) == nil && memory.Mark.Generation > 0 {
			return memory.Mark.Generation
		}
	}
	return 0
}

func (f *field) settledAt(state string, n int) {
	f.t.Helper()
	v := f.status()
	if !v.Settled || !strings.Contains(string(v.State), state) || len(v.Nodes) != n {
		f.t.Fatalf("want %d nodes settled at %s: %+v", n, state, v)
	}
}

// whyUntil waits until why says something of the cluster.
func (f *field) whyUntil(wants ...string) string {
	f.t.Helper()
	var text string
	eventually(f.t, "why to say "+strings.Join(wants, ", "), patience, func() bool {
		text, _ = f.orch("why", "web")
		for _, want := range wants {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
				return false
			}
		}
		return true
	})
	return text
}

// A snapshot is restored: agents refuse what they are past, why names it, a recovery is above
// everything, and a resume goes batch by batch. A node that was away meanwhile only needs another one.
func TestRecoverAfterARestore(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [1]`)
	f.says(f.ok("recover", "web"), "Nothing is wrong")
	f.says(f.exits(6, "recover", "web", "version", "1", "--yes"), "nothing is wrong", "--override healthy")
	saved := f.consul.snapshot()
	f.ok("transition", "web", "version", "2")
	f.ok("transition", "web", "version", "3")
	before := len(f.runs())
	f.consul.restore(saved)
	f.whyUntil("has seen more than lies in Consul", "orch recover web")
	f.exits(6, "transition", "web", "version", "4")
	if now := len(f.runs()); now != before {
		t.Fatalf("%d runs began on old news", now-before)
	}
	f.says(f.ok("recover", "web"), "NODE", "web-01", "version 3", "orch recover web STATE")
	f.says(f.exits(2, "recover", "web", "version", "3"), "say --yes")
	f.says(f.exits(6, "recover", "web", "versoin", "--yes"), "versoin")
	f.ok("recover", "web", "version", "4", "--yes", "--reason", "restored")
	time.Sleep(time.Second)
	if now := len(f.runs()); now != before {
		t.Fatalf("%d runs began before anybody said so", now-before)
	}
	f.says(f.ok("why", "web"), "was recovered to version 4", "orch resume web")
	f.ok("resume", "web")
	f.settledAt("version 4", 3)
	f.atMost(1, f.to("version 4"))
	f.says(f.ok("history", "web"), "recovered", "restored")

	t.Run("and again, for a node that was away", func(t *testing.T) {
		saved := f.consul.snapshot()
		f.ok("recover", "web", "version", "4", "--yes", "--override", "healthy")
		f.ok("recover", "web", "version", "4", "--yes", "--override", "healthy") // two jumps up
		f.ok("resume", "web")
		high := f.remembered("web-03")
		f.agents["web-03"].kill()
		f.gone(2)
		for _, node := range []string{"web-01", "web-02"} { // who is provisioned anew has seen nothing
			f.agents[node].kill()
			must(t, os.RemoveAll(filepath.Join(f.dir, "agents", node)))
		}
		f.gone(0)
		f.consul.restore(saved)
		for _, node := range []string{"web-01", "web-02", "web-03"} { // sessions come back, and end again
			f.consul.delete("clusters/web/status/" + node)
		}
		f.agent("web-01")
		f.agent("web-02")
		f.alive(2)
		f.ok("recover", "web", "version", "5", "--yes", "--override", "healthy")
		f.ok("resume", "web")
		f.agent("web-03")
		f.whyUntil(`node "web-03" has seen more`)
		f.ok("recover", "web", "version", "5", "--yes")
		f.ok("resume", "web")
		f.settledAt("version 5", 3)
		if now := f.remembered("web-03"); now <= high {
			t.Errorf("web-03 accepted generation %d after %d", now, high)
		}
	})
	f.neverBackwards()
}

// Everything under the prefix is deleted: agents keep what they have, apply gives birth to nothing, and
// a recovery takes the definition along.
func TestRecoverAfterAWipe(t *testing.T) {
	everything(t)
	f := newField(t)
	f.serving(3, `batches = [1]`)
	before, high := len(f.runs()), f.remembered("web-01")
	if code, text := f.consul.http("DELETE", "/v1/kv/orch/?recurse", ""); code != 200 {
		t.Fatalf("wipe: %d %s", code, text)
	}
	f.recoverWiped(before, high)
}

// In mid-batch it is deleted too, or Consul goes back to before the move: whoever leads ends by itself and
// says so, runs end, and nobody starts another.
func TestRecoverAfterAWipeInMidBatch(t *testing.T) {
	everything(t)
	f := newField(t)
	f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
	move := f.inMidBatch()
	if code, text := f.consul.http("DELETE", "/v1/kv/orch/?recurse", ""); code != 200 {
		t.Fatalf("wipe: %d %s", code, text)
	}
	f.givesUp(move, `cluster "web" is not in Consul any more`, "orch recover web STATE --definition PATH")
	if _, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/?keys", ""); strings.Contains(strings.ReplaceAll(text, "/status/", ""), "web/") {
		t.Errorf("it wrote into what was empty: %s", text)
	}
	f.recoverWiped(len(f.runs()), f.remembered("web-01"))
}

func TestRecoverAfterARestoreInMidBatch(t *testing.T) {
	everything(t)
	f := newField(t)
	f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
	saved := f.consul.snapshot()
	move := f.inMidBatch()
	f.consul.restore(saved)
	f.givesUp(move, "is not in Consul any more, and nobody answered it")
	f.whyUntil("has seen more than lies in Consul")
	f.ok("recover", "web", "version", "2", "--yes")
	f.ok("resume", "web")
	f.settledAt("version 2", 3)
	f.neverBackwards()
}

// inMidBatch begins a move, and returns when its first run goes on.
func (f *field) inMidBatch() (move *process) {
	f.t.Helper()
	f.ctl("all", "pause=1")
	move = f.orchStart("transition", "web", "version", "7")
	eventually(f.t, "the first run", patience, func() bool { return len(f.to("version 7")) == 1 })
	return move
}

// givesUp waits for a move to end with an error, and for its one run.
func (f *field) givesUp(move *process, says ...string) {
	f.t.Helper()
	if code := f.wait(move, patience); code != 1 {
		f.t.Errorf("exit code %d:\n%s", code, move.text())
	}
	f.says(strings.Join(strings.Fields(move.text()), " "), says...)
	f.ctl("all", "")
	eventually(f.t, "the run to end", patience, func() bool { return f.to("version 7")[0].stop != 0 })
	if runs := f.to("version 7"); len(runs) != 1 {
		f.t.Errorf("want one run to version 7, got %+v", runs)
	}
}

// recoverWiped brings back a cluster of three of which only the agents know anything.
func (f *field) recoverWiped(before, high int) {
	f.t.Helper()
	f.alive(3)
	f.whyUntil("accepted one before, as after a wipe", "orch recover web STATE --definition PATH")
	path := f.file("web.hcl", versionHCL(`batches = [1]`))
	f.says(f.exits(6, "apply", "--yes", path), "as after a wipe", "orch recover web STATE --definition PATH")
	f.says(f.exits(6, "recover", "web", "version", "2", "--yes"), "--definition PATH")
	f.says(f.ok("recover", "web"), "version 1", "is not there", "--definition PATH")
	f.ok("recover", "web", "version", "2", "--definition", path, "--yes")
	time.Sleep(time.Second)
	if now := len(f.runs()); now != before {
		f.t.Fatalf("%d runs began before anybody said so", now-before)
	}
	f.ok("resume", "web")
	f.settledAt("version 2", 3)
	f.atMost(1, f.to("version 2"))
	f.neverBackwards()
	if now := f.remembered("web-01"); now < high+1000 {
		f.t.Errorf("generation %d after %d", now, high)
	}
	f.says(f.ok("apply", "--yes", path), "unchanged")
}

// A new Consul at the same address knows nothing of anybody, not even its id: that is told by the
// agents. Where it has another id already, they are told that it is meant.
func TestRecoverOnANewConsul(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprint("has an id ", known), func(t *testing.T) {
			if known {
				everything(t)
			}
			f := newField(t)
			f.serving(3, `batches = [1]`)
			before, high, id := len(f.runs()), f.remembered("web-01"), f.consul.get("id")
			f.consul.kill()
			must(t, os.RemoveAll(filepath.Join(f.consul.dir, "data")))
			f.consul.start()
			if !known {
				f.recoverWiped(before, high)
				if now := f.consul.get("id"); now != id {
					t.Errorf("the id is %q, and was %q", now, id)
				}
				return
			}
			f.consul.put("id", "elsewhere")
			f.alive(3)
			strange := func() {
				eventually(t, "agents to notice", patience, func() bool {
					text, _ := f.orch("recover", "web", "-o", "json")
					return strings.Count(text, "it is another datacenter") == 3
				})
			}
			strange()
			path := f.file("web.hcl", versionHCL(`batches = [1]`))
			f.says(f.ok("recover", "web"), "it is another datacenter")
			f.says(f.ok("recover", "web", "version", "2", "--definition", path, "--yes"), "the agents of web-01 web-02 web-03", `consul { id = "elsewhere" }`)
			for _, node := range []string{"web-01", "web-02", "web-03"} {
				f.agents[node].kill()
				f.agent(node)
			}
			f.alive(3)
			strange() // a restart alone tells them nothing
			for _, node := range []string{"web-01", "web-02", "web-03"} {
				f.agents[node].kill()
				f.agent(node, "--consul-id", "elsewhere")
			}
			f.alive(3)
			f.ok("resume", "web")
			f.settledAt("version 2", 3)
			f.neverBackwards()
		})
	}
}
