package convergeagent

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"orch/states"
)

// now is the time as documents carry it.
func now() time.Time { return dated(time.Now()) }

func dated(at time.Time) time.Time { return at.UTC().Round(0) }

// now is the time by the clock of this host, which somebody may set: for what is shown, and for what is
// to end at a time of day. Whatever lasts for a while is measured otherwise.
func (a *Agent) now() time.Time { return dated(a.Clock()) }

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
		Drain: states.LongestWait(a.drains(verdict.Under)), Started: a.now()}
	if verdict.Tries > 0 {
		run.Tries = verdict.Tries
	}
	run.Tries = max(run.Tries, attempt)
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

// launch lets a claimed run go.
func (a *Agent) launch(ctx context.Context, run states.Run, from states.State, verdict states.Verdict) {
	drain := &drain{drainer: a.Drainer, diary: a.diary, own: a.Services, run: run, drains: a.drains(run.Under), now: a.now, out: a.knownOut}
	converging := doing{states.Converging, verdict.Reason}
	a.attend(run, from, converging, func(task Task, tell func(doing)) Result {
		result, undone := drain.before(ctx, tell)
		if !undone {
			tell(converging)
			result = a.Action.Converge(ctx, task)
		}
		return result
	})
}

// adopt goes on with a run that an earlier process of this agent noted and did not see the end of.
func (a *Agent) adopt(ctx context.Context) {
	run := a.diary.read().Last
	if !run.Going() {
		return
	}
	a.Log.Warn("an earlier process of this agent did not see the end of a run; waiting for it", "run", run.ID, "try", run.Attempt)
	reason := fmt.Sprintf("waits for the end of run %s, which it began before it was started anew", run.ID)
	a.attend(run, states.State{}, doing{states.Converging, reason}, func(task Task, _ func(doing)) Result {
		return a.Action.Adopt(ctx, task)
	})
}

// attend stays with a run. Its end comes through a.running; whoever drops that waits for it first.
func (a *Agent) attend(run states.Run, from states.State, first doing, converge func(Task, func(doing)) Result) {
	end, doings := make(chan states.Run, 1), make(chan doing, 2)
	heard := &atomic.Pointer[string]{}
	a.running, a.doings, a.doing, a.heard, a.line = end, doings, first, heard, ""
	task := Task{Cluster: a.Cluster, Node: a.Node, Run: run, From: from, Said: func(line string) { heard.Store(&line) }}
	go func() { // at most two doings: nobody has to wait for the loop
		began := time.Now()
		result := converge(task, func(phase doing) { doings <- phase })
		end <- a.finish(run, began, result)
	}()
}

// listen takes over what the run going on said last. It is asked at each renewal and not at each line:
// what a converge prints must not become load on Consul.
func (a *Agent) listen() {
	if a.running == nil || a.heard == nil {
		return
	}
	if line := a.heard.Load(); line != nil {
		a.line = a.told(*line, tailRunes)
	}
}

// tailRunes is how much of a line of output travels in the status.
const tailRunes = 200

// told is a text of a run as others may see it.
func (a *Agent) told(text string, limit int) string {
	text = hideSecrets(text)
	if a.Hide != nil {
		text = a.Hide(text)
	}
	return states.Clip(text, limit)
}

func (a *Agent) toldLines(lines []string) (told []string) {
	for _, line := range lines {
		told = append(told, a.told(clean(line), tailRunes))
	}
	return told
}

// finish fills in how a run ended. One that goes on without this agent stays as it was noted.
func (a *Agent) finish(run states.Run, began time.Time, result Result) states.Run {
	if result.Outcome == "" {
		return run
	}
	run.State = run.State.Short()
	run.Ended, run.Seconds = a.now(), time.Since(began).Round(time.Millisecond).Seconds()
	if !result.Ended.IsZero() {
		run.Ended, run.Seconds = result.Ended, math.Round(result.Seconds*1000)/1000
	}
	run.Outcome, run.Exit, run.Signal, run.Log, run.Change = result.Outcome, result.Exit, result.Signal, result.Log, result.Change
	run.Error, run.Tail = a.told(clean(result.Error), 300), a.toldLines(result.Tail)
	if result.Free { // what is nobody's failure uses up no try
		run.Tries = max(run.Tries, run.Attempt+1)
	}
	run.Terminal = run.OK() || run.Attempt >= run.Tries
	return run
}

// ended takes the end of the run going on, or of this agent's part in it.
func (a *Agent) ended(run states.Run) {
	a.running, a.doings, a.lastEnd = nil, nil, time.Now()
	a.pace.rest()
	if run.Going() {
		a.Log.Info("the run goes on without this agent", "run", run.ID)
		return
	}
	a.Log.Info("run ended", "run", run.ID, "state", run.State, "ending", run.Ending(), "try", run.Attempt, "tries", run.Tries)
	a.owed = func(m memory) memory { return m.end(run) }
	a.delays.worked("memory")
	a.delays.worked("restore")
}
