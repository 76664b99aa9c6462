package orchestrator

import (
	"slices"
	"time"

	"orch/states"
)

// reached ends a hop once everybody is there, or charged and tolerated. Only then may the next hop
// begin, or a command say that it is done.
func (p *planner) reached() *Decision {
	if !p.Desired.Value.Open || !p.everybodyThere() {
		return nil
	}
	if l := p.mayEnd(); l.stop != nil {
		return l.stop
	} else if len(l.waits) > 0 {
		return p.heldUp(l)
	}
	if p.record.Failures() > p.record.Budget() { // on_failure = "continue" went on, and ends here
		d := p.draft(states.EventHalted, "every node was tried; %s failed, %d allowed (max_failures = %s): %s",
			states.Count(p.record.Failures(), "node"), p.record.Budget(), p.record.Current().Policy.MaxFailures, p.names(p.record.Counted))
		d.closeBatch()
		d.halt(states.Paused, states.ByFailures)
		return d.decide()
	}
	state := p.record.Towards()
	if p.record.Hop+1 < len(p.record.Hops) {
		d := p.draft(states.EventHop, "%s is reached; on to %s", state, p.record.Hops[p.record.Hop+1].State)
		d.closeBatch()
		d.settle(state)
		if why := p.tooFew(slices.Contains(p.record.Overrides, OverrideMembers)); why != "" {
			d.change.Entry.Event, d.change.Entry.Reason = states.EventPaused, state.String()+" is reached, and the next hop waits: "+why
			d.record.Hop++
			d.halt(states.Paused, states.ByMembers)
			return d.decide()
		}
		d.startHop(p.record.Hop + 1)
		return d.decide()
	}
	d := p.draft(states.EventDone, "%s is reached", state)
	d.closeBatch()
	d.settle(state)
	d.record.Status, d.record.EndedAt = states.Done, p.now
	d.record.Reason = d.change.Entry.Reason
	return d.decide()
}

// everybodyThere tells whether every member is at the state, charged in this hop, or held.
func (p *planner) everybodyThere() bool {
	for _, m := range p.record.Members {
		node, _ := p.node(m.Node)
		if !p.there(node) && !p.held(node) && !p.charged(m.Node) {
			return false
		}
	}
	return true
}

// settle notes the state as the last one that was reached.
func (d *draft) settle(state states.State) {
	desired := d.rewrite()
	if !desired.Stable.Same(state) {
		desired.Previous = desired.Stable
	}
	desired.Stable, desired.Reached = state, desired.Generation
}

// startHop begins a hop of the draft's record: one write that every agent must obey.
func (d *draft) startHop(index int) {
	p, hop := d.planner, &d.record.Hops[index]
	desired := d.rewrite()
	hop.From = p.leaving()
	desired.Generation++
	desired.Transition = d.record.ID
	desired.State, desired.From = hop.State, hop.From
	desired.Known = known(p.Definition.Value, *desired)
	desired.Open, desired.Again = false, ""
	if d.record.Only == nil {
		desired.Again = d.record.Again
	}
	d.tell(*hop)
	record := &d.record
	record.Hop, record.HopAt, record.ProgressAt = index, p.now, p.now
	record.Status, record.Cause, record.Reason = states.Running, "", d.change.Entry.Reason
	record.Batch, record.OpenedAt, record.PausedAt = states.Batch{}, time.Time{}, time.Time{}
	record.Gates, record.Awaiting, record.Past = nil, "", 0
	record.Members = p.muster(record.Only)
	d.openAtOnce(*hop)
}

// known names all states of the cluster, and those in use that a later definition dropped.
func known(definition states.Cluster, desired states.Desired) []string {
	names := definition.StateNames()
	for _, state := range append([]states.State{desired.State, desired.Stable, desired.Previous}, desired.From...) {
		if !state.None() && !slices.Contains(names, state.Name) {
			names = append(names, state.Name)
		}
	}
	return names
}

// tell writes what an agent needs to know of a hop when it is alone.
func (d *draft) tell(hop states.Hop) {
	desired := d.rewrite()
	desired.Joiners = states.DefaultJoiners(hop.Policy.Joiners, hop.State)
	desired.Timeout, desired.Retries = hop.Policy.ConvergeTimeout, hop.Policy.Retries
	desired.RetryDelay, desired.Drains = hop.Policy.RetryDelay, hop.Drains
}

// openAtOnce opens a hop whose first batch is everybody.
func (d *draft) openAtOnce(hop states.Hop) {
	p := d.planner
	_, closed := p.outside(d.record)
	if closed || hop.State.Serving && freezes(p.Snapshot, p.now) != "" || d.record.Only != nil || hop.Asks() || p.deserted(&d.record) != "" {
		return
	}
	var rest, busy []string
	alive := 0
	for _, m := range d.record.Members {
		node, _ := p.node(m.Node)
		if p.held(node) {
			continue
		}
		alive++
		if !node.Status.Value.Done(hop.State, d.record.Again) {
			rest = append(rest, m.Node)
		}
		if p.runsStill(node) || p.mayRun(node) {
			busy = append(busy, m.Node)
		}
	}
	busy = append(busy, p.unheard(&d.record)...)
	if size := hop.Policy.Batch(0).Of(alive); len(union(rest, busy)) <= size {
		d.openFor(1, size, rest)
	}
}

// mayRun tells whether a node may begin to run as things are: a moment ago it had not, and by the time of
// the next write it may have.
func (p *planner) mayRun(node *states.Node) bool {
	_, ordered := p.standing(node)
	desired := p.Desired.Value
	return ordered || desired.Open && node.Alive && !node.Status.Value.Done(desired.State, desired.Again)
}

// leaving lists the states whose nodes wait for their turn in the next hop: where the cluster is,
// and, unless everybody is there, where they come from. Without the latter, a new target in the
// middle of a rollout would find nodes in no state it knows, and let them all go as latecomers.
func (p *planner) leaving() []states.State {
	desired := p.Desired.Value
	from := []states.State{desired.State.Short()}
	if p.wholly(desired.State) {
		return from
	}
	for _, state := range desired.From {
		if !state.In(from) && p.somewhere(state) {
			from = append(from, state.Short())
		}
	}
	return from
}

// somewhere tells whether any known node says that it is at a state, or tried to be. One that is just about to run
// may take that back, and then has tried what it had tried before: nobody knows what that is.
func (p *planner) somewhere(state states.State) bool {
	for i := range p.Nodes {
		node, status := &p.Nodes[i], &p.Nodes[i].Status.Value
		if node.Status.There() && !forgotten(node) &&
			(!node.Status.OK() || status.Run.Going() || status.State.Same(state) || status.State.None() && state.None() || !status.Attempting.None() && status.Attempting.Same(state)) {
			return true
		}
	}
	return false
}

// wholly tells whether every member, and every live node, is at a state.
func (p *planner) wholly(state states.State) bool {
	for i := range p.Nodes {
		node := &p.Nodes[i]
		_, member := p.member(node.Name)
		if (member || p.counts(node)) && !forgotten(node) && !node.Status.Value.At(state) {
			return false
		}
	}
	return true
}
