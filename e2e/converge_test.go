package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Whatever a converge does, its status is truthful: fails, hangs with TERM ignored, leaves a child
// that holds stdout, is killed by a signal.
func TestTruthfulStatus(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, ctl, policy string
		want              func(nodeStatus) bool
	}{
		{"fails", "echo boom; exit 7", "",
			func(s nodeStatus) bool { return s.Run.Outcome == "failed" && s.Run.Exit == 7 && hasLine(s, "boom") }},
		{"hangs and ignores TERM", "trap '' TERM; while :; do sleep 1; done", `converge_timeout = "3s"`,
			func(s nodeStatus) bool { return s.Run.Outcome == "timeout" && s.Run.Seconds < 15 }},
		{"is killed by somebody", "kill -9 $$", "",
			func(s nodeStatus) bool {
				return s.Run.Outcome == "killed" && strings.Contains(strings.ToLower(s.Run.Signal), "kill")
			}},
		{"cannot be found", "exec /does/not/exist", "",
			func(s nodeStatus) bool { return s.Run.Outcome == "failed" && s.Run.Exit == 127 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newField(t)
			f.web("batches = [1]\n" + c.policy)
			f.nodes(2)
			f.ctl("web-01", c.ctl)
			move := f.orchStart("transition", "web", "waiting")
			if code := f.wait(move, patience); code != 4 {
				t.Errorf("want exit code 4, got %d:\n%s", code, move.text())
			}
			if s := f.node("web-01"); s.Phase != "failed" || !c.want(s) {
				t.Errorf("status: %+v", s)
			}
			for _, r := range f.to("waiting") {
				if r.node != "web-01" {
					t.Errorf("%s went after the budget was spent", r.node)
				}
			}
		})
	}
}

func hasLine(s nodeStatus, text string) bool {
	for _, line := range s.Run.Tail {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// A background child that holds stdout neither keeps the run from ending nor survives it.
func TestBackgroundChildHoldsStdout(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(1)
	f.ctl("web-01", `sleep 300 & echo $! > `+f.dir+`/child`)
	f.ok("transition", "web", "waiting")
	if s := f.node("web-01"); s.Run.Outcome != "ok" {
		t.Errorf("status: %+v", s)
	}
	text, err := os.ReadFile(filepath.Join(f.dir, "child"))
	must(t, err)
	pid := strings.TrimSpace(string(text))
	eventually(t, "the child to be gone", patience, func() bool {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// A converge that prints 200 MB leaves the agent's memory flat.
func TestFloodOfOutput(t *testing.T) {
	f := newField(t)
	f.web("")
	f.nodes(1)
	before := f.memory("web-01")
	f.ctl("web-01", "head -c 200000000 /dev/zero | tr '\\\\0' x; echo; echo the last line")
	f.ok("transition", "web", "waiting")
	if s := f.node("web-01"); s.Run.Outcome != "ok" || !hasLine(s, "is waiting") {
		t.Errorf("status: %+v", s)
	}
	after := f.memory("web-01")
	t.Logf("resident memory of the agent, highest so far: %d KiB before, %d KiB after 200 MB of output", before, after)
	if after > before+24*1024 {
		t.Errorf("the agent grew from %d to %d KiB", before, after)
	}
	size := int64(0)
	logs, err := filepath.Glob(filepath.Join(f.dir, "agents/web-01/runs/*"))
	must(t, err)
	for _, log := range logs {
		if info, err := os.Stat(log); err == nil {
			size += info.Size()
		}
	}
	if size > 64<<20 {
		t.Errorf("the logs on disk take %d MiB", size>>20)
	}
}

// memory gives the highest resident memory of an agent so far, in KiB.
func (f *field) memory(node string) int {
	f.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.agents[node].cmd.Process.Pid))
	must(f.t, err)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[0] == "VmHWM:" {
			n, err := strconv.Atoi(fields[1])
			must(f.t, err)
			return n
		}
	}
	f.t.Fatal("no VmHWM")
	return 0
}

// An agent that only observes reports what it would run, and runs nothing.
func TestObserve(t *testing.T) {
	f := newField(t)
	f.web("")
	f.agent("web-01", "--observe")
	eventually(t, "the agent to say what it would do", patience, func() bool {
		s := f.node("web-01")
		return s.Phase == "observing" && strings.Contains(s.Reason, "off")
	})
	if runs := f.runs(); len(runs) != 0 {
		t.Errorf("it ran: %+v", runs)
	}
}

// The agent's own file says what to run, by default and for single states.
func TestAgentByItsFile(t *testing.T) {
	f := newField(t)
	f.web(`batches = ["100%"]`)
	config := f.file("agent.hcl", `
cluster   = "web"
node      = "web-01"
state_dir = "`+f.dir+`/agents/web-01"
lock_dir  = "`+f.dir+`/host"
meta      = { rack = "r3" }

consul { address = "`+f.consul.addr+`" }

converge "exec" { command = ["`+f.script()+`", "${state}", "${argument}"] }

state "waiting" {
  converge "exec" { command = ["/bin/sh", "`+f.script()+`"] }
}
`)
	f.agents["web-01"] = f.spawn(nil, agentBin, "--config", config, "--session-ttl", ttl.String())
	f.alive(1)
	f.ok("transition", "web", "converged", "--yes")
	for _, state := range []string{"off", "waiting", "converged"} {
		if runs := f.to(state); len(runs) != 1 {
			t.Errorf("want one run to %s, got %+v", state, runs)
		}
	}
	if text := f.consul.get("clusters/web/status/web-01"); !strings.Contains(text, `"rack": "r3"`) {
		t.Errorf("its meta is not there:\n%s", text)
	}
}
