package orchestrator

import (
	"slices"
	"strings"
	"time"

	"orch/states"
)

// retry gives who failed or was lost another chance, and lets a move go on that stands still. Nodes
// that are there get no run.
func (p *planner) retry(request states.Request) *Decision {
	if p.record.Status == states.Aborted {
		return p.refuse(request, "the move to %s is aborted, and does not come back; orch transition %s STATE starts another", p.record.Target, p.Cluster)
	}
	names := p.retried(request.Nodes)
	if unknown := without(request.Nodes, names); len(unknown) > 0 {
		return p.refuse(request, "%s did not fail in the move to %s; orch status %s says who did", list(unknown), p.record.Target, p.Cluster)
	}
	if len(names) == 0 && p.record.Status != states.Paused {
		d := p.draft(states.EventAccepted, "nothing to do: nobody failed on the way to %s", p.record.Target)
		d.answer(request, false, d.change.Entry.Reason)
		return d.decide()
	}
	if p.record.Cause == states.ByBirth && len(p.muster(nil)) == 0 {
		return p.refuse(request, "no agent of %q is alive yet; start them first, so that they converge batch by batch", p.Cluster)
	}
	if why := p.tooFew(request.Override(OverrideMembers)); why != "" {
		return p.refuse(request, "%s; bring them back, or --override members", why)
	}
	if p.record.Status != states.Running {
		if why := p.notAgain(request); why != "" {
			return p.refuse(request, "%s", why)
		}
	}
	if why := p.lapsed(); why != "" {
		return p.refuse(request, "%s", why)
	}
	d := p.draft(states.EventRetried, "%s may try again, asked by %s%s", strings.Join(names, ", "), request.By, because(request.Why))
	if len(names) == 0 {
		d.change.Entry.Reason = "nobody failed; it goes on, asked by " + request.By + because(request.Why)
	}
	d.forgive(names)
	if failures, budget := d.record.Failures(), d.record.Budget(); failures > budget && p.record.Current().Policy.OnFailure != states.ContinueOnFailure {
		return p.refuse(request, "%s would still be failed, and %d are allowed; retry them too", states.Count(failures, "node"), budget)
	}
	d.record.Overrides = append(d.record.Overrides, request.Overrides...)
	d.again()
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

// retried lists who may be given another chance: those charged in the hop where the move
// stands, and where it is paused all that the budget counts.
func (p *planner) retried(only []string) []string {
	var names []string
	for _, c := range p.record.Counted {
		if (c.Hop == p.record.Hop || p.record.Status == states.Paused) && !c.Retried && (only == nil || slices.Contains(only, c.Node)) && !slices.Contains(names, c.Node) {
			names = append(names, c.Node)
		}
	}
	return names
}

// forgive takes nodes off the budget. The run that failed stays in the record, so that it is not
// charged once more.
func (d *draft) forgive(names []string) {
	for i := range d.record.Counted {
		if c := &d.record.Counted[i]; slices.Contains(names, c.Node) {
			c.Retried = true
		}
	}
	for _, name := range names {
		d.pardon(name)
	}
	for i := range d.record.Members {
		if m := &d.record.Members[i]; slices.Contains(names, m.Node) && !m.MissingSince.IsZero() {
			m.MissingSince = d.planner.now
		}
	}
	last := map[string]int{}
	for i, c := range d.record.Counted {
		last[c.Node] = i
	}
	kept := d.record.Counted[:0]
	for i, c := range d.record.Counted {
		if !c.Retried || last[c.Node] == i { // what was forgiven before is in the journal
			kept = append(kept, c)
		}
	}
	d.record.Counted = kept
	if d.record.Failures() < d.record.Accepted {
		d.record.Accepted = d.record.Failures()
	}
}

// pardon takes back what a node ran since it was charged: in an opened hop it tries on its own, and
// what such a try ends with says nothing about the new chance.
func (d *draft) pardon(name string) {
	node, _ := d.planner.node(name)
	for _, run := range []states.Run{node.Status.Value.Failed, node.Status.Value.Run} {
		if run.ID == "" || run.OK() || run.Transition != d.record.ID || d.planner.forgiven(run.ID) {
			continue
		}
		d.record.Counted = append(d.record.Counted, states.Counted{Node: name, Run: run.ID, Kind: states.CountFailed,
			Hop: d.record.Hop, Reason: "begun before the retry", At: d.planner.now, Retried: true})
		if node.Status.Value.Failed.ID == node.Status.Value.Run.ID {
			return
		}
	}
}

// again lets the move of the draft run once more: one that is done and open is closed first, so
// that those who try again go in batches, by orders.
func (d *draft) again() {
	record, p := &d.record, d.planner
	switch record.Status {
	case states.Running:
		record.Reason = d.change.Entry.Reason
		if p.Desired.Value.Open {
			d.shut()
		}
		return
	case states.Done:
		d.shut()
	case states.Paused:
		if record.Cause == states.ByMembers {
			d.startHop(record.Hop)
			return
		}
	}
	d.continued()
}

// shut closes an open hop: a new generation, in which nobody has an order yet.
func (d *draft) shut() {
	desired := d.rewrite()
	desired.Generation++
	desired.Open = false
	d.record.OpenedAt = time.Time{}
	if d.record.Batch.Ended.IsZero() {
		went := d.planner.begun(d.record.Batch)
		d.record.Batch.Nodes, d.record.Batch.Count = went, len(went)
		d.closeBatch()
	} else {
		d.record.Batch = states.Batch{}
	}
	d.tell(d.record.Current())
}
