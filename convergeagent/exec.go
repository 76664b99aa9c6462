package convergeagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"orch/states"
)

// Exec converges by running a program of the node's own configuration, without a shell.
type Exec struct {
	Command func(states.State) ([]string, error) // program and arguments for a state
	Driver  func(states.State) Driver            // of the tool that goes there instead; nil: there is none
	Dir     string                               // for logs, and for what is handed to the program
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
	path := filepath.Join(e.Dir, task.Run.ID+".log")
	result, err := e.converge(ctx, task, path)
	if err != nil {
		return Result{Outcome: states.ExitedBadly, Exit: -1, Error: "could not be started: " + err.Error(), Log: path}
	}
	result.Log = path
	return result
}

func (e *Exec) converge(ctx context.Context, task Task, path string) (result Result, err error) {
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return result, err
	}
	plan, done, err := e.plan(task)
	if err != nil {
		return result, err
	}
	defer done()
	if err := rotate(e.Dir, logRuns-1); err != nil {
		return result, fmt.Errorf("remove old logs: %w", err)
	}
	attributes, err := e.writeAttributes(task)
	if err != nil {
		return result, fmt.Errorf("write attributes: %w", err)
	}
	defer os.Remove(attributes)
	title := fmt.Sprintf("%s run %s try %d of %d", task.Run.State, task.Run.ID, task.Run.Attempt, task.Run.Tries)
	log, err := openLog(path, title)
	if err != nil {
		return result, fmt.Errorf("open log: %w", err)
	}
	defer func() { // a log that cannot be written costs the log, not the run
		if closing := log.close(ending(result, err)); closing != nil && result.Error == "" {
			result.Error = "its log is not whole: " + closing.Error()
		}
	}()
	if plan.blocked != "" {
		return blocked(Result{Exit: -1}, plan.blocked), nil
	}
	cmd := exec.Command(plan.argv[0], plan.argv[1:]...)
	cmd.Env = append(environment(task, attributes), plan.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	result, err = watched(ctx, cmd, plan.listens(task), log)
	if err == nil && plan.judge != nil {
		result = plan.judge(result)
	}
	return result, err
}

func ending(result Result, err error) string {
	if err != nil {
		return "could not be started: " + err.Error()
	}
	run := states.Run{Outcome: result.Outcome, Exit: result.Exit, Signal: result.Signal, Error: result.Error}
	text, _, _ := strings.Cut(run.Ending(), " after ") // the run's times are in the status
	return text
}

// attributesFile ends the name of the file with a run's attributes.
const attributesFile = ".attributes.json"

// writeAttributes hands the state's attributes over in a file that only the node's owner reads.
func (e *Exec) writeAttributes(task Task) (string, error) {
	attributes := task.Run.State.Attributes
	if attributes == nil {
		attributes = map[string]string{}
	}
	text, err := json.MarshalIndent(attributes, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(e.Dir, task.Run.ID+attributesFile)
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
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "", "LANG": "", "TMPDIR": "",
	} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		} else if otherwise != "" {
			env = append(env, name+"="+otherwise)
		}
	}
	return env
}

func from(state states.State) string {
	if state.None() {
		return ""
	}
	return state.String()
}

// drainTime is how long output is read after everything of the run has ended: only a daemon, in a
// session of its own, can still hold the pipe then.
const drainTime = time.Second

// watched starts the command and stays with it to its end and that of its process group.
func watched(ctx context.Context, cmd *exec.Cmd, task Task, log io.Writer) (Result, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return Result{}, err
	}
	defer reader.Close()
	cmd.Stdout, cmd.Stderr = writer, writer // files both: exec starts nothing that reads for us
	err = cmd.Start()
	if closing := writer.Close(); err == nil && closing != nil {
		err = closing
	}
	if err != nil {
		return Result{}, err
	}
	lines := &tail{said: task.Said}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.CopyBuffer(io.MultiWriter(log, lines), onlyReader{reader}, make([]byte, 64<<10))
	}()
	result := attend(ctx, cmd, task)
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-drained:
	case <-timer.C:
		_ = reader.SetReadDeadline(time.Now()) // wakes the copy
		<-drained
	}
	result.Tail = lines.last()
	return result, nil
}

// onlyReader hides every other method, so that a copy goes through our buffer and stays flat.
type onlyReader struct{ io.Reader }

// attend waits for the end of the process, ends it where it must, and sweeps up after it.
func attend(ctx context.Context, cmd *exec.Cmd, task Task) Result {
	group := cmd.Process.Pid
	exited := make(chan struct{})
	var waiting error
	go func() {
		defer close(exited)
		if waiting = awaitExit(group); waiting != nil {
			waiting = cmd.Wait() // it cannot be awaited without being reaped here
		}
	}()
	stopped := persuade(ctx, exited, group, task)
	<-exited
	_ = signalGroup(group, syscall.SIGKILL) // its number is still its own: it was not reaped
	if cmd.ProcessState == nil {
		_ = cmd.Wait()
	}
	for !awaitGone(context.WithoutCancel(ctx), group, afterKill) {
		// What the kernel cannot end now still runs, and so does this run: the next would overlap it.
	}
	return judge(cmd.ProcessState, stopped)
}

// stop is why the agent ended a run itself; without an outcome it did not.
type stop struct {
	outcome states.Outcome
	why     string
}

// persuade returns when the process has ended by itself, or was told to end and then made to.
func persuade(ctx context.Context, exited <-chan struct{}, group int, task Task) stop {
	timeout := time.NewTimer(task.Run.Timeout.D())
	defer timeout.Stop()
	reason := stop{states.ExitedBadly, "it could not be written down, and was ended"}
	if note(group, task) == nil {
		select {
		case <-exited:
			return stop{}
		case <-timeout.C:
			reason = stop{outcome: states.TimedOut}
		case <-ctx.Done():
			reason = stop{states.Interrupted, "the agent was told to stop"}
		}
	}
	doomed := family(group)
	_ = signalGroup(group, syscall.SIGTERM)
	until := time.Now().Add(states.KillGrace(task.Run.Timeout).D())
	grace := time.NewTimer(time.Until(until))
	defer grace.Stop()
	select {
	case <-exited: // a shell goes at once; what it had started has the same grace
		awaitGone(context.WithoutCancel(ctx), group, time.Until(until))
	case <-grace.C:
		doomed = append(doomed, family(group)...) // while the tree still holds together
		_ = signalGroup(group, syscall.SIGKILL)
	}
	killAll(context.WithoutCancel(ctx), doomed)
	return reason
}

func note(pid int, task Task) error {
	process, err := identify(pid)
	if err != nil {
		return err
	}
	return task.Started(process)
}

// judge says how a process ended.
func judge(state *os.ProcessState, stopped stop) Result {
	status, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return Result{Outcome: states.ExitedBadly, Exit: -1, Error: errors.New("its end is unknown").Error()}
	case stopped.outcome != "":
		return Result{Outcome: stopped.outcome, Exit: state.ExitCode(), Error: stopped.why, Signal: signalName(status)}
	case status.Signaled():
		return Result{Outcome: states.Killed, Exit: -1, Signal: signalName(status)}
	case state.ExitCode() != 0:
		return Result{Outcome: states.ExitedBadly, Exit: state.ExitCode()}
	}
	return Result{Outcome: states.Succeeded}
}

func signalName(status syscall.WaitStatus) string {
	if !status.Signaled() {
		return ""
	}
	return unix.SignalName(status.Signal())
}
