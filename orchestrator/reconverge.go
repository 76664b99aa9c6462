package orchestrator

import (
	"orch/states"
)

// reconverge lets nodes converge once more where they are: the same batches, gates and budget as
// any move, and no other state at its end. It may be about those alone that drifted.
func (p *planner) reconverge(request states.Request) *Decision {
	state := p.Desired.Value.State
	if p.record.Status != states.Done {
		return p.refuse(request, "the move to %s is %s; a cluster is re-converged when it is at rest", p.record.Target, p.record.Status)
	}
	request, nobody := p.mending(request)
	if nobody != nil {
		return nobody
	}
	for _, name := range request.Nodes {
		if node, there := p.node(name); !there || !p.counts(node) {
			return p.refuse(request, "node %q of cluster %q is not alive", name, p.Cluster)
		} else if p.held(node) {
			return p.refuse(request, "node %q is held %s; let go of it first: orch unhold %s %s", name, node.Order.Value.Held, p.Cluster, name)
		}
	}
	if !p.Definition.OK() {
		return p.refuse(request, "the definition of %q cannot be read: %s; apply it again", p.Cluster, p.problem())
	}
	if why := p.tooFew(request.Override(OverrideMembers)); why != "" {
		return p.refuse(request, "%s; bring them back, or --override members", why)
	}
	hops := []states.Hop{hopOf(state, transitionInto(p.Definition.Value, state.Name))}
	if why := p.notNow(request, p.Definition.Value.Windows, hops); why != "" {
		return p.refuse(request, "%s", why)
	}
	if len(request.Nodes) == 0 {
		if why := p.barred(request, state, hops); why != "" {
			return p.refuse(request, "%s", why)
		}
	}
	if hops[0].Policy.OnFailure == states.RollbackOnFailure { // there is nowhere to go back to
		hops[0].Policy.OnFailure = states.PauseOnFailure
	}
	id := transitionID(request.ID)
	d := p.draft(states.EventAccepted, "%s once more", state)
	if len(request.Nodes) > 0 {
		d.change.Entry.Reason += ": " + list(request.Nodes)
	}
	if request.Drifted {
		d.change.Entry.Reason += ", drifted"
	}
	d.begin(states.Record{ID: id, Again: id, Only: request.Nodes, Start: state.Short(), Target: state.Short(), Hops: hops}, request)
	return d.launch(request)
}
