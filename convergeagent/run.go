package convergeagent

import (
	"context"
	"sync/atomic"
	"time"

	"orch/states"
)

// now is the time as documents carry it.
func now() time.Time { return time.Now().UTC().Round(0) }

// next makes the run that a verdict asks for: another try of the last one, or one of its own.
func (a *Agent) next(verdict states.Verdict, last states.Run) states.Run {
	same := last.ID != "" && !last.Terminal
	switch {
	case same && verdict.Run == last.ID:
		return a.runOf(verdict, last.ID, last.Attempt+1)
	case verdict.Run != "":
		return a.runOf(verdict, verdict.Run, 1)
	case same && last.Under != states.UnderOrder && last.Transition == a.accepted.Transition && last.State.Same(verdict.Target):
		return a.runOf(verdict, last.ID, last.Attempt+1)
	}
	return a.runOf(verdict, randomID("r-", 6), 1)
}

func (a *Agent) runOf(verdict states.Verdict, id string, attempt int) states.Run {
	desired := a.accepted
	run := states.Run{ID: id, State: verdict.Target, Transition: desired.Transition, Generation: desired.Generation,
		Under: verdict.Under, Attempt: attempt, Tries: desired.Retries + 1, Timeout: desired.Timeout,
		Drain: states.LongestWait(a.drains(verdict.Under)), Started: now()}
	if verdict.Tries > 0 {
		run.Tries = verdict.Tries
	}
	if order := a.sight.Order; order.OK() && order.Value.Run == id {
		run.Timeout = order.Value.Timeout
	}
	return run
}

// doing is what a run that goes on does at the moment.
type doing struct {
	phase  states.Phase
	reason string
}

// launch lets a claimed run go. Its end comes through a.running; whoever drops that waits for it first.
func (a *Agent) launch(ctx context.Context, run states.Run, from states.State, verdict states.Verdict) {
	end, doings := make(chan states.Run, 1), make(chan doing, 2)
	a.running, a.doings, a.again = end, doings, verdict.Again
	a.doing = doing{states.Converging, verdict.Reason}
	heard := &atomic.Pointer[string]{}
	a.heard, a.line = heard, ""
	task := Task{Cluster: a.Cluster, Node: a.Node, Run: run, From: from,
		Started: func(p Process) error {
			return a.diary.write(func(m memory) memory { m.Process = p; return m })
		},
		Said: func(line string) { heard.Store(&line) },
	}
	drain := &drain{drainer: a.Drainer, diary: a.diary, own: a.Services, run: run, drains: a.drains(run.Under)}
	converging := a.doing
	go func() { // at most two doings: nobody has to wait for the loop
		result, undone := drain.before(ctx, func(phase doing) { doings <- phase })
		began := time.Now()
		if !undone {
			doings <- converging
			result = a.Action.Converge(ctx, task)
		}
		end <- finish(run, began, result)
	}()
}

// listen takes over what the run going on said last. It is asked at each renewal and not at each line:
// what a converge prints must not become load on Consul.
func (a *Agent) listen() {
	if a.running == nil || a.heard == nil {
		return
	}
	if line := a.heard.Load(); line != nil {
		a.line = *line
	}
}

// finish fills in how a run ended.
func finish(run states.Run, began time.Time, result Result) states.Run {
	run.State = run.State.Short()
	run.Ended, run.Seconds = now(), time.Since(began).Round(time.Millisecond).Seconds()
	run.Outcome, run.Exit, run.Signal = result.Outcome, result.Exit, result.Signal
	run.Error, run.Tail, run.Log = states.Clip(clean(result.Error), 300), result.Tail, result.Log
	run.Change = result.Change
	run.Terminal = run.OK() || run.Attempt >= run.Tries
	return run
}

// ended takes the end of the run going on.
func (a *Agent) ended(run states.Run) {
	again := a.again
	a.running, a.doings, a.again, a.lastEnd = nil, nil, "", time.Now()
	a.pace.rest()
	a.Log.Info("run ended", "run", run.ID, "state", run.State, "ending", run.Ending(), "try", run.Attempt, "tries", run.Tries)
	a.owed = func(m memory) memory { return m.end(run, again) }
	a.delays.worked("memory")
	a.delays.worked("restore")
}
