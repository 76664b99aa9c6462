package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"orch/states/skiptest"
)

// own makes a copy of the agent's program that a test may replace.
func (f *field) own() string {
	f.t.Helper()
	path := filepath.Join(f.dir, "convergeagent")
	if out, err := exec.Command("cp", agentBin, path).CombinedOutput(); err != nil { // not by this process: what it forks meanwhile would hold the file
		f.t.Fatalf("%v: %s", err, out)
	}
	return path
}

// agentOf starts the agent of web-01 from a program of its own, and notes its number where its converge
// finds it.
func (f *field) agentOf(bin string, under ...string) *process {
	f.t.Helper()
	args := append(under, bin, "--cluster", "web", "--node", "web-01", "--state-dir", filepath.Join(f.dir, "agents/web-01"),
		"--lock-dir", filepath.Join(f.dir, "host"), "--session-ttl", ttl.String(), "--exec", f.script())
	p := f.spawn(nil, args[0], args[1:]...)
	f.agents["web-01"] = p
	f.file("agent.pid", fmt.Sprint(p.cmd.Process.Pid))
	return p
}

// A converge that kills or restarts its own agent, as a recipe for it does: the run goes on, what starts
// the agent again is the machine's init, here the test, and the new agent reports how it really ended.
func TestConvergeRestartsItsAgent(t *testing.T) {
	t.Parallel()
	for _, signal := range []string{"KILL", "TERM"} {
		t.Run(signal, func(t *testing.T) {
			f := newField(t)
			f.web("")
			first := f.agentOf(f.own())
			f.alive(1)
			f.ok("transition", "web", "waiting")
			f.ctl("web-01", `echo before; kill -`+signal+` $(cat $dir/agent.pid); while ! [ -f $dir/again ]; do sleep 0.1; done; sleep 1; echo after`)
			move := f.orchStart("transition", "web", "converged", "--yes")
			f.wait(first, patience)
			second := f.agentOf(filepath.Join(f.dir, "convergeagent"))
			f.file("again", "")
			if code := f.wait(move, patience); code != 0 {
				t.Fatalf("exit code %d:\n%s\n%s", code, move.text(), second.text())
			}
			s := f.node("web-01")
			if runs := f.to("converged"); len(runs) != 1 || s.Run.Attempt != 1 || s.Run.Outcome != "ok" || s.Run.Seconds < 1 || !hasLine(s, "before") || !hasLine(s, "after") {
				t.Errorf("runs %+v, status %+v", f.to("converged"), s)
			}
			f.nothingLeft()
		})
	}
}

// A converge that puts a newer program in the place of its agent's: the old one goes on as it is, also with
// a run of its own that it starts then; the new one adopts what goes on when it is started.
func TestConvergeReplacesItsAgent(t *testing.T) {
	f := newField(t)
	f.web("")
	first := f.agentOf(f.own())
	f.alive(1)
	replace := `cp $dir/convergeagent $dir/new; echo newer >> $dir/new; mv $dir/new $dir/convergeagent; `
	f.ctl("web-01", replace)
	f.ok("transition", "web", "waiting")
	f.ctl("web-01", replace+`readlink /proc/$PPID/exe; kill -TERM $(cat $dir/agent.pid); while ! [ -f $dir/again ]; do sleep 0.1; done; echo after`)
	move := f.orchStart("transition", "web", "converged", "--yes")
	if code := f.wait(first, patience); code != 0 || !strings.Contains(first.text(), "goes on without this agent") {
		t.Errorf("the old agent ended with %d:\n%s", code, first.text())
	}
	f.agentOf(filepath.Join(f.dir, "convergeagent"))
	f.file("again", "")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if s := f.node("web-01"); len(f.to("converged")) != 1 || s.Run.Outcome != "ok" || !hasLine(s, "(deleted)") || !hasLine(s, "after") {
		t.Errorf("runs %+v, status %+v", f.to("converged"), s)
	}
	f.nothingLeft()
}

// A runner that is killed takes its run with it: the agent ends all that is left, says so, and tries again.
func TestRunnerIsKilled(t *testing.T) {
	f := newField(t)
	f.web("retries = 1")
	f.agentOf(f.own())
	f.alive(1)
	eventually(t, "it to settle", patience, func() bool { return f.node("web-01").Phase == "settled" })
	f.ctl("web-01", `if ! [ -f $dir/second ]; then : > $dir/second; trap '' TERM; (setsid sh -c 'trap "" TERM; echo $$ > '$dir'/child; while :; do sleep 0.1; done' &)
		while ! [ -s $dir/child ]; do sleep 0.05; done; echo $$ > $dir/leader; while :; do sleep 0.1; done; fi`)
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "it to run", patience, func() bool { _, err := os.Stat(f.dir + "/leader"); return err == nil })
	old := []int{number(t, f.dir+"/leader"), number(t, f.dir+"/child")}
	for _, pid := range f.runners() {
		must(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	for _, pid := range old {
		if isAlive(pid) {
			t.Errorf("process %d is left of the first try", pid)
		}
	}
	s := f.node("web-01")
	log, err := os.ReadFile(s.Run.Log)
	if err != nil || s.Run.Attempt != 2 || !strings.Contains(string(log), "--- interrupted: its runner was killed ---") {
		t.Errorf("%+v\n%s %v", s, log, err)
	}
	f.nothingLeft()
}

// Two clusters on one host: their agents take turns, and who waits says for whom.
func TestAgentsOfOneHostTakeTurns(t *testing.T) {
	f := newField(t)
	f.ok("apply", "--yes", f.file("both.hcl", webHCL("")+`
cluster "db" {
  initial = "off"
  state "off" { serving = false }
  state "waiting" { serving = false }
  transition "waiting" { from = ["off"] }
}
`))
	f.ctl("all", `while ! [ -f $dir/go ]; do sleep 0.05; done; sleep 0.5`)
	f.agent("web-01", "--lock-dir", f.dir+"/host")
	f.agent("db-01", "--cluster", "db", "--lock-dir", f.dir+"/host")
	eventually(t, "one to wait for the other", patience, func() bool {
		_, text := f.consul.http("GET", "/v1/kv/orch/clusters/?recurse&raw", "")
		logs, _ := filepath.Glob(f.dir + "/agents/*/runs/*.log")
		for _, log := range logs {
			said, _ := os.ReadFile(log)
			text += string(said)
		}
		return strings.Contains(text, "waits until this host is free: run r-") && len(f.runs()) == 1
	})
	f.file("go", "")
	eventually(t, "both to settle", patience, func() bool {
		return f.consul.count("clusters/", `"phase":"settled"`) == 2
	})
	if runs := f.runs(); len(runs) != 2 {
		t.Errorf("%+v", runs)
	} else {
		f.atMost(1, runs)
	}
	f.nothingLeft()
}

// Two that wait for one another's host for too long say by whom they are blocked, and fail.
func TestAHostThatIsNeverFree(t *testing.T) {
	f := newField(t)
	f.web(`converge_timeout = "5s"`)
	must(t, os.MkdirAll(f.dir+"/host", 0o700))
	lock, err := os.OpenFile(f.dir+"/host/run.lock", os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	defer lock.Close()
	f.agentOf(f.own())
	f.alive(1)
	eventually(t, "it to settle", patience, func() bool { return f.node("web-01").Phase == "settled" })
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	f.exits(4, "transition", "web", "waiting")
	if s := f.node("web-01"); s.Run.Outcome != "failed" || !strings.Contains(s.Reason, "blocked: another run went on on this host") || len(f.to("waiting")) != 0 {
		t.Errorf("%+v", s)
	}
}

// A node that goes down in mid-run: the next boot is known by its id, the run is told to be interrupted by
// that, and tried again although the policy has no retries.
func TestRebootInMidRun(t *testing.T) {
	f := newField(t)
	f.web("")
	bin := f.own()
	boot := func(id string) *process {
		f.file("boot", id+"\n")
		return f.agentOf(bin, "unshare", "--mount", "/bin/sh", "-c", `mount --bind `+f.dir+`/boot /proc/sys/kernel/random/boot_id && exec "$@"`, "sh")
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		skiptest.Denied(t, "a boot id of its own needs a mount namespace, and so root: %v %s", err, out)
	}
	first := boot("11111111-1111-4111-8111-111111111111")
	f.alive(1)
	eventually(t, "it to settle", patience, func() bool { return f.node("web-01").Phase == "settled" })
	f.ctl("web-01", `echo $$ > $dir/leader; echo it works; sleep 300`)
	move := f.orchStart("transition", "web", "waiting")
	eventually(t, "it to run", patience, func() bool { text, _ := os.ReadFile(f.dir + "/leader"); return len(text) > 0 })
	eventually(t, "what it says to be written down", patience, func() bool {
		logs, _ := filepath.Glob(f.dir + "/agents/web-01/runs/*.log")
		return slices.ContainsFunc(logs, func(log string) bool {
			text, _ := os.ReadFile(log)
			return strings.Contains(string(text), "it works")
		})
	})
	runners := f.runners()
	first.kill() // all that the power took
	for _, pid := range runners {
		must(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	must(t, syscall.Kill(-number(t, f.dir+"/leader"), syscall.SIGKILL))
	f.ctl("web-01", "")
	boot("22222222-2222-4222-8222-222222222222")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	s := f.node("web-01")
	log, err := os.ReadFile(s.Run.Log)
	if err != nil || s.Run.Attempt != 2 || s.Run.Outcome != "ok" || !strings.Contains(string(log), "it works\n\n--- interrupted by a reboot of the node ---") {
		t.Errorf("%+v\n%s %v", s, log, err)
	}
	f.nothingLeft()
}

func number(t *testing.T, path string) (n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	_, err = fmt.Sscan(string(text), &n)
	must(t, err)
	return n
}

// nothingLeft looks that no process, lock, cgroup or file is left of runs that are over.
func (f *field) nothingLeft() {
	f.t.Helper()
	eventually(f.t, "every run to be forgotten", patience, func() bool {
		left, _ := filepath.Glob(f.dir + "/agents/*/runs/*.run")
		return len(left) == 0
	})
	for _, pattern := range []string{"/agents/*/*.new", "/agents/*/agent.json.*", "/agents/*/runs/*[^g]"} {
		if left, _ := filepath.Glob(f.dir + pattern); len(left) > 0 {
			f.t.Errorf("left are %s", left)
		}
	}
	hosts, _ := filepath.Glob(f.dir + "/host/run.lock")
	for _, path := range hosts {
		lock, err := os.Open(path)
		must(f.t, err)
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.t.Errorf("the host is still locked: %v", err)
		}
		if info, _ := lock.Stat(); info.Size() > 0 {
			f.t.Error("the lock of the host has a note of a run that is over")
		}
		lock.Close()
	}
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "ORCH_ATTRIBUTES="+f.dir) {
			f.t.Errorf("a process is left: %s", path)
		}
	}
	if groups, _ := filepath.Glob("/sys/fs/cgroup/*/convergeagent-" + f.node("web-01").Run.ID + "-*"); len(groups) > 0 {
		f.t.Errorf("cgroups are left: %s", groups)
	}
}

// A converge that puts another configuration in the place of its agent's, and stops the agent. One with a mistake
// is refused by its line, and loses nothing: with the mistake mended the next agent adopts the run, tells how
// it ended, and is as the new file says.
func TestConvergeReplacesItsAgentsFile(t *testing.T) {
	f := newField(t)
	f.web("")
	text := `
cluster   = "web"
state_dir = "` + f.dir + `/agents/web-01"
meta      = { rack = "old" }
converge "exec" { command = ["` + f.script() + `"] }
`
	first := f.configured(text)
	f.alive(1)
	f.ok("transition", "web", "waiting")
	f.file("agent.pid", fmt.Sprint(first.cmd.Process.Pid))
	f.file("broken.hcl", strings.Replace(text, "meta  ", "mete  ", 1))
	f.ctl("web-01", `cp $dir/broken.hcl $dir/convergeagent.hcl; kill -TERM $(cat $dir/agent.pid); while ! [ -f $dir/again ]; do sleep 0.1; done; echo after`)
	move := f.orchStart("transition", "web", "converged", "--yes")
	if code := f.wait(first, patience); code != 0 || !strings.Contains(first.text(), "goes on without this agent") {
		t.Errorf("the old agent ended with %d:\n%s", code, first.text())
	}
	broken, err := os.ReadFile(filepath.Join(f.dir, "convergeagent.hcl"))
	must(t, err)
	second := f.configured(string(broken))
	if code := f.wait(second, patience); code != 2 {
		t.Errorf("with a mistake it ends with %d:\n%s", code, second.text())
	}
	f.says(second.text(), "line 4", "mete")
	f.configured(strings.Replace(text, "old", "new", 1))
	f.file("again", "")
	if code := f.wait(move, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, move.text())
	}
	if s := f.node("web-01"); len(f.to("converged")) != 1 || s.Run.Attempt != 1 || s.Run.Outcome != "ok" || !hasLine(s, "after") {
		t.Errorf("runs %+v, status %+v", f.to("converged"), s)
	}
	f.says(f.consul.get("clusters/web/status/web-01"), `"rack": "new"`)
	f.nothingLeft()
}
