package orchestrator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Application is what somebody wants to apply: a definition, as source text and as it reads.
type Application struct {
	Definition states.Cluster
	Text       string
	Initial    *states.Ref // where a cluster that is born is already; nil: the definition's initial state
	ID         string      // of the request; the birth's transition id is derived from it
	By         string
	Accessor   string
	Why        string
	Warrant    *states.Warrant // where the birth is signed
}

// ErrUnchanged: the very same definition is applied already.
var ErrUnchanged = errors.New("unchanged")

// Apply decides what applying a definition changes: it gives birth to a cluster, or replaces the
// definition of one. A running move keeps the policy it was planned with.
func Apply(snapshot states.Snapshot, application Application, leading Leading, now time.Time) (states.Change, error) {
	p := newPlanner(snapshot, leading, now)
	var d *draft
	var err error
	if !snapshot.Desired.There() && !snapshot.Record.There() {
		d, err = p.birth(application)
	} else {
		d, err = p.redefine(application)
	}
	if err != nil {
		return states.Change{}, err
	}
	d.change.Entry.By, d.change.Entry.Accessor, d.change.Entry.Why = application.By, application.Accessor, application.Why
	d.change.Entry.Request, d.change.Entry.Kind = application.ID, "apply"
	d.defines(application.Text)
	return *d.decide().Change, nil
}

// defines writes a definition, and notes it with its digest, and what it replaces.
func (d *draft) defines(text string) {
	entry, before := &d.change.Entry, d.planner.Source
	d.change.Definition, entry.Definition = &text, short(text)
	if before != "" {
		entry.DefinitionBefore = short(before)
	}
	if len(text) <= states.MaxText && len(before) <= states.MaxText {
		entry.Text, entry.TextBefore = text, before
	}
}

// short is a digest that people can compare.
func short(text string) string { return states.Fingerprint([]byte(text))[:12] }

// redefine replaces a definition, unless a state would go in which the cluster is, or is to be.
func (p *planner) redefine(application Application) (*draft, error) {
	if decision := p.broken(); decision != nil {
		return nil, fmt.Errorf("apply cluster %q: %s", p.Cluster, decision.Waits[0].Reason)
	}
	if application.Initial != nil {
		return nil, fmt.Errorf("apply cluster %q: --initial is for a cluster that is born, and this one is at %s", p.Cluster, p.Desired.Value.State)
	}
	if p.Source == application.Text {
		return nil, ErrUnchanged
	}
	for _, state := range p.inUse() {
		if _, still := application.Definition.State(state.Name); !still {
			return nil, fmt.Errorf("apply cluster %q: the definition drops state %q, and the cluster is in it, leaves it or enters it; move the cluster first", p.Cluster, state.Name)
		}
	}
	return p.draft(states.EventApplied, "definition replaced"), nil
}

// inUse lists the states that a new definition must still have.
func (p *planner) inUse() []states.State {
	desired := p.Desired.Value
	used := append([]states.State{desired.State, desired.Stable}, desired.From...)
	if p.record.Status == states.Running || p.record.Status == states.Paused {
		for _, hop := range p.record.Hops {
			used = append(used, hop.State)
		}
	}
	return slices.DeleteFunc(used, states.State.None)
}

// birth writes generation 1. A state that serves nobody is open from the start, so that every node
// converges to it whenever it comes. One that serves is closed, and waits to be resumed: whatever
// runs there is not touched because somebody typed apply.
func (p *planner) birth(application Application) (*draft, error) {
	if seen := p.marked(); len(seen) > 0 {
		return nil, fmt.Errorf("apply cluster %q: it has no desired state, and %s accepted one before, as after a wipe: %s; %s",
			p.Cluster, states.Count(len(seen), "node"), list(seen), recoverAnew(p.Cluster))
	}
	state, err := application.at()
	if err != nil {
		return nil, fmt.Errorf("apply cluster %q: %w", p.Cluster, err)
	}
	d := p.draft(states.EventBorn, "born at %s", state)
	hop := states.Hop{State: state, From: []states.State{{}}, Policy: transitionInto(application.Definition, state.Name).Policy}
	d.record = states.Record{Schema: states.Schema, ID: transitionID(application.ID), Request: application.ID,
		By: application.By, Accessor: application.Accessor, Why: application.Why,
		Target: state.Short(), Hops: []states.Hop{hop}, Windows: application.Definition.Windows, StartedAt: p.now, HopAt: p.now, ProgressAt: p.now, Members: p.muster(nil)}
	desired := d.rewrite()
	*desired = states.Desired{Mark: states.Mark{Epoch: p.leading.Epoch, Generation: 1, Transition: d.record.ID},
		Known: application.Definition.StateNames(), State: state, Stable: state, From: []states.State{}}
	d.tell(hop)
	if state.Serving {
		desired.Joiners, desired.From = states.JoinersWait, hop.From
		d.record.Status, d.record.Cause, d.record.PausedAt = states.Paused, states.ByBirth, p.now
		d.change.Entry.Reason += ", which serves: nobody converges until orch resume " + p.Cluster
	} else {
		desired.Open, desired.Reached = true, desired.Generation
		d.record.Status, d.record.OpenedAt, d.record.EndedAt = states.Done, p.now, p.now
	}
	d.record.Reason = d.change.Entry.Reason
	if why := d.carry(states.Request{ID: application.ID, Warrant: application.Warrant}, d.record.Hops); why != "" {
		return nil, fmt.Errorf("apply cluster %q: %s", p.Cluster, why)
	}
	return d, nil
}

// at gives the state that a cluster is born at.
func (a Application) at() (states.State, error) {
	ref := states.Ref{Name: a.Definition.Initial}
	if a.Initial != nil {
		ref = *a.Initial
	}
	return a.Definition.Resolve(ref)
}

// marked lists the nodes that have followed a desired state of this cluster before.
func (p *planner) marked() []string {
	var names []string
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if node.Status.OK() && !node.Status.Value.Mark.Zero() {
			names = append(names, node.Name)
		}
	}
	return names
}

// transitionInto gives the way into a state for nodes that are there, or should be: from itself
// where that is declared, else the first one, else one with the built-in policy.
func transitionInto(definition states.Cluster, state string) states.Transition {
	if t, declared := definition.Into(state, state); declared {
		return t
	}
	for _, t := range definition.Transitions {
		if t.To == state {
			return t
		}
	}
	return states.Transition{To: state, Policy: states.BuiltIn()}
}

// Affected lists the live agents that a birth would move at once: those who are there already.
func Affected(snapshot states.Snapshot) string {
	var names []string
	for _, node := range snapshot.Nodes {
		if node.Alive {
			names = append(names, node.Name)
		}
	}
	return strings.Join(names, ", ")
}
