package runner

import (
	"context"
	"syscall"
	"time"

	"orch/states"
)

// attend waits for the end of the converge, or makes it, and for that of all that it started.
func (r *runner) attend(ctx context.Context, box *box, timeout time.Duration) Result {
	rush, calm := context.WithCancel(context.Background())
	defer calm()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-r.hurry:
			calm()
		case <-over:
		}
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	final := Result{Outcome: states.TimedOut}
	select {
	case status := <-box.exited:
		r.left = box.leave(rush)
		return judge(status)
	case <-timer.C:
	case <-ctx.Done():
		final = Result{Outcome: states.Interrupted, Error: toldToEnd}
	}
	box.end(rush, states.KillGrace(r.task.Timeout).D())
	status := <-box.exited
	final.Exit, final.Signal = status.ExitStatus(), signalName(status)
	return final
}

const toldToEnd = "somebody told it to end"

// judge says how the converge ended by itself.
func judge(status syscall.WaitStatus) Result {
	switch {
	case status.Signaled():
		return Result{Outcome: states.Killed, Exit: -1, Signal: signalName(status)}
	case status.ExitStatus() != 0:
		return Result{Outcome: states.ExitedBadly, Exit: status.ExitStatus()}
	}
	return Result{Outcome: states.Succeeded}
}
