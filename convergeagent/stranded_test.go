//go:build linux

package convergeagent

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/convergeagent/runner"
	"orch/states"
	"orch/states/store"
)

// stranded starts a run that goes on until it is mended, and gives who its runner is. Its agent has left.
func stranded(t *testing.T) (e *Exec, task Task, dir string, runner int) {
	t.Helper()
	return strandedBy(t, `echo run >> DIR/trace; while ! test -e DIR/mended && `+turn+`; do sleep 0.05; done`)
}

// strandedBy does so by a script that writes to DIR/trace once it may be told to end.
func strandedBy(t *testing.T, script string) (e *Exec, task Task, dir string, runner int) {
	t.Helper()
	dir = t.TempDir()
	e = shell(dir, strings.ReplaceAll("echo $$ > DIR/leader; "+script, "DIR", dir))
	task = Task{Run: states.Run{ID: randomID("r-", 6), State: states.State{Name: "on"}, Attempt: 1, Tries: 1, Timeout: states.Duration(time.Minute)}}
	left := make(chan Result, 1)
	ctx, leave := context.WithCancel(t.Context())
	go func() { left <- e.Converge(ctx, task) }()
	eventually(t, "it runs", func() bool { return len(lines(dir+"/trace")) > 0 }, func() string { return "" })
	runner = runnerOf(t, filepath.Join(e.folder(task.Run), "runner.json"))
	leave()
	<-left
	if runner == 0 { // whoever signals it would signal its own group
		t.Fatal("nothing says who the runner is")
	}
	t.Cleanup(func() { _ = syscall.Kill(runner, syscall.SIGQUIT) })
	return e, task, dir, runner
}

// A state directory that was put back from a backup knows nothing of a run that goes on. Trying that once more
// leaves it alone: its folder is how its end is told.
func TestARunThatGoesOnKeepsItsFolder(t *testing.T) {
	t.Parallel()
	e, task, dir, runner := stranded(t)
	if got := e.Converge(t.Context(), task); got.Outcome != states.ExitedBadly {
		t.Errorf("it gives %+v", got)
	}
	if _, err := os.Stat(filepath.Join(e.folder(task.Run), "task.json")); err != nil {
		t.Error(err)
	}
	mended(t, dir)
	eventually(t, "the runner ends", func() bool { return !alive(runner) }, func() string { return "it is alive" })
}

// Whoever takes a state directory away leaves no runner behind that tries for ever to say how its run ended.
func TestARunnerWhoseFolderIsGoneEnds(t *testing.T) {
	t.Parallel()
	e, task, dir, runner := stranded(t)
	if err := os.RemoveAll(e.folder(task.Run)); err != nil {
		t.Fatal(err)
	}
	mended(t, dir)
	eventually(t, "the runner ends", func() bool { return !alive(runner) }, func() string { return "it tries to write its result" })
}

// What is left of a run whose runner was killed is ended also where nobody can read what it was to do.
func TestWhatIsLeftOfARunThatNobodyKnows(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(task string) error{
		"its task is broken":            func(task string) error { return os.WriteFile(task, []byte("{"), 0o600) },
		"its task is a later version's": func(task string) error { return os.WriteFile(task, []byte(`{"schema": 99}`), 0o600) },
		"its folder is empty but for a broken task": func(task string) error {
			return errors.Join(os.Remove(filepath.Join(filepath.Dir(task), "runner.json")), os.WriteFile(task, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, task, dir, runner := stranded(t)
			if err := syscall.Kill(runner, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := damage(filepath.Join(e.folder(task.Run), "task.json")); err != nil {
				t.Fatal(err)
			}
			if got := e.Adopt(t.Context(), task); got.Outcome != states.Interrupted || !strings.Contains(got.Error, "its task is of no use") {
				t.Errorf("it gives %+v", got)
			}
			gone(t, dir+"/leader")
		})
	}
}

// An agent whose name is another's by now goes at once, and leaves its run going: nobody waits for hours to be
// told that the name is taken.
func TestARunHoldsNobodyUpWhoseNameIsTaken(t *testing.T) {
	t.Parallel()
	_, task, dir, runner := stranded(t)
	task.Run.Under, task.Run.Transition, task.Run.Started = states.UnderOpen, "t-1", now()
	save(t, dir, memory{Schema: states.Schema, Cluster: "web", Node: "web-01", Instance: "i-1"}.begin(task.Run, ""))
	r := rigIn(t, dir, "exit 0")
	other := store.NewAgent(r.kv.Client(), keys, "web", "web-01")
	if _, err := other.Enlist(t.Context(), "", states.Status{Schema: states.Schema, Instance: "i-2"}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx := t.Context()
	go func() { ended <- New(r.config).Run(ctx) }()
	var taken *states.TakenError
	select {
	case err := <-ended:
		if !errors.As(err, &taken) {
			t.Errorf("it says %v", err)
		}
	case <-time.After(8 * time.Second):
		mended(t, dir)
		t.Errorf("it waits for its run, and says at last: %v", <-ended)
	}
	if m := memoryOf(t, dir); !m.Last.Going() || !alive(runner) {
		t.Errorf("its run is %s", text(m.Last))
	}
}

// A machine that goes down in order has every process end: the runner lives to say that it was told to, and the
// converge's own end may come first. Neither is a failure of the run.
func TestAnOrderlyRebootUsesUpNoTry(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"killed":             `echo run >> DIR/trace; sleep 60`,
		"failed":             `trap 'exit 1' TERM; echo run >> DIR/trace; while ` + turn + `; do sleep 0.02; done`,
		"failed by itself":   `trap 'kill $PPID; exit 1' TERM; echo run >> DIR/trace; while ` + turn + `; do sleep 0.02; done`,
		"killed by somebody": `trap 'kill $PPID; kill -9 $$' TERM; echo run >> DIR/trace; while ` + turn + `; do sleep 0.02; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, task, dir, runner := strandedBy(t, script)
			first := runner
			if strings.Contains(name, "by") {
				first, _ = strconv.Atoi(lines(dir + "/leader")[0])
			}
			if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			afterReboot(t, e.folder(task.Run), runner)
			if got := e.Adopt(t.Context(), task); got.Outcome != states.Interrupted || !got.Free || got.Error != "interrupted by a reboot of the node" {
				t.Errorf("it gives %+v", got)
			}
		})
	}
}

// afterReboot waits for a run's end, and has it be one of before the machine was started.
func afterReboot(t *testing.T, folder string, pid int) {
	t.Helper()
	eventually(t, "the runner ends", func() bool { return !alive(pid) }, func() string { return "" })
	path := filepath.Join(folder, "result.json")
	result, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(result), runner.BootID(), "yesterday's", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Two agents of one host look at their nodes at the same time: what is left of the one's check is not the other's.
func TestChecksOfOneHostAreToldApart(t *testing.T) {
	t.Parallel()
	one, other := t.TempDir(), t.TempDir()
	look := func(dir string) chan Result {
		checks := &Checks{Dir: dir, How: func(states.State) (Check, []string, bool) {
			return Check{}, []string{"/bin/sh", "-c", "echo $PPID > " + dir + "/runner; while ! test -e " + dir + "/mended && " + turn + "; do sleep 0.02; done"}, true
		}}
		found, ctx := make(chan Result, 1), t.Context()
		go func() {
			found <- checks.Look(ctx, checkTask("web", "web-01", states.Desired{}, Check{Timeout: time.Minute}))
		}()
		eventually(t, "it looks", func() bool { return len(lines(dir+"/runner")) == 1 }, func() string { return "" })
		return found
	}
	first, second := look(one), look(other)
	pid, _ := strconv.Atoi(lines(one + "/runner")[0])
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := <-first; got.Outcome != states.Interrupted {
		t.Errorf("the one gives %+v", got)
	}
	mended(t, other)
	if got := <-second; !got.OK() {
		t.Errorf("the other gives %+v", got)
	}
}

// A folder's name is no pattern: what old runs left in it is found, and removed.
func TestLeftoversInAFolderOfAnOddName(t *testing.T) {
	t.Parallel()
	e := shell(filepath.Join(t.TempDir(), "of [web]*"), "exit 0")
	left := filepath.Join(e.Dir, "r-0-1.run")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := e.Converge(t.Context(), Task{Run: states.Run{ID: "r-1", Attempt: 1, Timeout: states.Duration(time.Minute)}}); !got.OK() {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
}

// Who ends the agent and its run, and then loses patience with the runner, has both end all the same: what is
// left of the run is killed, also where it does not hear.
func TestEndingARunWhoseRunnerIsKilled(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]bool{"before it is told": true, "after it was told": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, task, dir, runner := strandedBy(t, `exec > /dev/null 2>&1; trap 'echo told >> DIR/told' TERM; echo run >> DIR/trace; while `+turn+`; do sleep 0.05; done`)
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan Result, 1)
			if first {
				cancel(ErrEndRun)
				do(t, syscall.Kill(runner, syscall.SIGKILL))
			}
			go func() { ended <- e.Adopt(ctx, task) }()
			if cancel(ErrEndRun); !first {
				eventually(t, "it is told", func() bool { return len(lines(dir+"/told")) > 0 }, func() string { return "" })
				do(t, syscall.Kill(runner, syscall.SIGKILL))
			}
			select {
			case got := <-ended:
				if got.Outcome != states.Interrupted {
					t.Errorf("it gives %+v", got)
				}
			case <-time.After(10 * time.Second):
				t.Error("it never ends")
				_ = syscall.Kill(number(t, dir+"/leader"), syscall.SIGKILL)
				<-ended
			}
			gone(t, dir+"/leader")
		})
	}
}

func number(t *testing.T, path string) int {
	t.Helper()
	pid, err := strconv.Atoi(lines(path)[0])
	do(t, err)
	return pid
}

// An agent that is told to stop while it ends what is left of a run does not know that it has: the next one does so.
func TestWhatIsLeftIsTheNextAgentsWork(t *testing.T) {
	t.Parallel()
	e := shell(t.TempDir(), "exit 0")
	task := Task{Run: states.Run{ID: randomID("r-", 6), Attempt: 1, Tries: 1}}
	left := exec.Command("/bin/sleep", "60")
	left.Env = []string{"ORCH_RUN=" + task.Run.ID}
	do(t, left.Start())
	t.Cleanup(func() { _ = left.Process.Kill(); _ = left.Wait() })
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if got := e.Adopt(ctx, task); got.Outcome != "" {
		t.Errorf("it says that it ended: %+v", got)
	}
	if got := e.Adopt(t.Context(), task); got.Outcome != states.Interrupted || !got.Free {
		t.Errorf("the next one gives %+v", got)
	}
	if alive(left.Process.Pid) {
		t.Error("it is alive")
	}
}
