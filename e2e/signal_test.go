package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Whatever ends a leading command from outside, after whichever of its commits: it lets go of the
// lease, ends with 130 and names the verb that goes on, which then ends with 0. No node runs twice.
func TestSignalsAtEveryCommit(t *testing.T) {
	const commits = 6 // of a move of three nodes, one at a time, there are eight
	f := newField(t)
	text := "policy {\n  converge_timeout = \"60s\"\n}\n"
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
	names := []string{"int", "term", "hup"}
	for _, name := range names {
		for k := range commits {
			text += fmt.Sprintf("cluster %q {\n  initial = \"off\"\n  state \"off\" { serving = false }\n  state \"waiting\" { serving = false }\n"+
				"  transition \"waiting\" {\n    from    = [\"off\"]\n    batches = [1]\n  }\n}\n", cut(name, k))
		}
	}
	f.ok("apply", "--yes", f.file("many.hcl", text))
	f.ctl("all", "pause=0.3")
	var all sync.WaitGroup
	for i, name := range names {
		for k := range commits {
			for n := range 3 {
				f.agent(fmt.Sprintf("%s-%d", cut(name, k), n), "--cluster", cut(name, k))
			}
			all.Go(func() { f.signalled(cut(name, k), signals[i], k+1) })
		}
	}
	all.Wait()
	runs := f.to("waiting")
	f.once(runs)
	if len(runs) != len(names)*commits*3 {
		t.Errorf("%d runs of %d nodes", len(runs), len(names)*commits*3)
	}
}

func cut(name string, k int) string { return fmt.Sprintf("%s%d", name, k+1) }

// signalled moves a cluster, ends the command after so many commits, and lets resume go on.
func (f *field) signalled(cluster string, signal syscall.Signal, commits int) {
	settled := func() bool { return f.consul.count("clusters/"+cluster+"/status/", `"phase":"settled"`) == 3 }
	if !within(patience, settled) {
		f.t.Errorf("%s: its nodes do not settle", cluster)
		return
	}
	before := f.consul.keys("clusters/" + cluster + "/journal/")
	move := f.orchStart("transition", cluster, "waiting", "--reason", "CHG-9")
	if !within(patience, func() bool { return f.consul.keys("clusters/"+cluster+"/journal/") >= before+commits }) {
		f.t.Errorf("%s: never %d commits:\n%s", cluster, commits, move.text())
		return
	}
	move.signal(signal)
	if !within(patience, func() bool { return !move.running() }) {
		f.t.Errorf("%s: it does not end:\n%s", cluster, move.text())
		return
	}
	if move.code != 130 || !strings.Contains(move.text(), "orch resume "+cluster) {
		f.t.Errorf("%s: want exit code 130 and the verb that goes on, got %d:\n%s", cluster, move.code, move.text())
	}
	if _, text := f.consul.http("GET", "/v1/kv/orch/clusters/"+cluster+"/leader", ""); strings.Contains(text, `"Session"`) {
		f.t.Errorf("%s: the lease is still held: %s", cluster, text)
	}
	resume := f.orchStart("resume", cluster)
	if !within(patience, func() bool { return !resume.running() }) || resume.code != 0 {
		f.t.Errorf("%s: resume ended with %d:\n%s", cluster, resume.code, resume.text())
	}
}

// keys counts the keys below one.
func (s *server) keys(prefix string) int {
	_, text := s.http("GET", "/v1/kv/orch/"+prefix+"?keys", "")
	var keys []string
	_ = json.Unmarshal([]byte(text), &keys)
	return len(keys)
}

// count tells in how many documents below a prefix a text stands.
func (s *server) count(prefix, text string) int {
	_, body := s.http("GET", "/v1/kv/orch/"+prefix+"?recurse", "")
	var pairs []struct{ Value []byte }
	_ = json.Unmarshal([]byte(body), &pairs)
	n := 0
	for _, p := range pairs {
		if strings.Contains(strings.ReplaceAll(string(p.Value), `": "`, `":"`), text) {
			n++
		}
	}
	return n
}

// within waits for something, and tells whether it came.
func within(limit time.Duration, so func() bool) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if so() {
			return true
		}
	}
	return so()
}

// Whoever reads what a command says goes away after the first line, as a pager that is quit: one that leads
// goes on to the end of its move and lets go of the lease; one that only looks ends, as any program does.
func TestTheReaderGoes(t *testing.T) {
	f := newField(t)
	f.serving(3, "batches = [1]\nconverge_timeout = \"60s\"")
	f.ctl("all", "pause=0.5")
	f.seat = []string{"sh", "-c", `{ timeout 60 "$@"; echo "it ends with $?" >&2; } | head -n 1`, "sh"}
	move := f.orchStart("transition", "web", "version", "2")
	f.began("2")
	look := f.orchStart("status", "web", "--watch")
	f.wait(look, patience)
	f.wait(move, patience)
	f.seat = nil
	f.says(look.text(), fmt.Sprintf("it ends with %d", 128+int(syscall.SIGPIPE)))
	f.says(move.text(), "nobody reads this any more", "the move goes on", "it ends with 0")
	if f.led() {
		t.Error("the lease is still taken")
	}
	f.settledAt("version 2", 3)
	f.atMost(1, f.to("version 2"))
}
