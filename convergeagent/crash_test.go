//go:build linux

package convergeagent

import (
	"encoding/json"
	"fmt"
	"orch/convergeagent/runner"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
)

// crashScript leaves a child and a grandchild that ignore being told to end.
func crashScript(dir string) string {
	return `trap '' TERM; (trap '' TERM; echo $$ > ` + dir + `/child; while ` + turn + `; do sleep 0.05; done) &
		(setsid sh -c 'trap "" TERM; echo $$ > ` + dir + `/daemon; while ` + turn + `; do sleep 0.05; done' &)
		echo $$ > ` + dir + `/leader; echo run >> ` + dir + `/trace; echo "it began"
		while ! test -e ` + dir + `/mended && ` + turn + `; do sleep 0.05; done; echo "it ended"`
}

// TestHelperAgent is no test: it is the process that is killed.
func TestHelperAgent(t *testing.T) {
	dir := os.Getenv("AGENT_TO_BE_KILLED")
	if dir == "" {
		t.Skip("only as another test's process")
	}
	r := rigIn(t, dir, crashScript(dir))
	d := desired(1, "converged")
	d.Retries = 1
	r.want(d)
	r.start()
	time.Sleep(time.Minute)
}

// crashed starts an agent in a process of its own, and kills that in mid-run.
func crashed(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Cleanup(func() { endRuns(t, dir) })
	agent := exec.Command(os.Args[0], "-test.run=^TestHelperAgent$")
	agent.Env = append(os.Environ(), "AGENT_TO_BE_KILLED="+dir)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it runs", func() bool {
		return len(lines(dir+"/child")) == 1 && len(lines(dir+"/leader")) == 1 && len(lines(dir+"/daemon")) == 1
	}, func() string { return fmt.Sprint(lines(dir + "/trace")) })
	if err := agent.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait()
	return dir
}

// endRuns ends what a test that failed leaves going.
func endRuns(t *testing.T, dir string) {
	runners, _ := filepath.Glob(dir + "/runs/*/runner.json")
	for _, path := range runners {
		if pid := runnerOf(t, path); pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
			eventually(t, "the runner ends", func() bool { return !alive(pid) }, func() string { return path })
		}
	}
}

// runnerOf reads who the runner of a run is; 0: nobody is.
func runnerOf(t *testing.T, path string) int {
	var mark struct{ PID int }
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &mark) != nil || !alive(mark.PID) {
		return 0
	}
	return mark.PID
}

// again starts another agent with the state directory of one that was killed.
func again(t *testing.T, dir string) *rig {
	t.Helper()
	r := rigIn(t, dir, crashScript(dir))
	d := desired(1, "converged")
	d.Retries = 1
	r.want(d)
	r.start()
	return r
}

func mended(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(dir+"/mended", nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCrashInMidRun(t *testing.T) {
	t.Parallel()
	dir := crashed(t)
	before := memoryOf(t, dir)
	r := again(t, dir)
	r.until("adopted", func(s states.Status) bool {
		return s.Phase == states.Converging && strings.Contains(s.Reason, before.Last.ID) && strings.Join(s.Run.Tail, "") == "it began"
	})
	mended(t, dir)
	s := r.settled("converged")
	if s.Run.ID != before.Last.ID || s.Run.Attempt != 1 || !s.Run.OK() || !strings.Contains(strings.Join(s.Run.Tail, "\n"), "it ended") || s.Instance != before.Instance {
		t.Errorf("after %s it reports %s", before.Last.ID, text(s))
	}
	onlyOnce(t, dir)
}

// onlyOnce checks that a run was started once, and that nothing of it is left.
func onlyOnce(t *testing.T, dir string) {
	t.Helper()
	if got := lines(dir + "/trace"); len(got) != 1 {
		t.Errorf("it ran %d times", len(got))
	}
	for _, name := range []string{"child", "daemon", "leader"} {
		gone(t, dir+"/"+name)
	}
	if left, _ := filepath.Glob(dir + "/runs/*.run"); len(left) > 0 {
		t.Errorf("left is %s", left)
	}
}

func TestARunThatEndedWhileNoAgentWasThere(t *testing.T) {
	t.Parallel()
	dir := crashed(t)
	mended(t, dir)
	eventually(t, "the result", func() bool {
		found, _ := filepath.Glob(dir + "/runs/*/result.json")
		return len(found) == 1
	}, func() string { return "" })
	s := again(t, dir).settled("converged")
	if s.Run.Attempt != 1 || !s.Run.OK() || s.Run.Seconds <= 0 || !strings.Contains(strings.Join(s.Run.Tail, "\n"), "it ended") {
		t.Errorf("it reports %s", text(s))
	}
	onlyOnce(t, dir)
}

func TestTheRunnerIsKilledToo(t *testing.T) {
	t.Parallel()
	dir := crashed(t)
	runners, _ := filepath.Glob(dir + "/runs/*/runner.json")
	if err := syscall.Kill(runnerOf(t, runners[0]), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	old := strings.Join(slices.Concat(lines(dir+"/leader"), lines(dir+"/child"), lines(dir+"/daemon")), "\n")
	if err := os.WriteFile(dir+"/old", []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	mended(t, dir)
	r := again(t, dir)
	s := r.settled("converged")
	if s.Run.Attempt != 2 || s.Run.Tries != 2 {
		t.Errorf("it reports %s", text(s))
	}
	gone(t, dir+"/old")
	log, err := os.ReadFile(s.Run.Log)
	if err != nil || !strings.Contains(string(log), "it began\n") || !strings.Contains(string(log), "--- interrupted: its runner was killed ---") {
		t.Errorf("%v: its log says %s", err, log)
	}
}

// What the node went down under is no failure of the run: it is told, and tried again.
func TestARebootUsesUpNoTry(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	m := memory{Schema: states.Schema, Cluster: "web", Node: "web-01", Instance: "i-1", Attempting: states.State{Name: "converged"},
		Last: states.Run{ID: "r-1", State: states.State{Name: "converged"}, Transition: "t-1", Attempt: 1, Tries: 1, Under: states.UnderOpen}}
	save(t, r.config.StateDir, m)
	dir := filepath.Join(r.config.StateDir, "runs", "r-1-1.run")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(r.config.StateDir, "runs", "r-1.log")
	task := `{"schema": 1, "run": "r-1", "boot": "yesterday's", "log": "` + log + `"}`
	for path, text := range map[string]string{dir + "/task.json": task, dir + "/runner.json": `{"schema": 1, "run": "r-1", "pid": 1, "boot": "yesterday's"}`, log: "--- it began ---\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := desired(1, "converged")
	r.want(d)
	r.start()
	s := r.settled("converged")
	if s.Run.ID != "r-1" || s.Run.Attempt != 2 || s.Run.Tries != 2 {
		t.Errorf("it reports %s", text(s))
	}
	if text, _ := os.ReadFile(log); !strings.Contains(string(text), "--- interrupted by a reboot of the node ---") {
		t.Errorf("its log says %s", text)
	}
}

func TestACrashOnTheLastTryIsTheEndOfIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	d := closed(desired(1, "converged"))
	r.want(d)
	r.start()
	r.until("waiting", func(s states.Status) bool { return s.Generation == 1 })
	r.order(d, "run-1")
	r.settled("converged")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	m := memoryOf(t, r.config.StateDir)
	m.Last.Outcome, m.Last.Terminal, m.Attempting, m.Last.Ended = "", false, m.State, time.Time{}
	save(t, r.config.StateDir, m)
	dir := filepath.Join(r.config.StateDir, "runs", "run-1-1.run")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	task := fmt.Sprintf(`{"schema": 1, "run": "run-1", "boot": %q}`, runner.BootID())
	mark := fmt.Sprintf(`{"schema": 1, "run": "run-1", "pid": %d, "start": 1, "boot": %q}`, os.Getpid(), runner.BootID()) // a number that is somebody else's by now
	for name, text := range map[string]string{"task.json": task, "runner.json": mark} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.start()
	s := r.until("failed", func(s states.Status) bool { return s.Phase == states.Failed })
	if s.Run.Outcome != states.Interrupted || !s.Run.Terminal || s.Failed.ID != "run-1" || s.Run.Error != "interrupted: its runner was killed" {
		t.Errorf("it reports %s", text(s))
	}
}

func TestAStateDirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Log("root may write everywhere; the directory is taken away instead")
	}
	r := newRig(t, "exit 0")
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	away := r.config.StateDir + ".away"
	if err := os.Rename(r.config.StateDir, away); err != nil {
		t.Fatal(err)
	}
	r.want(desired(2, "off"))
	s := r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing })
	if s.Generation != 1 || s.State.Name != "converged" {
		t.Errorf("it reports %s", text(s))
	}
	if err := os.Rename(away, r.config.StateDir); err != nil {
		t.Fatal(err)
	}
	r.settled("off")
}
