package orchestrator

import (
	"orch/states"
)

// hold takes a node out of play: its agent, the batches and the counts leave it alone until
// somebody says otherwise, or until a time. A run that it has begun ends; an order that it has not
// taken is void, so that it does not go whenever it is let go of.
func (p *planner) hold(request states.Request) *Decision {
	node, there := p.node(request.Node)
	switch {
	case !there || !node.Status.There() || forgotten(node):
		return p.refuse(request, "no node %q has reported in cluster %q", request.Node, p.Cluster)
	case !request.Until.IsZero() && !request.Until.After(p.now):
		return p.refuse(request, "until %s is over already", clock(request.Until))
	case node.Order.There() && !node.Order.OK():
		return p.refuse(request, "the order of %q cannot be read: %s", request.Node, node.Order.Problem)
	}
	order := node.Order.Value
	order.Held = &states.Word{By: request.By, Why: request.Why, At: p.now, Until: request.Until}
	if order.Run != "" && order.Void == "" {
		order.Void = "held"
	}
	d := p.draft(states.EventHeld, "%s is held %s", request.Node, order.Held)
	return p.word(d, request, order)
}

// unhold lets a node back into play. Where its cluster moves, it waits for its turn.
func (p *planner) unhold(request states.Request) *Decision {
	node, there := p.node(request.Node)
	if !there || !node.Order.OK() || node.Order.Value.Held == nil {
		return p.refuse(request, "nobody holds node %q of cluster %q", request.Node, p.Cluster)
	}
	order := node.Order.Value
	order.Held = nil
	if order.Void == "" {
		order.Void = "held until now"
	}
	d := p.draft(states.EventUnheld, "%s is not held any more, says %s%s", request.Node, request.By, because(request.Why))
	return p.word(d, request, order)
}

// word writes an operator's word about one node.
func (p *planner) word(d *draft, request states.Request, order states.Order) *Decision {
	order.Summary = orderSummary(order)
	d.order(request.Node, order)
	d.change.Entry.Nodes = []string{request.Node}
	for i, m := range d.record.Members { // its clocks stood still
		if m.Node == request.Node {
			d.record.Members[i].Since = p.now
		}
	}
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}
