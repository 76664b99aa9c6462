package orchestrator

import (
	"slices"
	"time"

	"orch/states"
)

// Foretold is how a move is expected to go on, by how long runs took last.
type Foretold struct {
	Left    time.Duration  // 0: nothing moves, or nobody can say
	Batches []states.Batch // that begin from now on, as far as was looked
	Guessed []string       // nodes of which no good run is known
	Known   bool           // of some node one is: without any, Left is no more than a guess
	Rough   bool           // it was not looked to the end: the rest is taken to go at the same pace
	Stands  string         // why it would stand still before its end
	Asks    bool           // it waits for gates or approvals on its way: how long, nobody can say
}

// foretelling bounds what is spent on looking ahead, in nodes looked at: somebody waits for it.
const foretelling = 150_000

// Foretell simulates a move where nothing goes wrong: that of a request or, without one, the move that
// is under way. It takes about a second at the most: a move of many small batches through thousands
// of nodes is not looked at to its end.
func Foretell(snapshot states.Snapshot, request states.Request, leading Leading, now time.Time) Foretold {
	s := simulate(snapshot, request, Faults{}, leading, now, max(40, foretelling/max(1, len(snapshot.Nodes))))
	f := Foretold{Left: s.Took, Batches: s.Batches, Guessed: s.Guessed, Known: s.Known, Rough: s.Cut, Stands: s.Stands, Asks: slices.ContainsFunc(s.Record.Hops, asks)}
	if s.Record.Status == states.Paused {
		f.Stands = s.Record.Reason
	}
	if !s.Cut {
		return f
	}
	ended := 0
	for _, step := range s.Steps {
		if step.Event == string(states.Succeeded) {
			ended++
		}
	}
	if ended == 0 {
		f.Left = 0
		return f
	}
	f.Left += s.Took * time.Duration(s.ahead()) / time.Duration(ended)
	return f
}

// asks tells whether somebody or something has a word in a hop that takes its time.
func asks(hop states.Hop) bool {
	return hop.Policy.Approve != "" && hop.Policy.Approve != states.ApproveNever ||
		slices.ContainsFunc(hop.Gates, func(g states.Gate) bool { return !g.DryRun })
}

// ahead counts the runs that a simulation had not come to when it was given up.
func (s Simulation) ahead() int {
	runs := len(s.Record.Members) * (len(s.Record.Hops) - s.Record.Hop - 1)
	for i := range s.Nodes {
		node := &s.Nodes[i]
		if _, member := s.Record.Member(node.Name); member && !node.Status.Value.Done(s.Desired.State, s.Record.Again) {
			runs++
		}
	}
	return runs
}
