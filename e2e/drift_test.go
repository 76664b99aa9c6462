package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// looked starts a node's agent with a file of its own, in which its states are looked at every second.
// What a converge makes is conf/<node>, with the state in it.
func (f *field) looked(node, onDrift string, more ...string) {
	f.t.Helper()
	must(f.t, os.MkdirAll(filepath.Join(f.dir, "conf"), 0o755))
	f.ctl("all", `echo "$ORCH_STATE $ORCH_ARGUMENT" > `+f.dir+`/conf/$ORCH_NODE`)
	look := f.file("look.sh", `#!/bin/sh
conf=`+f.dir+`/conf/$ORCH_NODE
if ! [ -e $conf ]; then echo "$ORCH_NODE $1 $2 drifted" >> `+f.dir+`/looks; echo "looking"; echo "conf of $ORCH_NODE is gone"; exit 3; fi
if [ "$(cat $conf)" != "$1 $2" ]; then echo "$ORCH_NODE $1 $2 differs" >> `+f.dir+`/looks; echo "conf of $ORCH_NODE differs"; exit 4; fi
echo "$ORCH_NODE $1 $2 sound" >> `+f.dir+`/looks
`)
	text := fmt.Sprintf("cluster = \"web\"\nstate_dir = %q\nconverge \"exec\" { command = [%q] }\n", filepath.Join(f.dir, "agents", node), f.script())
	for _, state := range []string{"off", "waiting", "converged", "version"} {
		text += fmt.Sprintf(`
state %q {
  check {
    command  = ["/bin/sh", %q, "${state}", "${argument}"]
    every    = "1s"
    on_drift = %q
  }
}
`, state, look, onDrift)
	}
	config := f.file(node+".hcl", text+strings.Join(more, "\n"))
	f.agents[node] = f.spawn(nil, agentBin, "--config", config, "--node", node, "--session-ttl", ttl.String())
}

// breaks takes away what a converge made.
func (f *field) breaks(nodes ...string) {
	f.t.Helper()
	for _, node := range nodes {
		must(f.t, os.Remove(filepath.Join(f.dir, "conf", node)))
	}
}

func (f *field) mends(node, state string) {
	f.t.Helper()
	must(f.t, os.WriteFile(filepath.Join(f.dir, "conf", node), []byte(state+" \n"), 0o644))
}

// driftedNodes waits until so many nodes say that they drifted.
func (f *field) driftedNodes(n int) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%d nodes to say that they drifted", n), patience, func() bool { return len(f.phase("drifted")) == n })
}

// looks gives what the checks found so far, a line each.
func (f *field) looks() []string {
	text, _ := os.ReadFile(filepath.Join(f.dir, "looks"))
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// looksAgain waits until everything was looked at some times more.
func (f *field) looksAgain(times int) {
	f.t.Helper()
	before := len(f.looks())
	eventually(f.t, "more looks", patience, func() bool { return len(f.looks()) >= before+times })
}

// shownInConsul gives the status and output of a node's own check in Consul's catalog.
func (f *field) shownInConsul(node string) (status, output string) {
	_, text := f.consul.http("GET", "/v1/health/checks/orch-web", "")
	var checks []struct{ ServiceID, Status, Output string }
	_ = json.Unmarshal([]byte(text), &checks)
	for _, c := range checks {
		if c.ServiceID == "orch-web-"+node {
			return c.Status, c.Output
		}
	}
	return "", ""
}

// Somebody breaks what a converge made. Everybody can see it, the Consul UI too; nothing runs, and the
// cluster is where it was. It is gone when somebody mends it.
func TestDriftIsReported(t *testing.T) {
	f := newField(t)
	f.web("")
	f.looked("web-01", "report")
	f.looked("web-02", "report")
	f.alive(2)
	f.ok("transition", "web", "converged")
	before := len(f.runs())
	f.breaks("web-02")
	f.driftedNodes(1)
	f.says(f.ok("status", "web"), "SETTLED", "1 drifted", "web-02", "its check says exit 3: conf of web-02 is gone", "orch reconverge web --drifted")
	f.says(f.ok("status", "web", "-o", "json"), `"drifted": 1`, `"exit": 3`, `"looking"`)
	f.says(f.ok("why", "web", "web-02"), "is not as it should be there", "report it, and no more", "conf of web-02 is gone")
	eventually(t, "the Consul UI to show it", patience, func() bool {
		status, output := f.shownInConsul("web-02")
		return status == "warning" && strings.Contains(output, "web-02 is drifted at converged: its check says exit 3: conf of web-02 is gone")
	})
	if status, _ := f.shownInConsul("web-01"); status != "passing" {
		t.Errorf("web-01 is %s", status)
	}
	f.agents["web-02"].kill()
	f.looked("web-02", "report")
	f.driftedNodes(1) // the new process knows it, and looks again
	f.looksAgain(4)
	if after := len(f.runs()); after != before {
		t.Fatalf("%d runs because a node drifted", after-before)
	}
	f.mends("web-02", "converged")
	eventually(t, "it to be gone", patience, func() bool { return len(f.phase("settled")) == 2 })
	if text := f.ok("status", "web", "-o", "json"); strings.Contains(text, "drift") {
		t.Errorf("it is still shown:\n%s", text)
	}
}

// A node that serves nobody repairs itself with no orch alive anywhere; not while somebody holds it.
func TestDriftIsRepairedWhereNobodyIsServed(t *testing.T) {
	f := newField(t)
	f.web("")
	f.looked("web-01", "repair")
	f.alive(1)
	eventually(t, "it to be off", patience, func() bool { return f.node("web-01").Phase == "settled" })
	f.breaks("web-01")
	eventually(t, "it to repair itself", patience, func() bool {
		_, err := os.Stat(filepath.Join(f.dir, "conf", "web-01"))
		return err == nil && f.node("web-01").Phase == "settled"
	})
	if text := f.consul.get("clusters/web/status/web-01"); !strings.Contains(text, `"under": "repair"`) {
		t.Errorf("the run was let go by something else: %s", text)
	}
	f.looksAgain(2) // and it helped
	f.ok("hold", "web", "web-01", "--reason", "a look")
	eventually(t, "it to be held", patience, func() bool { return f.node("web-01").Phase == "held" })
	before := len(f.runs())
	f.breaks("web-01")
	time.Sleep(4 * time.Second)
	if after := len(f.runs()); after != before {
		t.Fatalf("%d runs on a node that is held", after-before)
	}
	f.ok("unhold", "web", "web-01")
	eventually(t, "it to repair itself again", patience, func() bool { return len(f.runs()) == before+1 && f.node("web-01").Phase == "settled" })
}

// Nodes that serve ask, and do nothing while nobody leads. Then they take turns: a freeze and the
// batches hold for a repair too, and nobody goes who did not drift.
func TestDriftIsRepairedInTurnsWhereSomebodyIsServed(t *testing.T) {
	f := newField(t)
	f.web(`batches = [2]`)
	for i := range 6 {
		f.looked(web(i+1), "repair")
	}
	f.alive(6)
	f.ok("transition", "web", "converged")
	before := len(f.runs())
	f.says(f.ok("reconverge", "web", "--drifted"), "nothing to do: no node of web has drifted")
	f.breaks("web-01", "web-03", "web-04", "web-05", "web-06")
	f.driftedNodes(5)
	f.says(f.ok("why", "web", "web-03"), "asks for its turn to be repaired", "orch reconverge web --drifted")
	f.looksAgain(12)
	if after := len(f.runs()); after != before {
		t.Fatalf("%d runs while nobody led", after-before)
	}
	f.ok("freeze", "web", "--reason", "audit")
	f.says(f.exits(6, "reconverge", "web", "--drifted"), "frozen by ada@bastion", "audit")
	f.ok("thaw", "web")
	f.ok("hold", "web", "web-06", "--reason", "disk swap")
	f.ctl("all", `echo "$ORCH_STATE $ORCH_ARGUMENT" > `+f.dir+`/conf/$ORCH_NODE; pause=1`)
	f.says(f.ok("reconverge", "web", "--drifted"), "converged once more: web-01, web-03, web-04, web-05, drifted", "done: web is at converged")
	repairs := f.runs()[before:]
	f.atMost(2, repairs)
	nodes := make([]string, 0, len(repairs))
	for _, r := range repairs {
		nodes = append(nodes, r.node)
	}
	slices.Sort(nodes)
	if !slices.Equal(nodes, []string{"web-01", "web-03", "web-04", "web-05"}) {
		t.Errorf("%v ran", nodes)
	}
	f.says(f.ok("history", "web"), "converged once more: web-01, web-03, web-04, web-05, drifted")
	eventually(t, "them to be as they should", patience, func() bool { return len(f.phase("settled")) == 5 })
	f.ok("fsck", "web")
}

// A node converges again by itself when its period is over, and not while it is frozen.
func TestPeriod(t *testing.T) {
	f := newField(t)
	f.web("")
	f.looked("web-01", "report", "every = \"10s\"", "splay = \"1s\"")
	f.alive(1)
	f.ok("transition", "web", "converged")
	last := f.runs()[len(f.runs())-1]
	before := len(f.runs())
	eventually(t, "its period to be over", patience, func() bool { return len(f.runs()) == before+1 && f.runs()[before].stop != 0 })
	if waited := time.Duration(f.runs()[before].start - last.stop); waited < 9*time.Second {
		t.Errorf("it converged again after %s", waited)
	}
	if text := f.consul.get("clusters/web/status/web-01"); !strings.Contains(text, `"under": "period"`) || !strings.Contains(text, `"run": {`) {
		t.Errorf("the run was let go by something else: %s", text)
	}
	f.ok("freeze", "web", "--reason", "audit")
	eventually(t, "its period to be over again", patience, func() bool {
		reason := f.node("web-01").Reason
		return strings.Contains(reason, "its period is over") && strings.Contains(reason, "frozen by ada@bastion")
	})
	time.Sleep(2 * time.Second)
	if n := len(f.runs()); n != before+1 {
		t.Fatalf("%d runs under a freeze", n-before-1)
	}
	f.says(f.node("web-01").Reason, "its period is over", "audit")
	if phase := f.node("web-01").Phase; phase != "settled" {
		t.Errorf("it is where it should be, and says %s", phase)
	}
	f.atMost(1, f.runs())
}

// Check, then do: nothing is looked at before a converge made it, and what a converge made passes its
// check, at every state on the way.
func TestCheckPassesAfterEveryConverge(t *testing.T) {
	f := newField(t)
	f.web("")
	f.looked("web-01", "repair")
	f.alive(1)
	at := func(state string) {
		t.Helper()
		eventually(t, "a look at "+state, patience, func() bool {
			return slices.Contains(f.looks(), "web-01 "+state+" sound")
		})
	}
	at("off ")
	f.ok("transition", "web", "waiting")
	at("waiting ")
	f.ok("transition", "web", "converged")
	at("converged ")
	for _, release := range []string{"1", "2"} {
		f.ok("transition", "web", "version", release)
		at("version " + release)
	}
	for _, line := range f.looks() {
		if !strings.HasSuffix(line, " sound") {
			t.Errorf("a look found something although a converge had been there: %s", line)
		}
	}
	if runs := f.runs(); len(runs) != 5 {
		t.Errorf("%d runs: %+v", len(runs), runs)
	}
}

// A check ends with its agent, however that ends; nobody would look for it.
func TestACheckDiesWithItsAgent(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			f := newField(t)
			f.web("")
			f.driven(`
converge "exec" { command = ["/bin/true"] }
state "off" {
  check {
    command = ["/bin/sh", "-c", "trap '' TERM; setsid sleep 300 & wait"]
    every   = "1m"
    splay   = "0s"
  }
}
`)
			sleeps := func() bool {
				out, _ := exec.Command("pgrep", "-f", "sleep 300").Output()
				for pid := range strings.FieldsSeq(string(out)) {
					environ, err := os.ReadFile("/proc/" + pid + "/environ")
					if err == nil && strings.Contains(string(environ), "ORCH_NODE=web-01") && strings.Contains(string(environ), f.dir) {
						return true
					}
				}
				return false
			}
			eventually(t, "a check", patience, sleeps)
			f.agents["web-01"].signal(signal)
			eventually(t, "nothing of it to be alive", patience, func() bool { return !sleeps() && !f.agents["web-01"].running() })
		})
	}
}
