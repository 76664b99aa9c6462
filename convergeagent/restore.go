package convergeagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"orch/states"
)

// restore takes out of maintenance what this agent put there for a run, once the node is at a state.
// Until a run succeeds it stays drained.
func (a *Agent) restore(ctx context.Context) {
	m := a.diary.read()
	if len(m.Drained) == 0 || !m.Attempting.None() {
		a.stuck = ""
		return
	}
	if !a.delays.ready("restore") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a.stuck = ""
	for _, note := range m.Drained {
		if err := a.giveBack(ctx, note); err != nil {
			a.delays.later("restore")
			a.stuck = fmt.Sprintf("service %s stays in maintenance until it can be taken out: %s", note.Service, restoreProblem(err))
			a.Log.Warn("a service stays in maintenance; it is tried again", "instance", note.Instance, "error", err)
		}
	}
	if a.stuck == "" {
		a.delays.worked("restore")
	}
}

// giveBack takes an instance out of maintenance if it is there by this very note: what somebody put
// in its place is theirs, and the note is dropped.
func (a *Agent) giveBack(ctx context.Context, note drained) error {
	instances, err := a.Drainer.Instances(ctx, note.Service)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(instances, note.holds) {
		if err := a.Drainer.Restore(ctx, note.Instance); err != nil {
			return err
		}
		a.Log.Info("out of maintenance", "instance", note.Instance)
	} else {
		a.Log.Info("not in maintenance by this agent any more, and left alone", "instance", note.Instance)
	}
	return a.diary.write(func(m memory) memory { return m.dropping(note.Instance) })
}

// restoreProblem words why an instance stays where it is, without what changes from try to try.
func restoreProblem(err error) string {
	var file *fs.PathError
	switch {
	case errors.Is(err, states.ErrDenied):
		return "its token may not"
	case errors.Is(err, states.ErrUnavailable), errors.Is(err, states.ErrUnknownOutcome):
		return "consul does not answer"
	case errors.As(err, &file):
		return "the state directory cannot be written"
	}
	return "consul refuses"
}
