package convergeagent

import (
	"context"

	"orch/states"
)

// Action brings the node to a state. It is the only thing that touches the node.
type Action interface {
	// Converge returns when the run has ended and nothing of it is alive any more. When the context
	// ends it ends the run, gracefully first. The task's timeout is its to keep.
	Converge(ctx context.Context, task Task) Result
	// Bury makes sure that nothing is alive of a run that an earlier process of the agent started.
	// The process is as that was noted; the zero one: nobody knows it.
	Bury(ctx context.Context, process Process, run states.Run) error
}

// Task is what one run is to do.
type Task struct {
	Cluster string
	Node    string
	Run     states.Run   // id, target with its attributes, attempt, timeout
	From    states.State // the last state that was reached
	// Started is called once, as soon as there is a process, so that it can be found again by
	// another process of the agent. Where it fails the run is ended.
	Started func(Process) error
	// Said is called with every line of output, cleaned; it returns at once. Nil: nobody listens.
	Said func(line string)
}

// Result is how a run ended.
type Result struct {
	Outcome states.Outcome
	Exit    int
	Signal  string
	Error   string
	Tail    []string // the last lines of output, clean
	Log     string   // path of the whole output
	Change  string   // Changed or Unchanged, where the tool says so
}

// OK tells whether the run did what it should.
func (r Result) OK() bool { return r.Outcome == states.Succeeded }

// Process identifies a process for ever: a number is used again, and counted anew at each boot.
type Process struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // in ticks since the boot
	Boot  string `json:"boot"`
}
