package orchestrator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"orch/states"
)

// transition starts a move, or replaces one.
func (p *planner) transition(request states.Request) *Decision {
	if p.record.Status == states.Paused && p.record.Cause == states.ByOperator && !request.Supersede {
		return p.refuse(request, "%s; go on with orch resume %s, or replace the move with --supersede", p.record.Reason, p.Cluster)
	}
	target, err := p.target(request.Target)
	if err != nil {
		return p.refuse(request, "%v", err)
	}
	if p.record.Status == states.Done && target.Same(p.Desired.Value.State) && !p.leftBehind() {
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

// leftBehind tells whether a live node is not there because its run failed and was tolerated. Such a
// node waits to be ordered again, and moving to the same state once more is how that is asked.
func (p *planner) leftBehind() bool {
	for _, c := range p.record.Counted {
		node, _ := p.Node(c.Node)
		if p.counts(node) && !held(node) && !node.Status.Value.At(p.Desired.Value.State) {
			return true
		}
	}
	return false
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
	if p.record.Status == states.Done && !target.Same(desired.State) {
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
