package convergeagent

import (
	"orch/states"
)

// distrusts says why the desired state that lies there is not to be accepted, by the keys that this
// node trusts, or "". What it was followed by before counts as well: an older warrant is a replay.
func (a *Agent) distrusts(desired states.Desired) string {
	return a.Trust.Refuses(desired, a.Cluster, a.sight.ID, a.diary.read().Warrant)
}

// accept notes a desired state as one that is followed from now on, with its warrant: both are
// written before anything is done by them.
func (m memory) accept(desired states.Desired, trust states.Trust) memory {
	m.Mark = desired.Mark
	if len(trust) > 0 {
		m.Warrant = desired.Warrants[0].Mark()
	}
	return m
}

// warranted is a verdict as far as the warrants go: nothing starts that nobody signed, or too late.
// What is over already starts nothing either, and is shown with what would end that.
func (a *Agent) warranted(verdict states.Verdict) states.Verdict {
	if len(a.Trust) == 0 {
		return verdict
	}
	if why := a.Trust.Forbids(*a.accepted, verdict.Target, a.diary.read().State, a.delays.day); verdict.Go && why != "" {
		a.refused = states.Clip(clean(why), 500)
		return states.Verdict{Target: verdict.Target, Phase: states.Refusing, Until: verdict.Until,
			Reason: "keeps what it is: it may go (" + verdict.Reason + "), and " + a.refused}
	}
	if newest := a.accepted.Warrants[0]; verdict.Phase == states.Settled && newest.Over(a.delays.day) {
		verdict.Reason += "; its warrant is over, and nobody goes anywhere else before somebody signs again"
	}
	return verdict
}
