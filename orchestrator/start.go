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
	if why := p.otherwise(request); why != "" {
		return p.refuse(request, "%s", why)
	}
	target, err := p.target(request.Target)
	if err != nil {
		return p.refuse(request, "%v", err)
	}
	if p.record.Status == states.Done && target.Same(p.Desired.Value.State) && !p.leftBehind() {
		if request.Warrant != nil {
			return p.signAnew(request, target)
		}
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
	if why := p.notNow(request, p.Definition.Value.Windows, hops); why != "" {
		return p.refuse(request, "%s", why)
	}
	if why := p.barred(request, origin, hops); why != "" {
		return p.refuse(request, "%s", why)
	}
	if request.Step {
		for i := range hops {
			hops[i].Policy.Approve = states.ApproveAfterEachBatch
		}
	}
	return p.start(request, origin, target, hops)
}

// leftBehind tells whether a live node is not there because its run failed, and was tolerated or was
// that of a node that somebody held by then. Such a node waits to be ordered again, and moving to the
// same state once more is how that is asked.
func (p *planner) leftBehind() bool {
	for i := range p.Nodes {
		node := &p.Nodes[i]
		counted := slices.ContainsFunc(p.record.Counted, func(c states.Counted) bool { return c.Node == node.Name })
		if (counted || p.spent(node.Name)) && p.counts(node) && !p.held(node) && !node.Status.Value.At(p.Desired.Value.State) {
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

// barred says why a move must not even begin, or "": a floor that can never be kept, or another
// cluster that is not where the first hop needs it, and need not be waited for.
func (p *planner) barred(request states.Request, origin states.State, hops []states.Hop) string {
	if !Overrides(request.Overrides, "min_healthy", "") {
		if why := p.impossible(origin, hops); why != "" {
			return why
		}
	}
	for _, r := range hops[0].Requires {
		if why := p.unmet(r); why != "" && r.Wait == 0 && !Overrides(request.Overrides, "requires", r.Cluster) {
			return fmt.Sprintf("%s; move it there first, or --override requires=%s", why, r.Cluster)
		}
	}
	return ""
}

// start writes the new record and its first hop in one transaction.
func (p *planner) start(request states.Request, origin, target states.State, hops []states.Hop) *Decision {
	spelled := []string{origin.String()}
	for _, hop := range hops {
		spelled = append(spelled, hop.State.String())
	}
	d := p.draft(states.EventAccepted, "%s", strings.Join(spelled, " -> "))
	before := d.record
	d.begin(states.Record{ID: transitionID(request.ID), Start: origin.Short(), Target: target.Short(), Hops: hops}, request)
	if before.Status == states.Running { // a replaced move does not wipe the slate clean
		for _, c := range before.Counted {
			c.Hop = -1
			d.record.Counted = append(d.record.Counted, c)
		}
		d.record.Accepted = before.Accepted
	}
	return d.launch(request)
}

// begin puts a new record in the place of the old one.
func (d *draft) begin(record states.Record, request states.Request) {
	record.Schema, record.Request = states.Schema, request.ID
	record.By, record.Accessor, record.Why, record.Overrides = request.By, request.Accessor, request.Why, request.Overrides
	if request.Plan != nil {
		record.Plan = request.Plan.Plan
	}
	if record.Undoes == "" {
		record.Windows = d.planner.Definition.Value.Windows
	}
	record.StartedAt, record.Journal, record.Answers = d.planner.now, d.record.Journal, d.record.Answers
	d.record = record
}

// launch starts the first hop of a new record, and answers who asked for it.
func (d *draft) launch(request states.Request) *Decision {
	p := d.planner
	d.startHop(0)
	if why := d.carry(request, d.record.Hops); why != "" {
		return p.refuse(request, "%s", why)
	}
	d.answer(request, false, d.change.Entry.Reason)
	text, err := json.Marshal(d.record)
	if size := len(text) + d.warrantBytes(); err != nil || size > states.MaxRecordBytes {
		return p.refuse(request, "its record would take %d KiB, and %d are possible: %d nodes are too many for one cluster",
			size/1024, states.MaxRecordBytes/1024, len(d.record.Members))
	}
	return d.decide()
}

// transitionID derives the id of a transition from the request that asked for it.
func transitionID(request string) string { return "t-" + strings.TrimPrefix(request, "q-") }

// TransitionOf gives the id of the transition that a request starts when it is accepted.
func TransitionOf(request string) string { return transitionID(request) }

// origins are the states that a path may start from, the best first: where everybody is. In a
// cluster on its way that is the last state that everybody reached; on the way back to that one,
// the state it is leaving. Where it is already, and only who was left behind is to follow, there is none.
func (p *planner) origins(target states.State) []states.State {
	desired := p.Desired.Value
	switch {
	case p.record.Status == states.Done && target.Same(desired.State):
		return nil
	case p.record.Status == states.Done:
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
		return p.Desired.Value.State, []states.Hop{hopOf(target, transitionInto(p.Definition.Value, target.Name))}, nil
	}
	return start, nil, first
}

func hopsOf(moves []states.Move) []states.Hop {
	hops := make([]states.Hop, 0, len(moves))
	for _, move := range moves {
		hops = append(hops, hopOf(move.State, move.Transition))
	}
	return hops
}

// hopOf copies what a definition says about a move, so that nothing which is edited later changes it.
func hopOf(state states.State, t states.Transition) states.Hop {
	hop := states.Hop{State: state, Policy: t.Policy, Drains: t.Drains,
		Requires: t.Requires, Gates: slices.Clone(t.Gates), Primary: t.Primary, Rollback: t.Rollback}
	for i, gate := range hop.Gates {
		if gate.Kind == states.GateHTTP {
			hop.Gates[i].URL = states.Template{gate.URL.Fill(state.Argument)}
		}
	}
	return hop
}
