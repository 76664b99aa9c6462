package convergeagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"orch/convergeagent/runner"
	"orch/states"
)

// Exec converges by running a program of the node's own configuration, without a shell, in a process
// that goes on without the agent.
type Exec struct {
	Command func(states.State) ([]string, error) // program and arguments for a state
	Driver  func(states.State) Driver            // of the tool that goes there instead; nil: there is none
	Dir     string                               // for logs, and for what is handed to the program
	LockDir string                               // where all agents of the host meet; empty: the host is not locked
	Tree    bool                                 // contain runs without a cgroup, as where there are none

	mu    sync.Mutex
	going *runner.Run // nil: none is
}

// Fill puts a state and its argument in the place of the arguments that are "${state}" and
// "${argument}", whole arguments only: joined to a text they could become an option or a path that
// nobody thought of.
func Fill(command []string, state states.State) []string {
	filled := make([]string, len(command))
	for i, arg := range command {
		switch {
		case i > 0 && arg == "${state}":
			arg = state.Name
		case i > 0 && arg == "${argument}":
			arg = state.Argument
		}
		filled[i] = arg
	}
	return filled
}

// Converge implements Action.
func (e *Exec) Converge(ctx context.Context, task Task) Result {
	run, blocked, err := e.start(task)
	switch {
	case err != nil:
		return Result{Outcome: states.ExitedBadly, Exit: -1, Error: "could not be started: " + err.Error()}
	case blocked != "":
		return inTheWay(Result{Exit: -1}, blocked)
	}
	return e.await(ctx, run, task)
}

// Adopt implements Action.
func (e *Exec) Adopt(ctx context.Context, task Task) Result {
	run, found := runner.Find(e.folder(task.Run), task.Run.ID)
	if found {
		return e.await(ctx, run, task)
	}
	result := Result{Outcome: states.Interrupted, Exit: -1, Error: "interrupted: its agent ended before anything ran", Free: true}
	switch err := runner.Sweep(ctx, task.Run.ID); {
	case err != nil && ctx.Err() != nil: // the next agent goes on with that
		return Result{}
	case err != nil:
		result.Error, result.Free = err.Error(), false
	}
	return result
}

// Forget implements Action.
func (e *Exec) Forget(run states.Run) { _ = runner.Forget(e.folder(run)) }

// Kill ends the run going on at once, and tells whether there is one. Whoever calls it does not wait for
// the end.
func (e *Exec) Kill() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.going != nil && e.going.Kill()
}

func (e *Exec) hold(run *runner.Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.going = run
}

// await stays with a run to its end, or to the context's.
func (e *Exec) await(ctx context.Context, run *runner.Run, task Task) Result {
	e.hold(run)
	defer e.hold(nil)
	result, err := run.Await(ctx, task.Said)
	if err == nil {
		return result
	}
	if !errors.Is(context.Cause(ctx), ErrEndRun) {
		return Result{}
	}
	return endRun(ctx, run, task.Said)
}

// endRun tells a run to end, and stays with it until it has. A runner that was just started may not hear yet;
// where there is none any more, to end what it left takes its time too.
func endRun(ctx context.Context, run *runner.Run, said func(string)) Result {
	told := false
	for wait := time.Second; ; wait *= 2 {
		told = told || run.End()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait)
		result, err := run.Await(limited, said)
		cancel()
		if err == nil {
			return result
		}
	}
}

// folderEnd ends the name of the folder of a run.
const folderEnd = ".run"

func (e *Exec) folder(run states.Run) string {
	return filepath.Join(e.Dir, fmt.Sprintf("%s-%d%s", run.ID, run.Attempt, folderEnd))
}

// start makes a run's folder, with all that the run is to know, and starts its runner. Blocked says who
// keeps it from running; then nothing is started.
func (e *Exec) start(task Task) (run *runner.Run, blocked string, err error) {
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return nil, "", err
	}
	if err := errors.Join(runner.Tidy(e.Dir, folderEnd), runner.Rotate(e.Dir)); err != nil {
		return nil, "", fmt.Errorf("remove what old runs left: %w", err)
	}
	dir := e.folder(task.Run)
	if err := os.Mkdir(dir, 0o700); err != nil { // one that is there is a run's that goes on
		return nil, "", err
	}
	defer func() {
		if run == nil {
			err = errors.Join(err, runner.Forget(dir))
		}
	}()
	plan, err := e.plan(task, dir)
	if err != nil || plan.blocked != "" {
		return nil, plan.blocked, err
	}
	attributes, err := writeAttributes(task, dir)
	if err != nil {
		return nil, "", fmt.Errorf("write attributes: %w", err)
	}
	job := runner.Task{Cluster: task.Cluster, Node: task.Node, Run: task.Run.ID, Tool: plan.tool, Argv: plan.argv,
		Title:   fmt.Sprintf("%s run %s try %d of %d", task.Run.State, task.Run.ID, task.Run.Attempt, task.Run.Tries),
		Env:     append(environment(task, attributes), plan.env...),
		Timeout: task.Run.Timeout, Log: filepath.Join(e.Dir, task.Run.ID+".log"), LockDir: e.LockDir}
	if !e.Tree {
		job.Cgroup = runner.OwnCgroup()
	}
	run, err = runner.Start(dir, job)
	return run, "", err
}

// writeAttributes hands the state's attributes over in a file that only the node's owner reads.
func writeAttributes(task Task, dir string) (string, error) {
	attributes := task.Run.State.Attributes
	if attributes == nil {
		attributes = map[string]string{}
	}
	text, err := json.MarshalIndent(attributes, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "attributes.json")
	return path, os.WriteFile(path, append(text, '\n'), 0o600)
}

// environment is scrubbed: what the agent itself was started with, its token above all, is nobody's
// business.
func environment(task Task, attributes string) []string {
	run := task.Run
	env := []string{
		"ORCH_CLUSTER=" + task.Cluster, "ORCH_NODE=" + task.Node,
		"ORCH_STATE=" + run.State.Name, "ORCH_ARGUMENT=" + run.State.Argument, "ORCH_FROM=" + from(task.From),
		"ORCH_GENERATION=" + strconv.FormatUint(run.Generation, 10), "ORCH_RUN=" + run.ID,
		"ORCH_ATTRIBUTES=" + attributes,
	}
	for name, otherwise := range map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home(), "LANG": "", "TMPDIR": "",
	} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		} else if otherwise != "" {
			env = append(env, name+"="+otherwise)
		}
	}
	return env
}

// home is as it was given, or this user's own: a service manager gives none to what root runs.
func home() string {
	if given := os.Getenv("HOME"); given != "" {
		return given
	}
	me, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		return ""
	}
	return me.HomeDir
}

func from(state states.State) string {
	if state.None() {
		return ""
	}
	return state.String()
}
