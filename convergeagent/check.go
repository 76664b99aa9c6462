package convergeagent

import (
	"context"
	"math/rand/v2"
	"time"

	"orch/states"
)

// Checker says whether the node still is what its state says. It looks, and changes nothing.
type Checker interface {
	// Of gives how a state is looked at, and tells whether it is.
	Of(state states.State) (Check, bool)
	// Look returns when nothing of the check is alive any more; when the context ends it ends it. The
	// task's timeout is its to keep. Success: the node is as it should be.
	Look(ctx context.Context, task Task) Result
}

// Check is how one state is looked at.
type Check struct {
	Every   time.Duration // after the end of the last look
	Splay   time.Duration // the first one, after a run or a start, is somewhere within that
	Timeout time.Duration
	Repair  bool // what it finds is to be repaired
}

// watch is what the agent knows of checks: one goes on at a time, and none beside a run.
type watch struct {
	of      string             // what is to be looked at: the state, and the run that reached it
	next    time.Time          // when
	looking chan Result        // gives what a check found; nil: none goes on
	end     context.CancelFunc // of the one that goes on
	check   Check              // that
	at      string             // what that looks at
	unsure  string             // why the last one could not tell
}

// over ends the check that goes on; what it found comes all the same.
func (w *watch) over() {
	if w.looking != nil {
		w.end()
	}
}

// look has a node that is where it should be looked at, when it is time.
func (a *Agent) look(ctx context.Context, verdict states.Verdict) {
	check, checked := a.checkOf(a.accepted.State)
	if verdict.Phase != states.Settled && verdict.Phase != states.Drifted || !checked {
		a.delays.worked("check")
		a.watch.of, a.watch.unsure = "", ""
		return
	}
	if of := a.lookedAt(); of != a.watch.of {
		a.watch.of, a.watch.unsure = of, ""
		a.watch.next = a.delays.now.Add(time.Duration(rand.Float64() * float64(check.Splay)))
	}
	switch wait := a.watch.next.Sub(a.delays.now); {
	case a.watch.looking != nil:
	case wait > 0:
		a.delays.wait("check", wait)
	default:
		a.check(ctx, check)
	}
}

// lookedAt tells what a check would look at: what it finds counts only while that is the same.
func (a *Agent) lookedAt() string {
	m := a.diary.read()
	return m.State.String() + " " + m.State.Digest + " " + m.Attempting.String() + " " + m.Last.ID + " " + m.Last.Ended.String()
}

func (a *Agent) checkOf(state states.State) (Check, bool) {
	if a.Checker == nil {
		return Check{}, false
	}
	return a.Checker.Of(state)
}

// check starts one. What it found comes through a.watch.looking; whoever drops that waits for it first.
func (a *Agent) check(ctx context.Context, check Check) {
	ctx, end := context.WithCancel(ctx)
	desired, found := a.accepted, make(chan Result, 1)
	a.watch.looking, a.watch.end, a.watch.check, a.watch.at = found, end, check, a.lookedAt()
	task := checkTask(a.Cluster, a.Node, *desired, check)
	go func() { found <- a.Checker.Look(ctx, task) }()
}

// checkTask is what a check is told, as a run is. Its id is its own: what is left of a run is known by that, on the whole host.
func checkTask(cluster, node string, desired states.Desired, check Check) Task {
	return Task{Cluster: cluster, Node: node, From: desired.State,
		Run: states.Run{ID: randomID("check-", 4), State: desired.State, Generation: desired.Generation, Timeout: states.Duration(check.Timeout)}}
}

// found takes what a check found. Of what is not there any more, and of one that was ended, nothing is
// taken; one that cannot tell is never drift, and never the end of one.
func (a *Agent) found(result Result) {
	check := a.watch.check
	a.watch.end()
	a.watch.looking, a.watch.next = nil, time.Now().Add(check.Every)
	if result.Outcome == states.Interrupted || a.lookedAt() != a.watch.at {
		return
	}
	if a.watch.unsure = a.told(doubt(result, check), 200); a.watch.unsure != "" {
		a.Log.Warn("the check cannot tell whether the node drifted", "why", a.watch.unsure)
		return
	}
	result.Tail = a.toldLines(result.Tail)
	before := a.diary.read().Drift
	if err := a.diary.write(func(m memory) memory { return m.looked(result, a.now()) }); err != nil {
		a.Log.Error("what the check found is not noted", "error", err)
		return
	}
	switch after := a.diary.read().Drift; {
	case after != nil && before == nil:
		a.Log.Warn("drifted", "exit", after.Exit, "said", after.Said)
	case after == nil && before != nil:
		a.Log.Info("drifted no more", "since", before.Since)
	}
}

// doubt says why a check did not tell, or "".
func doubt(result Result, check Check) string {
	switch {
	case ownEnd(result):
		return ""
	case result.Outcome == states.TimedOut:
		return "it takes longer than " + states.Duration(check.Timeout).String()
	case result.Outcome == states.Killed:
		return "it was killed by " + result.Signal
	}
	return clean(result.Error)
}

// keptLines is how much of what a check said is told.
const keptLines = 3

// looked notes what a check told.
func (m memory) looked(result Result, at time.Time) memory {
	if result.OK() {
		m.Drift, m.Repairs = nil, 0
		return m
	}
	drift := states.Drift{Since: at, Exit: result.Exit, Said: result.Tail[max(0, len(result.Tail)-keptLines):], Repairs: m.Repairs}
	if m.Drift != nil {
		drift.Since = m.Drift.Since
	}
	m.Drift = &drift
	return m
}

// drift is what is known of a node that is at a state, as this configuration takes it.
func (a *Agent) drift(m memory) *states.Drift {
	check, checked := a.checkOf(m.State)
	if m.Drift == nil || !m.Attempting.None() || !checked {
		return nil
	}
	drift := *m.Drift
	drift.Repair = check.Repair
	return &drift
}

// self is what the rule is told of the node.
func (a *Agent) self() states.Self {
	m := a.diary.read()
	self := m.self(a.Observe)
	self.Drift, self.Due = a.drift(m), a.overdue()
	return self
}
