package orchestrator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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

// requests takes the first of the other requests, in the order of their creation.
func (p *planner) requests() *Decision {
	if len(p.Requests) == 0 {
		return nil
	}
	return p.take(p.Requests[0])
}

// take handles one request: whatever becomes of it, the journal says so.
func (p *planner) take(doc states.Doc[states.Request]) *Decision {
	request := doc.Value
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
	}
	return p.refuse(request, "this version of orch does not know the request %q", request.Kind)
}

// stale says why a request must not be looked at any further, or "". A transition is bound to the
// generation that its author saw; a stop is not, because whoever types it in the middle of a step
// means that step too.
func (p *planner) stale(doc states.Doc[states.Request]) string {
	request, record := doc.Value, p.record
	switch {
	case !doc.OK():
		return "it cannot be read: " + doc.Problem
	case p.now.After(request.Expires):
		return "it expired at " + clock(request.Expires)
	case request.Kind == states.AskForget:
		return ""
	case record.Status == states.Running && request.Kind == states.AskTransition && !request.Supersede:
		return p.busy()
	case request.Transition != record.ID:
		return fmt.Sprintf("it was made when the last move was %s, and since then %s began %s to %s; look again: orch status %s",
			request.Transition, record.By, record.ID, record.Target, p.Cluster)
	case request.Kind == states.AskTransition && request.Generation != p.Desired.Value.Generation && !request.Supersede:
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
	return fmt.Sprintf("%s moves %s to %s since %s%s; watch it: orch status %s --watch, stop it: orch pause %s, replace it: --supersede",
		p.record.By, p.Cluster, p.record.Target, clock(p.record.StartedAt), why, p.Cluster, p.Cluster)
}

func (p *planner) refuse(request states.Request, format string, args ...any) *Decision {
	reason := fmt.Sprintf(format, args...)
	d := p.draft(states.EventRefused, "%s by %s: %s", request.Kind, request.By, reason)
	d.answer(request, true, reason)
	return d.decide()
}

// transition starts a move, or replaces one.
func (p *planner) transition(request states.Request) *Decision {
	if p.record.Status == states.Paused && p.record.Cause == states.ByOperator && !request.Supersede {
		return p.refuse(request, "%s; go on with orch resume %s, or replace the move with --supersede", p.record.Reason, p.Cluster)
	}
	target, err := p.target(request.Target)
	if err != nil {
		return p.refuse(request, "%v", err)
	}
	if p.record.Status == states.Done && target.Same(p.Desired.Value.State) {
		d := p.draft(states.EventAccepted, "nothing to do: %s is at %s", p.Cluster, target)
		d.answer(request, false, d.change.Entry.Reason)
		return d.decide()
	}
	origin, hops, err := p.path(target, request.Via)
	if err != nil {
		return p.refuse(request, "%v", err)
	}
	if why := p.tooFew(request.Override(OverrideMembers)); why != "" {
		return p.refuse(request, "%s; bring them back, forget them with orch forget %s NODE, or --override members", why, p.Cluster)
	}
	return p.start(request, origin, target, hops)
}

// target resolves what somebody typed by the definition as it is applied now.
func (p *planner) target(ref states.Ref) (states.State, error) {
	if !p.Definition.OK() {
		return states.State{}, fmt.Errorf("read the definition of %q: %s; apply it again", p.Cluster, p.problem())
	}
	if unused := states.NotYet(p.Definition.Value); len(unused) > 0 { // applied by a newer orch, perhaps
		return states.State{}, fmt.Errorf("move by the definition of %q: %s; use an orch that does", p.Cluster, unused[0].Detail)
	}
	return p.Definition.Value.Resolve(ref)
}

func (p *planner) problem() string {
	if !p.Definition.There() {
		return "there is none"
	}
	return p.Definition.Problem
}

// start writes the new record and its first hop in one transaction.
func (p *planner) start(request states.Request, origin, target states.State, hops []states.Hop) *Decision {
	spelled := []string{origin.String()}
	for _, hop := range hops {
		spelled = append(spelled, hop.State.String())
	}
	d := p.draft(states.EventAccepted, "%s", strings.Join(spelled, " -> "))
	before := d.record
	d.record = states.Record{
		Schema: states.Schema, ID: transitionID(request.ID), Request: request.ID,
		By: request.By, Accessor: request.Accessor, Why: request.Why, Overrides: request.Overrides,
		Start: origin.Short(), Target: target.Short(), Hops: hops,
		StartedAt: p.now, Journal: before.Journal, Answers: before.Answers,
	}
	if before.Status == states.Running { // a replaced move does not wipe the slate clean
		for _, c := range before.Counted {
			c.Hop = -1
			d.record.Counted = append(d.record.Counted, c)
		}
		d.record.Accepted = before.Accepted
	}
	d.startHop(0)
	d.answer(request, false, d.change.Entry.Reason)
	if text, err := json.Marshal(d.record); err != nil || len(text) > states.MaxRecordBytes {
		return p.refuse(request, "its record would take %d KiB, and %d are possible: %d nodes are too many for one cluster",
			len(text)/1024, states.MaxRecordBytes/1024, len(d.record.Members))
	}
	return d.decide()
}

// transitionID derives the id of a transition from the request that asked for it.
func transitionID(request string) string { return "t-" + strings.TrimPrefix(request, "q-") }

// TransitionOf gives the id of the transition that a request starts when it is accepted.
func TransitionOf(request string) string { return transitionID(request) }

// origins are the states that a path may start from, the best first: where everybody is. In a
// cluster on its way that is the last state that everybody reached; on the way back to that one,
// the state it is leaving.
func (p *planner) origins(target states.State) []states.State {
	desired := p.Desired.Value
	if p.record.Status == states.Done {
		return []states.State{desired.State}
	}
	all := append([]states.State{desired.Stable, desired.State}, desired.From...)
	return slices.DeleteFunc(all, func(s states.State) bool { return s.None() || s.Same(target) })
}

// path plans the hops to a state, each with the policy it will be made with.
func (p *planner) path(target states.State, via []string) (start states.State, hops []states.Hop, err error) {
	var stops []states.State
	for _, text := range via {
		ref, err := states.ParseRef(text)
		if err != nil {
			return start, nil, err
		}
		stop, err := p.Definition.Value.Resolve(ref)
		if err != nil {
			return start, nil, err
		}
		stops = append(stops, stop)
	}
	var first error
	for _, origin := range p.origins(target) {
		moves, err := p.Definition.Value.Path(origin, target, stops...)
		if err == nil {
			return origin, hopsOf(moves), nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil { // every state in play is the target itself: the same hop once more
		return p.Desired.Value.State, []states.Hop{{State: target, Policy: policyInto(p.Definition.Value, target.Name)}}, nil
	}
	return start, nil, first
}

func hopsOf(moves []states.Move) []states.Hop {
	hops := make([]states.Hop, 0, len(moves))
	for _, move := range moves {
		hops = append(hops, states.Hop{State: move.State, Policy: move.Transition.Policy, Drains: move.Transition.Drains})
	}
	return hops
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
		d.answer(request, false, d.change.Entry.Reason)
		return d.decide()
	case record.Status != states.Paused:
		return p.refuse(request, "the move to %s is %s, there is nothing to resume; orch transition %s STATE starts another", record.Target, record.Status, p.Cluster)
	case failures > budget && !request.AcceptFailures:
		return p.refuse(request, "%s failed and %d are allowed; go on without them: orch resume %s --accept-failures, try again: orch transition %s %s",
			states.Count(failures, "node"), budget, p.Cluster, p.Cluster, record.Target)
	case record.Cause == states.ByBirth && len(p.muster()) == 0:
		return p.refuse(request, "no agent of %q is alive yet; start them first, so that they converge batch by batch", p.Cluster)
	}
	if why := p.tooFew(request.Override(OverrideMembers)); why != "" {
		return p.refuse(request, "%s; bring them back, or --override members", why)
	}
	return p.goOn(request, max(0, failures-budget))
}

// goOn lets a paused move go on where it stood. Its generation is the one that the pause made, so
// no order from before it means anything any more.
func (p *planner) goOn(request states.Request, accepted int) *Decision {
	d := p.draft(states.EventResumed, "resumed by %s%s", request.By, because(request.Why))
	if accepted > 0 {
		d.change.Entry.Reason += ", accepting " + states.Count(accepted, "failure")
	}
	record := &d.record
	record.Accepted += accepted
	record.Overrides = append(record.Overrides, request.Overrides...)
	d.answer(request, false, d.change.Entry.Reason)
	if record.Cause == states.ByMembers { // it stopped between two hops
		d.startHop(record.Hop)
		return d.decide()
	}
	record.Status, record.Cause, record.Reason = states.Running, "", d.change.Entry.Reason
	record.PausedAt, record.ProgressAt = record.EndedAt, p.now
	for i, m := range record.Members { // clocks stood still
		if !m.MissingSince.IsZero() {
			record.Members[i].MissingSince = p.now
		}
	}
	d.tell(record.Current())
	return d.decide()
}

// forget takes a dead node off the list, this instance of it.
func (p *planner) forget(request states.Request) *Decision {
	node, there := p.Node(request.Node)
	switch {
	case !there || !node.Status.There():
		return p.refuse(request, "no node %q has ever reported in cluster %q", request.Node, p.Cluster)
	case node.Alive:
		return p.refuse(request, "node %q is alive; stop its agent first", request.Node)
	}
	d := p.draft(states.EventForgotten, "%s is forgotten", request.Node)
	order := states.Order{Forgotten: &states.Word{By: request.By, Why: request.Why, At: p.now, Instance: node.Status.Value.Instance}}
	order.Summary = orderSummary(order)
	d.order(request.Node, order)
	d.record.Counted = slices.DeleteFunc(d.record.Counted, func(c states.Counted) bool { return c.Node == request.Node })
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}
