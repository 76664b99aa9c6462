package orchestrator

import (
	"fmt"
	"slices"
	"time"

	"orch/states"
)

// OverrideMembers is what an operator overrides to move a cluster most of which is not alive.
const OverrideMembers = "members"

// stops takes the first request that makes the cluster stand still, before anything else.
func (p *planner) stops() *Decision {
	for _, doc := range p.Requests {
		if doc.OK() && doc.Value.Stops() {
			return p.take(doc)
		}
	}
	return nil
}

// requests takes the first of the other requests, in the order of their creation. One that waits for
// its turn is passed by until then.
func (p *planner) requests() *Decision {
	for _, doc := range p.Requests {
		if !p.queues(doc) {
			return p.take(doc)
		}
	}
	return nil
}

// take handles one request: whatever becomes of it, the journal says so.
func (p *planner) take(doc states.Doc[states.Request]) *Decision {
	request := doc.Value
	if answer, ok := answerTo(request, p.Snapshot); ok {
		return p.twice(request, answer)
	}
	if why := p.stale(doc); why != "" {
		return p.refuse(request, "%s", why)
	}
	switch request.Kind {
	case states.AskTransition:
		return p.transition(request)
	case states.AskPause:
		return p.pause(request)
	case states.AskResume:
		return p.resume(request)
	case states.AskAbort:
		return p.abort(request)
	case states.AskForget:
		return p.forget(request)
	case states.AskApprove:
		return p.approve(request)
	case states.AskRollback:
		return p.rollback(request)
	case states.AskRetry:
		return p.retry(request)
	case states.AskHold:
		return p.hold(request)
	case states.AskUnhold:
		return p.unhold(request)
	case states.AskReconverge:
		return p.reconverge(request)
	case states.AskFreeze, states.AskThaw:
		return p.noted(request)
	case states.AskUnlock:
		return p.unlocked(request)
	}
	return p.refuse(request, "this version of orch does not know the request %q", request.Kind)
}

// stale says why a request must not be looked at any further, or "". A transition is bound to the
// generation that its author saw; a stop is not, because whoever types it in the middle of a step
// means that step too.
func (p *planner) stale(doc states.Doc[states.Request]) string {
	request, record := doc.Value, p.record
	moves := request.Kind == states.AskTransition || request.Kind == states.AskReconverge
	switch {
	case !doc.OK():
		return "it cannot be read: " + doc.Problem
	case request.Queue:
		return abandoned(request)
	case p.now.After(request.Expires):
		return "it expired at " + clock(request.Expires)
	case request.Kind == states.AskForget, request.Kind == states.AskHold, request.Kind == states.AskUnhold,
		request.Kind == states.AskFreeze, request.Kind == states.AskThaw, request.Kind == states.AskUnlock:
		return ""
	case record.Status == states.Running && moves && !request.Supersede:
		return p.busy()
	case request.Transition != record.ID:
		return fmt.Sprintf("it was made when the last move was %s, and since then %s began %s to %s; look again: orch status %s",
			request.Transition, record.By, record.ID, record.Target, p.Cluster)
	case moves && request.Generation != p.Desired.Value.Generation && !request.Supersede:
		return fmt.Sprintf("it was made at generation %d, and the cluster is at %d by now; look again: orch status %s",
			request.Generation, p.Desired.Value.Generation, p.Cluster)
	}
	return ""
}

// busy says who moves the cluster already, and what somebody else can do about it.
func (p *planner) busy() string {
	why := ""
	if p.record.Why != "" {
		why = " (" + p.record.Why + ")"
	}
	return fmt.Sprintf("%s moves %s to %s since %s%s; watch it: orch status %s --watch, stop it: orch pause %s, replace it: --supersede, wait for it: --queue",
		p.record.By, p.Cluster, p.record.Target, clock(p.record.StartedAt), why, p.Cluster, p.Cluster)
}

// twice drops a request that was answered before. Whoever filed it did not hear that it was written, and
// wrote it again; or the first writing came in long after it was given up. Its answer becomes the newest:
// as long as it comes again it must not be forgotten.
func (p *planner) twice(request states.Request, answer states.Answer) *Decision {
	d := p.draft(states.EventRefused, "%s by %s was answered at %s already, and is not done once more", request.Kind, request.By, clock(answer.At))
	d.record.Answers = append(slices.DeleteFunc(d.record.Answers, func(a states.Answer) bool { return a.Request == answer.Request }), answer)
	d.change.Handled = request.ID
	d.change.Entry.Request, d.change.Entry.Kind, d.change.Entry.By = request.ID, request.Kind, request.By
	return d.decide()
}

func (p *planner) refuse(request states.Request, format string, args ...any) *Decision {
	reason := fmt.Sprintf(format, args...)
	d := p.draft(states.EventRefused, "%s by %s: %s", request.Kind, request.By, reason)
	d.answer(request, true, reason)
	return d.decide()
}

func (p *planner) pause(request states.Request) *Decision {
	if p.record.Status != states.Running {
		return p.still(request)
	}
	d := p.draft(states.EventPaused, "paused by %s%s", request.By, because(request.Why))
	d.halt(states.Paused, states.ByOperator)
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

// still answers a stop of a cluster that stands already.
func (p *planner) still(request states.Request) *Decision {
	d := p.draft(states.EventAccepted, "nothing to do: the move to %s is %s already", p.record.Target, p.record.Status)
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

func (p *planner) abort(request states.Request) *Decision {
	if p.record.Status == states.Done || p.record.Status == states.Aborted {
		return p.still(request)
	}
	d := p.draft(states.EventAborted, "aborted by %s%s; moved nodes stay where they are", request.By, because(request.Why))
	d.halt(states.Aborted, "")
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

func (p *planner) resume(request states.Request) *Decision {
	record := p.record
	failures, budget := record.Failures(), record.Budget()
	switch {
	case record.Status == states.Running:
		d := p.draft(states.EventAccepted, "the move to %s goes on", record.Target)
		d.record.Overrides = append(d.record.Overrides, request.Overrides...) // what it waits for need not hold it
		d.askAnew()
		d.answer(request, false, d.change.Entry.Reason)
		return d.decide()
	case record.Status != states.Paused:
		return p.refuse(request, "the move to %s is %s, there is nothing to resume; orch transition %s STATE starts another", record.Target, record.Status, p.Cluster)
	case failures > budget && !request.AcceptFailures:
		return p.refuse(request, "%s failed and %d are allowed; try again: orch retry %s, go on without them: orch resume %s --accept-failures, go back: orch rollback %s",
			states.Count(failures, "node"), budget, p.Cluster, p.Cluster, p.Cluster)
	case (record.Cause == states.ByBirth || record.Cause == states.ByRecover) && len(p.muster(nil)) == 0:
		return p.refuse(request, "no agent of %q is alive yet; start them first, so that they converge batch by batch", p.Cluster)
	}
	if why := p.tooFew(request.Override(OverrideMembers)); why != "" {
		return p.refuse(request, "%s; bring them back, or --override members", why)
	}
	if why := p.notAgain(request); why != "" {
		return p.refuse(request, "%s", why)
	}
	if why := p.lapsed(); why != "" {
		return p.refuse(request, "%s", why)
	}
	return p.goOn(request, max(0, failures-budget))
}

// goOn lets a paused move go on where it stood. Its generation is the one that the pause made, so
// no order from before it means anything any more.
func (p *planner) goOn(request states.Request, accepted int) *Decision {
	d := p.draft(states.EventResumed, "resumed by %s%s", request.By, because(request.Why))
	if accepted > 0 {
		d.change.Entry.Reason += ", accepting " + states.Count(accepted, "failure")
		for i := range d.record.Counted {
			if c := &d.record.Counted[i]; !c.Retried && c.Accepted == "" {
				c.Accepted = request.By
			}
		}
	}
	record := &d.record
	record.Accepted += accepted
	record.Overrides = append(record.Overrides, request.Overrides...)
	d.answer(request, false, d.change.Entry.Reason)
	if record.Cause == states.ByMembers { // it stopped between two hops
		d.startHop(record.Hop)
		return d.decide()
	}
	if record.Cause == states.ByHealth { // somebody looked, and takes it as it is
		record.Batch.Healthy, _ = p.health()
	}
	d.continued()
	return d.decide()
}

// continued lets the move of the draft run again; all its clocks stood still.
func (d *draft) continued() {
	record, p := &d.record, d.planner
	record.Status, record.Cause, record.Reason = states.Running, "", d.change.Entry.Reason
	record.PausedAt, record.EndedAt = time.Time{}, time.Time{}
	record.ProgressAt, record.ResumedAt = p.now, p.now
	record.Gates, record.Awaiting = nil, ""
	for i, m := range record.Members {
		if !m.MissingSince.IsZero() {
			record.Members[i].MissingSince = p.now
		}
	}
	d.tell(record.Current())
}

// forget takes a dead node off the list, this instance of it.
func (p *planner) forget(request states.Request) *Decision {
	node, there := p.node(request.Node)
	switch {
	case !there || !node.Status.There():
		return p.refuse(request, "no node %q has ever reported in cluster %q", request.Node, p.Cluster)
	case node.Alive:
		return p.refuse(request, "node %q is alive; stop its agent first, or try again once its session has ended", request.Node)
	}
	d := p.draft(states.EventForgotten, "%s is forgotten", request.Node)
	order := states.Order{Forgotten: &states.Word{By: request.By, Why: request.Why, At: p.now, Instance: node.Status.Value.Instance}}
	order.Summary = orderSummary(order)
	d.order(request.Node, order)
	d.record.Counted = slices.DeleteFunc(d.record.Counted, func(c states.Counted) bool { return c.Node == request.Node })
	d.record.Accepted = min(d.record.Accepted, d.record.Failures())
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}
