package orchestrator

import (
	"fmt"
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
	Guessed []string // nodes of which no good run is known: how long they take is a guess
	Stands  string   // why it stands still before its end; empty: it does not
	Known   bool     // of some node it is known how long a good run takes
	Cut     bool     // it was given up before its end, because that took too much
	Batches []states.Batch
}

// SimulatedStep is one thing that a leader or a node would do.
type SimulatedStep struct {
	After  time.Duration // since the request
	Event  string        // of the journal; "runs", "ok", "failed" and "lost" of a node
	Node   string
	Reason string
}

// Simulate runs the planner, and every agent's own rule, forward on a snapshot to the end, with what
// goes wrong on the way. Without a request (a zero one) it goes on with what is under way. Runs take
// what they took last. Gates are taken to hold and approvals to be given; other clusters and the
// primary are as the snapshot's evidence has them. Nothing is written.
func Simulate(snapshot states.Snapshot, request states.Request, faults Faults, leading Leading, now time.Time) Simulation {
	return simulate(snapshot, request, faults, leading, now, 2*maxForesight)
}

// simulate is Simulate that looks at most so many times at what is to be done.
func simulate(snapshot states.Snapshot, request states.Request, faults Faults, leading Leading, now time.Time, looks int) Simulation {
	snapshot.Requests = nil
	if request.ID != "" {
		snapshot.Requests = []states.Doc[states.Request]{{Value: request, Index: 1}}
	}
	snapshot.Nodes = slices.Clone(snapshot.Nodes)
	s := &simulator{snapshot: snapshot, faults: faults, began: now, now: now, runs: map[string]simulatedRun{}, planner: newPlanner(snapshot, leading, now)}
	s.remember()
	for s.step() {
		if looks--; looks <= 0 {
			s.cut = true
			break
		}
	}
	return Simulation{Steps: s.steps, Record: s.snapshot.Record.Value, Desired: s.snapshot.Desired.Value,
		Nodes: s.snapshot.Nodes, Took: s.now.Sub(s.began), Guessed: s.guessed, Stands: s.stands, Known: s.slowest > 0, Cut: s.cut, Batches: s.preview.Batches}
}

// simulator is a cluster that is only imagined.
type simulator struct {
	snapshot   states.Snapshot
	faults     Faults
	planner    *planner
	began, now time.Time
	runs       map[string]simulatedRun  // that go on, by node
	counting   int                      // how many of them a batch waits for
	index      map[string]int           // of the nodes, by name
	usually    map[string]time.Duration // by node, how long its run took, if it went well
	slowest    time.Duration            // of those; 0: there is none
	preview    Preview
	steps      []SimulatedStep
	guessed    []string
	approvals  int // that were given
	stands     string
	cut        bool
}

func (s *simulator) say(event, node, reason string) {
	s.steps = append(s.steps, SimulatedStep{After: s.now.Sub(s.began), Event: event, Node: node, Reason: reason})
}

// step lets the leader, a node or the clock take one step. False: nothing happens any more.
func (s *simulator) step() bool {
	s.snapshot.Evidence = s.evidence()
	s.planner = s.planner.later(s.snapshot, s.now)
	decision := s.planner.plan()
	if decision.Change != nil {
		s.say(decision.Change.Entry.Event, "", decision.Reason)
		s.preview.note(*decision.Change)
		s.planner.land(&s.snapshot, *decision.Change)
		return true
	}
	if s.approve(decision) || s.begin() {
		return true
	}
	if s.advance(decision.Wake) {
		return true
	}
	if !decision.Idle {
		s.stands = decision.said()
	}
	return false
}

// approve gives the word that a move waits for. Each is a request of its own: one that comes again is not done
// once more.
func (s *simulator) approve(decision Decision) bool {
	record := s.snapshot.Record.Value
	if record.Awaiting != states.AwaitApproval || len(decision.Waits) == 0 {
		return false
	}
	batch, _ := s.planner.unapproved()
	s.approvals++
	s.snapshot.Requests = []states.Doc[states.Request]{{Index: 1, Value: states.Request{ID: fmt.Sprintf("q-approve-%d", s.approvals), Kind: states.AskApprove, By: "somebody",
		Transition: record.ID, Hop: record.Hop, Batch: batch, At: s.now, Expires: s.now.Add(time.Hour)}}}
	return true
}

// evidence takes every gate to hold and every service to be well; the rest is as it was seen.
func (s *simulator) evidence() states.Evidence {
	evidence := states.Evidence{Gates: map[string]states.Reading{}, Checks: map[string]states.Checks{},
		Primary: s.snapshot.Evidence.Primary, Elsewhere: s.snapshot.Evidence.Elsewhere}
	evidence.Primary.At = s.now
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
