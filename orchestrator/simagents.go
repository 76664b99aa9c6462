package orchestrator

import (
	"slices"
	"time"

	"orch/states"
)

// simulatedRun is a run that goes on in a simulation: when it ends, how, and for which `again` it counts.
type simulatedRun struct {
	end     time.Time
	outcome states.Outcome
	again   string
}

// silent is the outcome of a run whose node falls silent in its middle.
const silent = states.Outcome(states.CountLost)

// begin starts every run that an agent's rule would start now.
func (s *simulator) begin() bool {
	began := false
	for i := range s.snapshot.Nodes {
		node := &s.snapshot.Nodes[i]
		if _, runs := s.runs[node.Name]; runs || !node.Alive || !node.Status.OK() {
			continue
		}
		if node.Status.Value.Run.Going() {
			s.adopt(node)
			continue
		}
		verdict := s.verdict(node)
		if !verdict.Go || s.tried(node, verdict) {
			continue
		}
		s.start(node, verdict)
		began = true
	}
	return began
}

// adopt goes on with a run that is under way already.
func (s *simulator) adopt(node *states.Node) {
	run, record, again := node.Status.Value.Run, &s.snapshot.Record.Value, ""
	if run.Transition == record.ID {
		again = record.Again
	}
	left := s.foresee(node, run.State, run.Tries-run.Attempt+1, again)
	left.end = latest(s.now, run.Started.Add(left.end.Sub(s.now)))
	s.goes(node, left)
}

func (s *simulator) verdict(node *states.Node) states.Verdict {
	status := &node.Status.Value
	view := states.View{Desired: s.snapshot.Desired.Value, Now: s.now}
	if node.Order.OK() {
		view.Order = &node.Order.Value
	}
	for _, freeze := range []*states.Doc[states.Freeze]{&s.snapshot.Frozen, &s.snapshot.Freeze} {
		if freeze.OK() && !freeze.Value.Over(s.now) {
			view.Frozen = &freeze.Value
		}
	}
	return states.Decide(states.Self{Instance: status.Instance, State: status.State, Attempting: status.Attempting,
		AgainDone: status.AgainDone, Last: status.Run}, view)
}

// tried tells whether a node that fails would only fail again by itself: one such run tells enough.
func (s *simulator) tried(node *states.Node, verdict states.Verdict) bool {
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
	run := s.foresee(node, verdict.Target, max(1, verdict.Tries), verdict.Again)
	status.Mark, status.Attempting = desired.Mark, verdict.Target.Short()
	status.Run = states.Run{ID: id, State: verdict.Target.Short(), Transition: desired.Transition, Generation: desired.Generation,
		Under: verdict.Under, Attempt: 1, Tries: max(1, verdict.Tries), Timeout: desired.Timeout, Started: s.now, Seconds: run.end.Sub(s.now).Seconds()}
	node.Status.Index++
	s.goes(node, run)
	s.say("runs", node.Name, verdict.Target.String())
}

// foresee tells how a run will end that begins now, and when. One that fails, or takes longer than it
// may, is tried as often as the policy wants.
func (s *simulator) foresee(node *states.Node, target states.State, tries int, again string) simulatedRun {
	desired := s.snapshot.Desired.Value
	run := simulatedRun{outcome: states.Succeeded, again: again}
	took := s.usual(node)
	fails := slices.Contains(s.faults.Fail, node.Name) && !target.Same(node.Status.Value.State)
	switch {
	case slices.Contains(s.faults.Lose, node.Name):
		run.outcome, took = silent, took/2
	case took > time.Duration(desired.Timeout):
		run.outcome, took = states.TimedOut, time.Duration(desired.Timeout)
	case fails:
		run.outcome = states.ExitedBadly
	}
	if run.outcome == states.TimedOut || fails && run.outcome != silent {
		tries = max(1, tries)
		took = took*time.Duration(tries) + time.Duration(desired.RetryDelay)*time.Duration(tries-1)
	}
	for _, drain := range desired.Drains {
		took += time.Duration(drain.Wait)
	}
	run.end = s.now.Add(took)
	return run
}

// remember notes how long runs took that went well.
func (s *simulator) remember() {
	s.index, s.usually = make(map[string]int, len(s.snapshot.Nodes)), map[string]time.Duration{}
	for i := range s.snapshot.Nodes {
		node := &s.snapshot.Nodes[i]
		s.index[node.Name] = i
		if run := &node.Status.Value.Run; run.OK() && run.Seconds > 0 {
			s.usually[node.Name] = time.Duration(run.Seconds * float64(time.Second))
			s.slowest = max(s.slowest, s.usually[node.Name])
		}
	}
}

// usual is how long a node's good run took last; where there was none, it is a guess: as long as the
// slowest of the others took.
func (s *simulator) usual(node *states.Node) time.Duration {
	if took := s.usually[node.Name]; took > 0 {
		return took
	}
	if !slices.Contains(s.guessed, node.Name) {
		s.guessed = append(s.guessed, node.Name)
	}
	if s.slowest > 0 {
		return s.slowest
	}
	return unknownRun
}

// unknownRun is how long a run is taken to last where nobody knows.
const unknownRun = time.Minute

// advance lets time pass until something happens by itself, and lets it happen. A run that ends well
// while others of its batch go on tells the leader nothing yet, so it is not asked after each.
func (s *simulator) advance(wake time.Time) bool {
	for happened := false; ; happened = true {
		next, name := s.first()
		switch {
		case name == "" && wake.IsZero() || happened && (name == "" || !wake.IsZero() && wake.Before(next)):
			return happened
		case name == "" || !wake.IsZero() && wake.Before(next):
			s.now = latest(s.now.Add(10*time.Millisecond), wake) // as the loop of a leader: it never looks twice at one instant
			return true
		}
		s.now = latest(s.now, next)
		if s.finish(name) != states.Succeeded || s.counting == 0 {
			return true
		}
	}
}

// first is the run that ends first.
func (s *simulator) first() (end time.Time, name string) {
	for node, run := range s.runs {
		if name == "" || run.end.Before(end) || run.end.Equal(end) && node < name {
			end, name = run.end, node
		}
	}
	return end, name
}

// goes notes that a run goes on.
func (s *simulator) goes(node *states.Node, run simulatedRun) {
	s.runs[node.Name] = run
	if node.Status.Value.Run.Under != states.UnderJoiner {
		s.counting++
	}
}

// finish ends the run of a node as it is to end.
func (s *simulator) finish(name string) states.Outcome {
	ends := s.runs[name]
	delete(s.runs, name)
	node := &s.snapshot.Nodes[s.index[name]]
	status := &node.Status.Value
	node.Status.Index++
	run := &status.Run
	if run.Under != states.UnderJoiner {
		s.counting--
	}
	switch ends.outcome {
	case silent:
		node.Alive = false
		s.say(states.CountLost, name, "silent in the middle of its run")
		return silent
	case states.Succeeded:
		run.Outcome, run.Terminal, run.Ended = states.Succeeded, true, s.now
		status.State, status.Attempting, status.Failed, status.Drift = run.State, states.State{}, states.Run{}, nil
		if ends.again != "" {
			status.AgainDone = ends.again
		}
	default:
		run.Outcome, run.Exit, run.Terminal, run.Attempt, run.Ended = ends.outcome, 1, true, max(1, run.Tries), s.now
		status.Failed = *run
	}
	s.say(string(run.Outcome), name, run.State.String())
	return ends.outcome
}
