package orchestrator

import "orch/states"

// approve lets a move go on that waits for somebody's word. The word is about the batch that was
// looked at, and means nothing for another one.
func (p *planner) approve(request states.Request) *Decision {
	batch, needed := p.unapproved()
	given, already := p.record.Approved(request.Hop, request.Batch)
	switch {
	case p.record.Status != states.Running:
		return p.refuse(request, "the move to %s is %s; there is nothing to approve", p.record.Target, p.record.Status)
	case already:
		d := p.draft(states.EventAccepted, "nothing to do: batch %d was approved by %s at %s", request.Batch, given.By, clock(given.At))
		d.answer(request, false, d.change.Entry.Reason)
		return d.decide()
	case request.Hop != p.record.Hop || request.Batch != batch:
		return p.refuse(request, "what was looked at is batch %d of hop %d, and %s is at batch %d of hop %d; look again: orch status %s",
			request.Batch, request.Hop+1, p.Cluster, batch, p.record.Hop+1, p.Cluster)
	case !needed:
		return p.refuse(request, "nothing waits for approval (approve = %s)", p.record.Current().Policy.Approve)
	case p.going() || p.Desired.Value.Open:
		return p.refuse(request, "batch %d still runs; look at how it ends first", batch+1)
	}
	d := p.draft(states.EventApproved, "batch %d approved by %s%s", batch, request.By, because(request.Why))
	if batch == 0 {
		d.change.Entry.Reason = "start approved by " + request.By + because(request.Why)
	}
	d.record.Approvals = append(d.record.Approvals, states.Approval{Hop: request.Hop, Batch: batch, By: request.By, Why: request.Why, At: p.now})
	d.record.Awaiting, d.record.ProgressAt, d.record.Reason = "", p.now, d.change.Entry.Reason
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}
