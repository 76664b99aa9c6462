package convergeagent

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"orch/states"
)

// Checks looks at states by programs of the node's own configuration, started as Exec starts them.
type Checks struct {
	How func(states.State) (Check, []string, bool) // how a state is looked at, and by what; false: it is not
	Dir string                                     // for what is handed to the program
}

// Of implements Checker.
func (c *Checks) Of(state states.State) (Check, bool) {
	check, _, checked := c.How(state)
	return check, checked
}

// Look implements Checker.
func (c *Checks) Look(ctx context.Context, task Task) Result {
	result, err := c.look(ctx, task)
	if err != nil {
		return Result{Outcome: states.ExitedBadly, Exit: -1, Error: "it could not be started: " + err.Error()}
	}
	return result
}

func (c *Checks) look(ctx context.Context, task Task) (Result, error) {
	_, command, _ := c.How(task.Run.State)
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return Result{}, err
	}
	attributes, err := (&Exec{Dir: c.Dir}).writeAttributes(task)
	if err != nil {
		return Result{}, err
	}
	defer os.Remove(attributes)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = environment(task, attributes)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(cmd.SysProcAttr)
	runtime.LockOSThread() // it dies with the thread that started it, which must not end before it
	defer runtime.UnlockOSThread()
	return watched(ctx, cmd, task, io.Discard)
}
