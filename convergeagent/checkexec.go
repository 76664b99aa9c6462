package convergeagent

import (
	"context"
	"os"

	"orch/convergeagent/runner"
	"orch/states"
)

// Checks looks at states by programs of the node's own configuration, started as Exec starts them; but a
// check ends with the agent: nobody would ask for its answer.
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
	dir, err := os.MkdirTemp(c.Dir, task.Run.ID+"-*"+folderEnd)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = runner.Forget(dir) }() // what stays is removed before the next run
	attributes, err := writeAttributes(task, dir)
	if err != nil {
		return Result{}, err
	}
	run, err := runner.Start(dir, runner.Task{Cluster: task.Cluster, Node: task.Node, Run: task.Run.ID, Argv: command,
		Env: environment(task, attributes), Timeout: task.Run.Timeout, Cgroup: runner.OwnCgroup(), Parent: os.Getpid()})
	if err != nil {
		return Result{}, err
	}
	result, err := run.Await(ctx, nil)
	if err != nil {
		result = endRun(ctx, run, nil)
	}
	return result, nil
}
