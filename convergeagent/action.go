package convergeagent

import (
	"context"
	"errors"

	"orch/convergeagent/runner"
	"orch/states"
)

// Action brings the node to a state. It is the only thing that touches the node.
//
// A run outlives the agent: where the context ends before the run, it is left going, and the result has
// no outcome. Only a context whose cause is ErrEndRun ends the run first, gracefully.
type Action interface {
	// Converge starts a run, and returns when it has ended and nothing of it is alive any more. The
	// task's timeout is the run's to keep.
	Converge(ctx context.Context, task Task) Result
	// Adopt does so for a run that an earlier process of the agent started, or was about to. Where that
	// is gone without a result it makes sure that nothing of it is alive.
	Adopt(ctx context.Context, task Task) Result
	// Forget drops what is kept for Adopt: how the run ended is written down.
	Forget(run states.Run)
}

// ErrEndRun is the cause of a context whose end is that of the run too.
var ErrEndRun = errors.New("told to end the run too")

// Task is what one run is to do.
type Task struct {
	Cluster string
	Node    string
	Run     states.Run   // id, target with its attributes, attempt, timeout
	From    states.State // the last state that was reached
	// Said is called with the last line of output, cleaned, now and then; it returns at once. Nil:
	// nobody listens.
	Said func(line string)
}

// Result is how a run ended; without an outcome it has not.
type Result = runner.Result
