package orchestrator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"orch/states"
)

// rollback takes back what was moved: nodes that are where the cluster goes back to get no run, the
// others go in the reverse order in which they went. It is legal from everywhere, whoever is dead; while
// most are silent, nobody goes but by orders.
func (p *planner) rollback(request states.Request) *Decision {
	back, ok := p.backFrom()
	if !ok {
		back = p.Desired.Value.Previous
		if p.record.Status != states.Done && !back.None() && !back.Same(p.record.Start) { // on its way to where it was last: not there yet
			back = p.Desired.Value.State
		}
	}
	if p.record.Undoes != "" && p.record.Status != states.Done { // whoever types it again means the same way back
		back = p.Desired.Value.State
	}
	if request.Target.Name != "" {
		target, err := p.target(request.Target)
		if err != nil {
			return p.refuse(request, "%v", err)
		}
		back = target
	}
	switch {
	case back.None():
		return p.refuse(request, "%s was never anywhere but at %s; there is nothing to go back to", p.Cluster, p.Desired.Value.State)
	case p.record.Status == states.Running && back.Same(p.Desired.Value.State):
		return p.refuse(request, "%s", p.busy())
	case p.record.Status == states.Done && back.Same(p.Desired.Value.State):
		d := p.draft(states.EventAccepted, "nothing to do: %s is at %s", p.Cluster, back)
		d.answer(request, false, d.change.Entry.Reason)
		return d.decide()
	}
	d := p.draft(states.EventRollback, "back to %s, asked by %s%s", back, request.By, because(request.Why))
	d.backTo(back, transitionID(request.ID), request)
	return d.launchBack(request)
}

// backFrom gives the last state that was reached, where the cluster is on its way to another one.
func (p *planner) backFrom() (states.State, bool) {
	desired := p.Desired.Value
	return desired.Stable, !desired.Stable.None() && !desired.Stable.Same(desired.State)
}

// goBack rolls back by itself, in the transaction that notes why.
func (p *planner) goBack(back states.State, reason string) *Decision {
	d := p.draft(states.EventRollback, "%s; back to %s", reason, back)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/rollback/%d", p.record.ID, p.record.Journal))
	d.backTo(back, "t-"+hex.EncodeToString(sum[:8]), states.Request{By: p.leading.Who, Why: reason})
	d.startBack()
	return d.decide()
}

// backTo makes the record of the inverse move. It has its own policy, and never rolls back itself.
func (d *draft) backTo(back states.State, id string, request states.Request) {
	before := d.record
	hop := before.Current()
	inverse := states.Hop{State: back, Policy: hop.Policy, Drains: hop.Drains, Primary: hop.Primary}
	if hop.Rollback != nil {
		inverse.Policy = *hop.Rollback
	}
	if !back.Serving { // a floor could never be kept on the way to where nobody serves
		inverse.Policy.MinHealthy = states.Size{}
	}
	inverse.Policy.OnFailure, inverse.Policy.Approve = states.PauseOnFailure, states.ApproveNever
	if inverse.Policy.Joiners != states.JoinersWait { // that state is proven, whatever "stable" says now
		inverse.Policy.Joiners = states.JoinersTarget
	}
	for _, gate := range hop.Gates { // what looks at the whole would say no until all are back
		if gate.Kind == states.GateConsulCheck && gate.Scope == states.ScopeBatch && gate.At == states.AtBatch {
			inverse.Gates = append(inverse.Gates, gate)
		}
	}
	d.closeBatch()
	turns := d.planner.turns()
	d.begin(states.Record{ID: id, Undoes: before.ID, Start: d.planner.Desired.Value.State.Short(), Target: back.Short(), Hops: []states.Hop{inverse}}, request)
	d.record.Members = d.planner.muster(nil)
	slices.SortStableFunc(d.record.Members, func(a, b states.Member) int { return turns[b.Node] - turns[a.Node] })
}

// launchBack starts an inverse move that somebody asked for.
func (d *draft) launchBack(request states.Request) *Decision {
	d.startBack()
	if why := d.carry(request, d.record.Hops); why != "" {
		return d.planner.refuse(request, "%s", why)
	}
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

// startBack starts the hop, and keeps the order of the members.
func (d *draft) startBack() {
	members := d.record.Members
	d.startHop(0)
	d.record.Members = members
}

// turns tells, by node, when it went in the move that is taken back: who went last has the highest.
func (p *planner) turns() map[string]int {
	turns := map[string]int{}
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if order := node.Order.Value; node.Order.OK() && order.Transition == p.record.ID {
			turns[node.Name] = int(order.Batch)
		}
	}
	if batch := p.record.Batch; batch.Opened {
		for _, name := range batch.Nodes {
			turns[name] = int(batch.Seq)
		}
	}
	return turns
}
