package convergeagent

import (
	"cmp"
	"fmt"

	"orch/states"
)

// distrusts says why the desired state that lies there is not to be accepted, by the keys that this
// node trusts, or "". What it was followed by before counts as well: an older warrant is a replay.
func (a *Agent) distrusts(desired states.Desired) string {
	return a.Trust.Refuses(desired, a.Cluster, a.sight.ID, a.diary.read().Warrant)
}

// tree is the id of the Consul that this node follows: as it was told, or as it did before; else of the one
// that it sees.
func (a *Agent) tree() string {
	if known := cmp.Or(a.Tree, a.diary.read().Tree); known != "" || a.sight == nil {
		return known
	}
	return a.sight.ID
}

// strange says why nothing of the Consul that the agent sees is meant for this node, or "". Whoever starts an
// agent may name the wrong one, and a cluster of that name may be there too. One without an id has lost it.
func (a *Agent) strange() string {
	if seen, known := states.Clip(a.sight.ID, 64), a.tree(); seen != "" && seen != known {
		return fmt.Sprintf("this Consul has the id %q, and this node follows %q: it is another datacenter; where this one is meant, say so in the agent's file: consul { id = %q }",
			seen, known, seen)
	}
	return ""
}

// accept notes a desired state as one that is followed from now on, with its warrant and its Consul: all is
// written before anything is done by it.
func (m memory) accept(desired *states.Desired, trust states.Trust, tree string) memory {
	m.Mark = desired.Mark
	if states.ValidID(tree) {
		m.Tree = tree
	}
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
