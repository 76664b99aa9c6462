package orchestrator

import (
	"slices"
	"strings"

	"orch/states"
)

// replace takes out of the batch whoever fell silent, or was disabled on the node itself, before it
// took its order, and lets another live node go instead: a canary must be a live one, and a dead node holds no slot. Its order is
// voided only if it has said nothing meanwhile, so that a claim that was quicker stands.
func (p *planner) replace() *Decision {
	if !p.going() || p.record.Status != states.Running {
		return nil
	}
	dead := p.stillborn()
	if len(dead) == 0 {
		return nil
	}
	f := p.remaining()
	left := without(p.record.Batch.Nodes, dead)
	others := without(f.movable, p.record.Batch.Nodes)
	if p.record.Batch.Group != "" {
		others = slices.DeleteFunc(others, func(name string) bool { return p.groupOf(name) != p.record.Batch.Group })
	}
	others = p.choose(p.primaryLast(others), nil, len(dead), p.floor().room)
	if p.frozen() != "" || p.blind() != "" {
		others = nil
	}
	if len(left)+len(others) == 0 { // nobody is left of it: it is begun again, at the same size
		d := p.draft(states.EventReplaced, "%s before batch %d began; it is begun again", p.dropped(dead), p.record.Batch.Number)
		p.takeBack(d, dead)
		d.record.Batch.Cut = true
		d.closeBatch()
		d.record.Batch = states.Batch{}
		return d.decide()
	}
	d := p.draft(states.EventReplaced, "%s before the order was taken; batch %d goes on with %s", p.dropped(dead), p.record.Batch.Number, list(append(left, others...)))
	p.takeBack(d, dead)
	d.record.Batch.Nodes = append(slices.Clone(left), others...)
	d.record.Batch.Count = len(d.record.Batch.Nodes)
	d.change.Entry.Nodes = others
	if len(others) > 0 { // they have the time that any batch has
		d.record.Batch.Ordered = p.now
	}
	p.give(d, others[:min(len(others), states.MaxNodesPerTransaction/2)])
	return d.decide()
}

// dropped says what became of nodes that did not take their orders.
func (p *planner) dropped(names []string) string {
	var silent, texts []string
	for _, name := range names {
		if node, _ := p.node(name); disabled(node) {
			texts = append(texts, name+" was disabled on the node")
		} else {
			silent = append(silent, name)
		}
	}
	if len(silent) > 0 {
		texts = append([]string{list(silent) + " fell silent"}, texts...)
	}
	return strings.Join(texts, ", ")
}

// stillborn lists nodes of the batch that are silent or disabled and have not begun, as many as fit into one
// transaction beside those that take their places.
func (p *planner) stillborn() []string {
	var dead []string
	for _, name := range p.record.Batch.Nodes {
		node, _ := p.node(name)
		run := runID(p.record.ID, p.record.Batch.Seq, name)
		_, over := node.Status.Value.Ended(run)
		begun := over || node.Status.Value.Run.ID == run || p.runsStill(node) // what it ran before fills its slot
		gone := disabled(node) && !p.charged(name) || !node.Alive && !p.excused(node)
		if !gone || !node.Status.OK() || begun || p.there(node) {
			continue
		}
		if dead = append(dead, name); len(dead) == states.MaxNodesPerTransaction/3 {
			break
		}
	}
	return dead
}

// takeBack voids the orders of nodes that have not taken them.
func (p *planner) takeBack(d *draft, nodes []string) {
	for _, name := range nodes {
		node, _ := p.node(name)
		d.change.Unmoved = append(d.change.Unmoved, name)
		if _, ordered := p.standing(node); !ordered {
			continue
		}
		order := node.Order.Value
		order.Void = "the node fell silent before it took it"
		if disabled(node) {
			order.Void = node.Status.Value.WhyOff()
		}
		order.Summary = orderSummary(order)
		d.order(name, order)
	}
}
