package states

import (
	"fmt"
	"time"
)

// Drift is what a node's own check found where it should have found nothing: the node reached its
// state, and is not any more what that state says. The state stays the one that was reached: who
// asks who is there is not answered by a check.
type Drift struct {
	Since   time.Time `json:"since"`             // of the first check that found it
	Exit    int       `json:"exit"`              // of the last one
	Said    []string  `json:"said,omitempty"`    // its last lines
	Repair  bool      `json:"repair,omitempty"`  // the node is to converge once more: by itself where it serves nobody, else it asks for its turn
	Repairs int       `json:"repairs,omitempty"` // it made by itself, one after the other, that changed nothing
}

// String tells it as part of a reason: `its check says exit 1: nginx.conf differs`.
func (d Drift) String() string {
	text := fmt.Sprintf("its check says exit %d", d.Exit)
	if n := len(d.Said); n > 0 {
		text += ": " + d.Said[n-1]
	}
	return text
}

// Own tells whether the run was the node's own idea. It counts in no budget: nobody let it go.
func (r Run) Own() bool { return r.Under == UnderRepair || r.Under == UnderPeriod }

// AtRest tells whether the cluster reached what is wanted, and nothing was begun since: everybody may
// go, no batch is under way, and what was ordered on the way is over.
func (d Desired) AtRest() bool { return d.Open && d.Reached == d.Generation }

// tend decides for a node that is where it should be: it stays so, says that it drifted, or converges
// once more of its own accord. It does so only in a cluster at rest, because in the middle of a move
// the batches say how many may run; and with a state that serves it mends nothing by itself, because
// all nodes may drift at once.
func tend(self Self, desired Desired, keep func(Phase, string, ...any) Verdict) Verdict {
	verdict := keep(Settled, "at %s, as it should be", desired.State)
	if self.Drift != nil {
		verdict = keep(Drifted, "%s", self.Drift)
	}
	own := func(under, why string) Verdict {
		verdict.Go, verdict.Under = true, under
		verdict.Reason += "; " + why
		return verdict
	}
	repair := self.Drift != nil && self.Drift.Repair
	switch {
	case repair && !desired.State.Serving && desired.AtRest():
		verdict.Pause = RepairPause(self.Drift.Repairs)
		return own(UnderRepair, "it repairs itself")
	case self.Due && desired.AtRest():
		return own(UnderPeriod, "its period is over")
	case repair && desired.State.Serving:
		verdict.Reason += "; it asks for its turn to be repaired"
	case repair:
		verdict.Reason += "; it repairs itself once the cluster is at rest"
	}
	return verdict
}

// stays turns what a node would do of its own accord into what keeps it from that. Such a node is
// where it should be: its phase says so all the same.
func (v Verdict) stays(phase Phase, reason string, until time.Time) Verdict {
	if v.Phase != "" {
		phase, reason = v.Phase, v.Reason+", but not now: "+reason
	}
	return Verdict{Target: v.Target, Phase: phase, Reason: reason, Until: until}
}

// lets is what lets a latecomer's run go, or a node's that tries again in an open cluster: at rest, what
// was its own idea stays that, until it succeeds.
func (s Self) lets(desired Desired) string {
	if last := s.Last; desired.AtRest() && last.Own() && !last.OK() && !s.Attempting.None() && s.Attempting.Same(desired.State) && last.Transition == desired.Transition {
		return last.Under
	}
	return UnderOpen
}

// Pauses between the repairs of a check that never passes.
const (
	leastRepair = time.Minute
	mostRepair  = time.Hour
)

// RepairPause is how long after its last run a node waits before it repairs itself, after so many
// repairs in a row that changed nothing.
func RepairPause(repairs int) time.Duration {
	if repairs <= 0 {
		return 0
	}
	pause := leastRepair
	for range repairs - 1 {
		if pause *= 2; pause >= mostRepair {
			return mostRepair
		}
	}
	return pause
}
