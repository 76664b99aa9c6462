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
	final := Result{Outcome: states.TimedOut}
	select {
	case status := <-box.exited:
		r.left = box.leave(rush)
		return judge(status)
	case <-overdue(over, uptime, timeout):
	case <-ctx.Done():
		final = Result{Outcome: states.Interrupted, Error: toldToEnd}
	}
	box.end(rush, states.KillGrace(r.task.Timeout).D())
	status := <-box.exited
	final.Exit, final.Signal = status.ExitStatus(), signalName(status)
	return final
}

// overdue gives what is closed when so much time is over, the time in which the machine slept among it: whoever
// leads counted that too, and took the run for lost. Nobody looks any more once ended is closed.
func overdue(ended <-chan struct{}, clock func() time.Duration, timeout time.Duration) <-chan struct{} {
	over, begun := make(chan struct{}), clock()
	go func() {
		for left := timeout; left > 0; left = timeout - (clock() - begun) {
			timer := time.NewTimer(min(left, sleepTime))
			select {
			case <-timer.C:
			case <-ended:
				timer.Stop()
				return
			}
		}
		close(over)
	}()
	return over
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
