package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Recovery is what somebody wants in the place of what was lost, or was rolled back.
type Recovery struct {
	Target     states.Ref
	Definition *states.Cluster // to be applied with it; nil: the one that lies there
	Text       string          // of Definition
	Last       states.Entry    // the newest of the journal that can be read, and the highest number there is
	Healthy    bool            // although nothing is wrong
	ID         string          // of the request; the transition's id is derived from it
	By         string
	Accessor   string
	Why        string
	Warrant    *states.Warrant // where it is signed
}

// beyond is how far a recovery jumps above everything that was ever seen: whoever comes back later
// with a higher mark than anybody had is most likely still below it.
const beyond = 1000

// Broken says what keeps anybody from leading a cluster, or nothing.
func Broken(snapshot states.Snapshot, now time.Time) []Wait {
	if decision := newPlanner(snapshot, Leading{}, now).broken(); decision != nil {
		return decision.Waits
	}
	return nil
}

// Seen gives the highest epoch and the highest generation that anybody is known to have seen. What
// nobody can have counted to was planted, or is the word of a node whose clock is wrong: nobody goes there.
func Seen(snapshot states.Snapshot, last states.Entry, now time.Time) states.Mark {
	var seen states.Mark
	see := func(epoch, generation uint64) {
		seen.Epoch, seen.Generation = max(seen.Epoch, states.Believed(epoch, now)), max(seen.Generation, states.Believed(generation, now))
	}
	see(last.Epoch, last.Generation)
	see(snapshot.Leader.Value.Epoch, 0)
	see(snapshot.Desired.Value.Epoch, snapshot.Desired.Value.Generation)
	for _, node := range snapshot.Nodes {
		see(node.Status.Value.Epoch, node.Status.Value.Generation)
		see(0, node.Status.Value.Run.Generation)
		see(0, node.Order.Value.Generation)
	}
	for _, gauge := range snapshot.Record.Value.Gates {
		see(gauge.Epoch, 0)
	}
	return seen
}

// Newest gives the highest number, epoch and generation in a journal, for a recovery to go on from. What
// cannot be read has a number all the same; one that nobody can have counted to has not.
func Newest(entries []states.Doc[states.Entry], now time.Time) states.Entry {
	var last states.Entry
	for _, doc := range entries {
		last.Seq++
		if seq := doc.Value.Seq; seq <= states.MostEntries(now) {
			last.Seq = max(last.Seq, seq)
		}
		last.Epoch = max(last.Epoch, states.Believed(doc.Value.Epoch, now))
		last.Generation = max(last.Generation, states.Believed(doc.Value.Generation, now))
	}
	return last
}

// Recover decides what is written after a restore, or where keys are gone: a desired state above
// everything that was ever seen, so that nothing goes backwards and nobody refuses for ever. It is
// closed, and paused: nobody is let go before somebody says so, and then batch by batch. It can be
// done again, should a node come back that has seen still more.
func Recover(snapshot states.Snapshot, wanted Recovery, leading Leading, now time.Time) (states.Change, error) {
	fail := func(format string, args ...any) (states.Change, error) {
		return states.Change{}, fmt.Errorf("recover %q: %w", snapshot.Cluster, fmt.Errorf(format, args...))
	}
	p := newPlanner(snapshot, leading, now)
	if err := p.recoverable(wanted.Healthy); err != nil {
		return fail("%w", err)
	}
	if wanted.Definition != nil {
		p.Definition = states.Doc[states.Cluster]{Value: *wanted.Definition, Index: max(1, p.Definition.Index)}
	}
	if !p.Definition.OK() {
		return fail("its definition cannot be used: %s; give it along: --definition PATH", p.problem())
	}
	state, err := p.target(wanted.Target)
	if err != nil {
		return fail("%w", err)
	}
	seen := Seen(snapshot, wanted.Last, p.now)
	p.leading.Epoch = max(leading.Epoch, seen.Epoch+beyond)
	if !p.Record.OK() || p.record.Journal > states.MostEntries(p.now) {
		p.record = states.Record{}
	}
	p.record.Journal = max(p.record.Journal, wanted.Last.Seq)
	d := p.draft(states.EventRecovered, "recovered to %s at generation %d, beyond everything that was seen; nobody is let go until orch resume %s",
		state, seen.Generation+beyond, p.Cluster)
	d.recovered(state, seen.Generation+beyond, wanted)
	if why := d.carry(states.Request{ID: wanted.ID, Warrant: wanted.Warrant}, d.record.Hops); why != "" {
		return fail("%s", why)
	}
	change := *d.decide().Change
	if err := change.Desired.Validate(); err != nil {
		return fail("%w", err)
	}
	return change, nil
}

// recoverable says why there is nothing to recover from, or nil.
func (p *planner) recoverable(healthy bool) error {
	decision := p.broken()
	switch {
	case decision == nil && !healthy:
		return fmt.Errorf("nothing is wrong with it: it can be led, and every agent follows; --override healthy does it all the same")
	case decision != nil && decision.Waits[0].Kind == "unborn":
		return fmt.Errorf("nobody has ever followed it: it is not born yet; orch apply PATH")
	}
	return nil
}

// recovered writes the new record and the new desired state into a draft.
func (d *draft) recovered(state states.State, generation uint64, wanted Recovery) {
	p := d.planner
	hop := hopOf(state, transitionInto(p.Definition.Value, state.Name))
	hop.From = p.whereabouts()
	hop.Policy.Joiners = states.JoinersWait // whoever comes late may be anywhere: it waits for its turn, and gets one
	if hop.Policy.OnFailure == states.RollbackOnFailure {
		hop.Policy.OnFailure = states.PauseOnFailure // nobody knows where that would be
	}
	if !state.Serving { // a floor could never be kept on the way to where nobody serves
		hop.Policy.MinHealthy = states.Size{}
	}
	answers := d.record.Answers
	d.record = states.Record{Schema: states.Schema, ID: transitionID(wanted.ID), Request: wanted.ID,
		By: wanted.By, Accessor: wanted.Accessor, Why: wanted.Why,
		Status: states.Paused, Cause: states.ByRecover, Reason: d.change.Entry.Reason,
		Target: state.Short(), Hops: []states.Hop{hop}, Members: p.muster(nil),
		StartedAt: p.now, HopAt: p.now, ProgressAt: p.now, PausedAt: p.now, Journal: d.record.Journal, Answers: answers}
	d.desired = &states.Desired{Mark: states.Mark{Epoch: p.leading.Epoch, Generation: generation, Transition: d.record.ID},
		Known: p.Definition.Value.StateNames(), State: state, Stable: state, From: hop.From, Warrants: p.Desired.Value.Warrants}
	d.desired.Known = known(p.Definition.Value, *d.desired)
	d.tell(hop)
	d.desired.Joiners = states.JoinersWait
	d.drop()
	entry := &d.change.Entry
	entry.By, entry.Accessor, entry.Why = wanted.By, wanted.Accessor, wanted.Why
	entry.Request, entry.Kind = wanted.ID, "recover"
	if wanted.Healthy {
		entry.Overrides = []string{OverrideHealthy}
	}
	if wanted.Definition != nil {
		d.defines(wanted.Text)
	}
}

// OverrideHealthy is what an operator overrides to recover a cluster that nothing is wrong with.
const OverrideHealthy = "healthy"

// drop answers every request that waits: nobody knows what whoever made it was looking at.
func (d *draft) drop() {
	var who []string
	for _, doc := range d.planner.Requests {
		if len(who) == maxDropped {
			break // what is left is refused later: it was made against another move
		}
		reason := "the cluster was recovered, and whatever was asked before is dropped; look again: orch status " + d.planner.Cluster
		d.record.Answers = append(d.record.Answers, states.Answer{Request: doc.Value.ID, Refused: true, Reason: reason, At: d.planner.now})
		d.change.Dropped = append(d.change.Dropped, doc.Value.ID)
		who = append(who, doc.Value.ID)
	}
	if n := len(d.record.Answers); n > maxAnswers {
		d.record.Answers = slices.Clone(d.record.Answers[n-maxAnswers:])
	}
	if len(who) > 0 {
		d.change.Entry.Reason += "; dropped: " + strings.Join(who, ", ")
	}
}

// maxDropped is how many requests one transaction drops.
const maxDropped = 48

// whereabouts lists every state in which a node may be, "no state" among them: from each of them it
// waits for its turn.
func (p *planner) whereabouts() []states.State {
	at := []states.State{{}}
	add := func(state states.State) {
		if !state.In(at) {
			at = append(at, state.Short())
		}
	}
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if node.Status.OK() {
			add(node.Status.Value.State)
			add(node.Status.Value.Attempting)
		}
	}
	if p.Desired.OK() {
		desired := p.Desired.Value
		for _, state := range append([]states.State{desired.State, desired.Stable}, desired.From...) {
			add(state)
		}
	}
	return at
}
