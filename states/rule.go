package states

import (
	"fmt"
	"time"
)

// Self is what an agent durably knows about its own node.
type Self struct {
	Instance   string
	State      State  // reached by the last run that succeeded; none before the first
	Attempting State  // what a run was to reach that has not succeeded; none otherwise
	AgainDone  string // the last desired or ordered `again` that was done
	Last       Run    // the last run, also one that goes on
	Failures   int    // runs that failed for good since the last success, towards the same state
	Observe    bool   // would-be: report, and run nothing
	Drift      *Drift // what its check found; nil: nothing
	Due        bool   // the time is over after which it converges once more of its own accord
}

// At tells whether the node is at a state: a run reached it, and none was begun since.
func (s Self) At(state State) bool {
	return !s.State.None() && s.State.Same(state) && s.Attempting.None()
}

// View is what an agent sees in Consul when it decides: documents that it accepted.
type View struct {
	Desired Desired
	Order   *Order    // its own; nil where there is none, or none that can be read
	Frozen  *Freeze   // the cluster's or everybody's; nil where there is none
	Now     time.Time // some words end by themselves
}

// Verdict is what an agent is to do now.
type Verdict struct {
	Go     bool          // start a run towards Target
	Target State         // where the node is to be; without Go, where it would be going
	Run    string        // the order's run id; empty: the agent makes one, or goes on with the last
	Again  string        // to be noted as done with the run
	Under  string        // UnderOrder, UnderOpen, UnderJoiner, UnderRepair or UnderPeriod: what lets it go
	Tries  int           // how many tries a run has under one id
	Pause  time.Duration // to be waited since the last run ended
	Phase  Phase         // what to report while nothing runs; with Go: until it does
	Report string        // run id under which success without a run is reported
	Reason string        // in words; the answer of `orch why`
	Until  time.Time     // decide again then, even without news; zero: only news can change anything
}

// Decide is the agent's rule: what one node does, from what it is and what it sees, and why. It is
// asked again after every change; the answer depends on nothing else.
func Decide(self Self, view View) Verdict {
	desired, order := view.Desired, view.Order
	verdict := decide(self, view)
	if !verdict.Go {
		return verdict
	}
	if view.Frozen != nil && !view.Frozen.Over(view.Now) && verdict.Target.Serving {
		return verdict.stays(Frozen, "frozen "+view.Frozen.String(), view.Frozen.Until)
	}
	if self.Observe {
		why := "observe only"
		if verdict.Phase == "" {
			why += "; it would converge: " + verdict.Reason
		}
		return verdict.stays(Observing, why, time.Time{})
	}
	verdict.Tries = desired.Retries + 1
	if verdict.Under == UnderOrder {
		verdict.Run = order.Run
	}
	verdict.Pause = max(verdict.Pause, pause(self, verdict, desired))
	return verdict
}

// decide knows rules 0 to 5 and nothing of freezes and delays.
func decide(self Self, view View) Verdict {
	desired, order := view.Desired, view.Order
	target := desired.State
	keep := func(phase Phase, format string, args ...any) Verdict {
		return Verdict{Target: target, Phase: phase, Reason: fmt.Sprintf(format, args...)}
	}
	run := func(state State, format string, args ...any) Verdict {
		verdict := Verdict{Go: true, Target: state, Under: UnderJoiner, Reason: fmt.Sprintf(format, args...)}
		if state.Same(target) { // what a latecomer does once is not asked of it once more
			verdict.Again = desired.Again
		}
		return verdict
	}
	ordered := order != nil && order.For(&desired, self.Instance) && !desired.AtRest() // what let it go on the way is over there
	again := desired.Again
	if ordered && order.Again != "" {
		again = order.Again
	}

	switch { // rule 0: an operator's word about this node
	case order != nil && order.HeldAt(view.Now) != nil:
		verdict := keep(Held, "held %s", order.Held)
		verdict.Until = order.Held.Until
		return verdict
	case order != nil && order.Forgotten != nil && order.Forgotten.Instance == self.Instance:
		return keep(Held, "forgotten %s", order.Forgotten)
	}

	if self.At(target) && (again == "" || again == self.AgainDone) { // rule 1: there already
		verdict := tend(self, desired, keep)
		if ordered {
			verdict.Report = order.Run
		}
		return verdict
	}

	spent := order != nil && self.Last.ID == order.Run && self.Last.Terminal
	failed := spent && order.OfHop(&desired) && !self.Last.OK()
	if desired.Open && !failed { // rule 2: everybody may go
		verdict := run(target, "%s is open to everybody", target)
		verdict.Again, verdict.Under = again, self.lets(desired)
		if ordered && !spent { // it was under way already
			verdict.Under = UnderOrder
		}
		return verdict
	}

	if ordered && !spent { // rule 3: an order
		verdict := run(target, "ordered to %s by run %s", target, order.Run)
		verdict.Again, verdict.Under = again, UnderOrder
		return verdict
	}

	switch {
	case failed:
		return keep(Failed, "its order to %s failed: %s; it waits to be ordered again", target, self.Last.Ending())
	case joining(self, desired): // it is as late as before its own try
	case waits(self, desired): // rule 4: in the queue
		return queue(self, desired, keep)
	}
	return join(self, desired, run, keep) // rule 5: late
}

// waits tells whether the node is one of those that the batches are for.
func waits(self Self, desired Desired) bool {
	here := self.State
	if !self.Attempting.None() {
		if self.Attempting.Same(desired.State) || self.Attempting.In(desired.From) {
			return true
		}
		here = State{} // at no state until a run succeeds
	}
	return self.At(desired.State) || here.In(desired.From)
}

// queue words the place of a node that waits. One whose own run has failed has nothing to hope for
// but an order: that is not being as told.
func queue(self Self, desired Desired, keep func(Phase, string, ...any) Verdict) Verdict {
	if self.Last.Bad() && self.Last.Transition == desired.Transition && self.Attempting.Same(desired.State) {
		return keep(Failed, "its run to %s failed: %s; it waits to be ordered again", desired.State, self.Last.Ending())
	}
	return keep(Waiting, "waits for its turn to %s", desired.State)
}

// joining tells whether the node's last word is a try of its own as a joiner, in this transition.
// What such a try attempts is in `from` or is the target; that must not put the node in the queue,
// or the first failure would be its last try.
func joining(self Self, desired Desired) bool {
	last := self.Last
	return last.Under == UnderJoiner && last.Transition == desired.Transition &&
		!self.Attempting.None() && self.Attempting.Same(last.State)
}

// join decides for a node that is neither there nor in the queue.
func join(self Self, desired Desired,
	run func(State, string, ...any) Verdict, keep func(Phase, string, ...any) Verdict) Verdict {
	switch desired.Joiners {
	case JoinersTarget:
		return run(desired.State, "late, and joiners go to %s", desired.State)
	case JoinersStable:
		if self.At(desired.Stable) {
			verdict := keep(Waiting, "late; at %s, the last state that was reached, until it is ordered to %s", desired.Stable, desired.State)
			verdict.Target = desired.Stable
			return verdict
		}
		return run(desired.Stable, "late, and joiners go to %s, the last state that was reached", desired.Stable)
	}
	return keep(Waiting, "late, and joiners wait until they are ordered to %s", desired.State)
}

// leastPause is where the pauses of an agent that tries for ever begin: doubling no delay is no
// pause at all.
const leastPause = Duration(time.Second)

// pause gives how long to wait after the last run before the next one towards the same state.
func pause(self Self, verdict Verdict, desired Desired) time.Duration {
	last := self.Last
	if last.ID == "" || last.OK() || !last.State.Same(verdict.Target) || last.Transition != desired.Transition {
		return 0
	}
	switch {
	case verdict.Run != "" && verdict.Run != last.ID: // a new order is a new chance, now
		return 0
	case !last.Terminal:
		return Backoff(desired.RetryDelay, last.Attempt)
	}
	return Backoff(max(desired.RetryDelay, leastPause), self.Failures)
}
