package orchestrator

import (
	"slices"
	"time"

	"orch/states"
)

// Faults are what goes wrong in a simulation.
type Faults struct {
	Fail []string // nodes whose every run to a state other than their own fails
	Lose []string // nodes that fall silent in the middle of their first run
}

// Simulation is what the policy would do, told to the end.
type Simulation struct {
	Steps   []SimulatedStep
	Record  states.Record
	Desired states.Desired
	Nodes   []states.Node
	Took    time.Duration
	Guessed []string // nodes that never ran anything: how long they take is a guess
	Stands  string   // why it stands still before its end; empty: it does not
}

// SimulatedStep is one thing that a leader or a node would do.
type SimulatedStep struct {
	After  time.Duration // since the request
	Event  string        // of the journal; "runs", "ok", "failed" and "lost" of a node
	Node   string
	Reason string
}

// Simulate runs the planner, and every agent's own rule, forward on a snapshot to the end, with what
// goes wrong on the way. Without a request (a zero one) it goes on with what is under way. Runs take what they took last. Gates are taken to hold and approvals to be
// given; other clusters and the primary are as the snapshot's evidence has them. Nothing is written.
func Simulate(snapshot states.Snapshot, request states.Request, faults Faults, leading Leading, now time.Time) Simulation {
	snapshot.Requests = nil
	if request.ID != "" {
		snapshot.Requests = []states.Doc[states.Request]{{Value: request, Index: 1}}
	}
	snapshot.Nodes = slices.Clone(snapshot.Nodes)
	s := &simulator{snapshot: snapshot, faults: faults, leading: leading, began: now, now: now, ends: map[string]time.Time{}}
	for i := 0; s.step(); i++ {
		if i == maxForesight {
			s.stands = s.waits
			break
		}
	}
	return Simulation{Steps: s.steps, Record: s.snapshot.Record.Value, Desired: s.snapshot.Desired.Value,
		Nodes: s.snapshot.Nodes, Took: s.now.Sub(s.began), Guessed: s.guessed, Stands: s.stands}
}

// simulator is a cluster that is only imagined.
type simulator struct {
	snapshot   states.Snapshot
	faults     Faults
	leading    Leading
	began, now time.Time
	ends       map[string]time.Time // of the runs that go on, by node
	steps      []SimulatedStep
	guessed    []string
	waits      string // what the leader waited for last
	stands     string
}

// unknownRun is how long a run is taken to last where nobody knows.
const unknownRun = time.Minute

func (s *simulator) say(event, node, reason string) {
	s.steps = append(s.steps, SimulatedStep{After: s.now.Sub(s.began), Event: event, Node: node, Reason: reason})
}

// step lets the leader, a node or the clock take one step. False: nothing happens any more.
func (s *simulator) step() bool {
	s.snapshot.Evidence = s.evidence()
	decision := Plan(s.snapshot, s.leading, s.now)
	if decision.Change != nil {
		s.say(decision.Change.Entry.Event, "", decision.Reason)
		s.snapshot = After(s.snapshot, *decision.Change)
		return true
	}
	s.waits = decision.said()
	if s.approve(decision) || s.begin() {
		return true
	}
	if s.advance(decision.Wake) {
		return true
	}
	if !decision.Idle {
		s.stands = s.waits
	}
	return false
}

// approve gives the word that a move waits for.
func (s *simulator) approve(decision Decision) bool {
	record := s.snapshot.Record.Value
	if record.Awaiting != states.AwaitApproval || len(decision.Waits) == 0 {
		return false
	}
	p := newPlanner(s.snapshot, s.leading, s.now)
	batch, _ := p.unapproved()
	s.snapshot.Requests = []states.Doc[states.Request]{{Index: 1, Value: states.Request{ID: "q-approve", Kind: states.AskApprove, By: "somebody",
		Transition: record.ID, Hop: record.Hop, Batch: batch, At: s.now, Expires: s.now.Add(time.Hour)}}}
	return true
}

// begin starts every run that an agent's rule would start now.
func (s *simulator) begin() bool {
	began := false
	for i := range s.snapshot.Nodes {
		node := &s.snapshot.Nodes[i]
		if _, runs := s.ends[node.Name]; runs || !node.Alive || !node.Status.OK() || node.Status.Value.Run.Going() && s.adopt(node) {
			continue
		}
		verdict := s.verdict(*node)
		if !verdict.Go || s.tried(*node, verdict) {
			continue
		}
		s.start(node, verdict)
		began = true
	}
	return began
}

// adopt goes on with a run that is under way already.
func (s *simulator) adopt(node *states.Node) bool {
	took, _ := s.usual(node.Status.Value)
	s.ends[node.Name] = latest(s.now, node.Status.Value.Run.Started.Add(took))
	return true
}

func (s *simulator) verdict(node states.Node) states.Verdict {
	status := node.Status.Value
	view := states.View{Desired: s.snapshot.Desired.Value, Now: s.now}
	if node.Order.OK() {
		view.Order = &node.Order.Value
	}
	for _, freeze := range []states.Doc[states.Freeze]{s.snapshot.Frozen, s.snapshot.Freeze} {
		if freeze.OK() {
			view.Frozen = &freeze.Value
		}
	}
	return states.Decide(states.Self{Instance: status.Instance, State: status.State, Attempting: status.Attempting,
		AgainDone: status.AgainDone, Last: status.Run}, view)
}

// tried tells whether a node that fails would only fail again by itself: one such run tells enough.
func (s *simulator) tried(node states.Node, verdict states.Verdict) bool {
	last := node.Status.Value.Run
	return last.Bad() && last.State.Same(verdict.Target) && last.Transition == s.snapshot.Desired.Value.Transition &&
		(verdict.Run == "" || verdict.Run == last.ID)
}

func (s *simulator) start(node *states.Node, verdict states.Verdict) {
	desired, status := s.snapshot.Desired.Value, &node.Status.Value
	id := verdict.Run
	if id == "" {
		id = runID(desired.Transition, desired.Generation, node.Name)
	}
	took, known := s.usual(*status)
	status.Mark, status.Attempting = desired.Mark, verdict.Target.Short()
	status.Run = states.Run{ID: id, State: verdict.Target.Short(), Transition: desired.Transition, Generation: desired.Generation,
		Under: verdict.Under, Attempt: 1, Tries: verdict.Tries, Timeout: desired.Timeout, Started: s.now, Seconds: took.Seconds()}
	node.Status.Index++
	s.ends[node.Name] = s.now.Add(took)
	if !known && !slices.Contains(s.guessed, node.Name) {
		s.guessed = append(s.guessed, node.Name)
	}
	s.say("runs", node.Name, verdict.Target.String())
}

// usual is how long a node's run took last; where that is not known, as long as the slowest of the
// others took.
func (s *simulator) usual(status states.Status) (took time.Duration, known bool) {
	seconds := status.Run.Seconds
	if status.Run.ID == "" || seconds <= 0 {
		for _, node := range s.snapshot.Nodes {
			if run := node.Status.Value.Run; run.OK() {
				seconds = max(seconds, run.Seconds)
			}
		}
	}
	if seconds <= 0 {
		return unknownRun, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// advance lets time pass until something happens by itself, and lets it happen.
func (s *simulator) advance(wake time.Time) bool {
	next, names := wake, []string{}
	for name, end := range s.ends {
		switch {
		case next.IsZero() || end.Before(next):
			next, names = end, []string{name}
		case end.Equal(next):
			names = append(names, name)
		}
	}
	if next.IsZero() {
		return false
	}
	s.now = latest(s.now, next)
	slices.Sort(names)
	for _, name := range names {
		if _, runs := s.ends[name]; runs {
			s.finish(name)
		}
	}
	return true
}

// finish ends the run of a node as it is to end.
func (s *simulator) finish(name string) {
	delete(s.ends, name)
	i := slices.IndexFunc(s.snapshot.Nodes, func(n states.Node) bool { return n.Name == name })
	node := &s.snapshot.Nodes[i]
	status := &node.Status.Value
	node.Status.Index++
	run := &status.Run
	switch {
	case slices.Contains(s.faults.Lose, name):
		node.Alive = false
		s.say(states.CountLost, name, "silent in the middle of its run")
		return
	case slices.Contains(s.faults.Fail, name) && !run.State.Same(status.State):
		run.Outcome, run.Exit, run.Terminal, run.Attempt, run.Ended = states.ExitedBadly, 1, true, max(1, run.Tries), s.now
		status.Failed = *run
	default:
		run.Outcome, run.Terminal, run.Ended = states.Succeeded, true, s.now
		status.State, status.Attempting, status.Failed = run.State, states.State{}, states.Run{}
		if s.snapshot.Record.Value.Again != "" {
			status.AgainDone = s.snapshot.Record.Value.Again
		}
	}
	s.say(string(run.Outcome), name, run.State.String())
}

// evidence takes every gate to hold and every service to be well; the rest is as it was seen.
func (s *simulator) evidence() states.Evidence {
	evidence := states.Evidence{Gates: map[string]states.Reading{}, Checks: map[string]states.Checks{},
		Primary: s.snapshot.Evidence.Primary, Elsewhere: s.snapshot.Evidence.Elsewhere}
	if evidence.Primary.At.IsZero() {
		evidence.Primary.At = s.now
	}
	for _, gate := range s.snapshot.Record.Value.Current().Gates {
		if gate.Kind != states.GateConsulCheck {
			evidence.Gates[gate.Name] = states.Reading{Outcome: states.GatePass, At: s.now}
			continue
		}
		evidence.Checks[gate.Name] = states.Checks{At: s.now, Checks: s.checks(gate)}
	}
	return evidence
}

func (s *simulator) checks(gate states.Gate) []states.Check {
	var checks []states.Check
	for _, node := range s.snapshot.Nodes {
		for _, id := range append(slices.Clone(gate.Checks), gate.Service) {
			if id != "" {
				checks = append(checks, states.Check{Node: node.Name, ID: id, Status: "passing"})
			}
		}
	}
	return checks
}
