package orchestrator

import (
	"slices"

	"orch/states"
)

// A node that drifted and serves does not mend itself: all of them may drift at once, and then the
// cluster would be gone at once. Whoever leads gives it its turn, as it gives everybody theirs: by a
// re-converge that is about such nodes alone. So the batches, the floor, gates, windows and freezes
// that hold for a move into the state hold for its repair, and a move never has one in its middle. It
// takes a request, because a cluster at rest is led no longer than what was asked takes: whoever wants
// it done by itself has a timer ask.

// drifted lists the nodes that say so and can be given a turn, asked for or not.
func (p *planner) drifted() []string {
	names := []string{}
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if p.counts(node) && !p.held(node) && node.Status.Value.At(p.Desired.Value.State) && node.Status.Value.Drift != nil {
			names = append(names, node.Name)
		}
	}
	return names
}

// mending fills in whom a request to repair is about. With nobody, everybody would be meant: then
// there is an answer, and nothing to do.
func (p *planner) mending(request states.Request) (states.Request, *Decision) {
	if !request.Drifted {
		return request, nil
	}
	names := p.drifted()
	if len(request.Nodes) > 0 {
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(request.Nodes, name) })
	}
	if len(names) == 0 {
		d := p.draft(states.EventAccepted, "nothing to do: no node of %s has drifted", p.Cluster)
		d.answer(request, false, d.change.Entry.Reason)
		return request, d.decide()
	}
	request.Nodes = names
	return request, nil
}
