package states

import (
	"errors"
	"fmt"
	"time"
)

// Phase is what a node is doing, in one word.
type Phase string

// The phases of a node, as its agent reports them.
const (
	Settled    Phase = "settled"    // at the state it should be at
	Drifted    Phase = "drifted"    // it reached that, and is not as it should be any more
	Waiting    Phase = "waiting"    // for its turn, or to be told
	Draining   Phase = "draining"   // a run was let go; its services are out of the traffic, and it waits until that is over
	Converging Phase = "converging" // a run is going on
	Retrying   Phase = "retrying"   // a try failed, another follows
	Failed     Phase = "failed"     // a run failed and none follows by itself
	Held       Phase = "held"       // an operator holds this node, or forgot it
	Frozen     Phase = "frozen"
	Refusing   Phase = "refusing"  // what lies in Consul cannot be followed
	Observing  Phase = "observing" // would run, but is told only to watch
)

// Outcome is how a run ended.
type Outcome string

// The outcomes of a run. Empty: it has not ended.
const (
	Succeeded   Outcome = "ok"
	ExitedBadly Outcome = "failed"      // exited with another code than 0, or could not be started
	TimedOut    Outcome = "timeout"     // ended when its time was over
	Killed      Outcome = "killed"      // ended by somebody else's signal
	Interrupted Outcome = "interrupted" // somebody ended it, its runner was killed, or the node went down
)

// What lets a run go. Only the first two count in the budget. A batch waits for the end of all but
// joiners' runs; the last two are the node's own idea, and begin only in a cluster at rest.
const (
	UnderOrder  = "order"
	UnderOpen   = "open"
	UnderJoiner = "joiner"
	UnderRepair = "repair" // its check found that it drifted
	UnderPeriod = "period" // its last run is so long ago
)

// Run is one execution of the converge command, and its repetitions under the same id.
type Run struct {
	ID         string    `json:"id"`
	State      State     `json:"state"`
	Transition string    `json:"transition"`
	Generation uint64    `json:"generation"`
	Under      string    `json:"under"` // UnderOrder and so on: what let it go
	Attempt    int       `json:"attempt"`
	Tries      int       `json:"tries"` // how many there are under this id
	Timeout    Duration  `json:"timeout"`
	Drain      Duration  `json:"drain,omitempty"` // at most so long it waits, before the timeout begins, for its services' traffic to end
	Started    time.Time `json:"started"`
	Ended      time.Time `json:"ended,omitzero"`
	Outcome    Outcome   `json:"outcome,omitempty"`
	Terminal   bool      `json:"terminal"` // no further try follows under this id
	Exit       int       `json:"exit"`
	Signal     string    `json:"signal,omitempty"`
	Seconds    float64   `json:"seconds"`
	Error      string    `json:"error,omitempty"`  // why it could not be started, or ended as it did
	Tail       []string  `json:"tail,omitempty"`   // the last lines of output
	Log        string    `json:"log,omitempty"`    // where all of it is, on the node
	Change     string    `json:"change,omitempty"` // "changed" or "unchanged", where the tool that converges says so
}

// OK tells whether the run is over and did what it should.
func (r Run) OK() bool { return r.Outcome == Succeeded }

// Going tells whether the run's process may be alive.
func (r Run) Going() bool { return r.ID != "" && r.Outcome == "" }

// Bad tells whether the run is over, failed, and will not be tried again under its id.
func (r Run) Bad() bool { return r.Terminal && !r.OK() }

// Ending says how the run ended: "exit 1 after 12s".
func (r Run) Ending() string {
	after := " after " + Duration(time.Duration(r.Seconds*float64(time.Second)).Round(100*time.Millisecond)).String()
	switch r.Outcome {
	case Succeeded:
		return "ok" + after
	case ExitedBadly:
		if r.Error != "" {
			return r.Error
		}
		return fmt.Sprintf("exit %d%s", r.Exit, after)
	case TimedOut:
		return "timed out" + after
	case Killed:
		return "killed by " + r.Signal + after
	case Interrupted:
		if r.Error != "" {
			return r.Error
		}
		return "interrupted: the agent ended and the run with it"
	}
	return "running"
}

// Status is the document at clusters/<c>/status/<node>. Only that node's agent writes it; whether
// the agent is alive is told by the session that holds the key, not by the document.
type Status struct {
	Summary  string `json:"summary"`
	Schema   int    `json:"schema"`
	Instance string `json:"instance"` // made with the agent's state directory
	Mark
	State      State             `json:"state,omitzero"`      // reached; none until a run succeeded
	Attempting State             `json:"attempting,omitzero"` // what the last run was to reach, while that did not succeed
	Phase      Phase             `json:"phase"`
	Reason     string            `json:"reason"`
	Run        Run               `json:"run,omitzero"`    // the last one, or the one going on
	Failed     Run               `json:"failed,omitzero"` // the last one that failed for good; gone with the next success. See LastFailed
	AgainDone  string            `json:"again_done,omitempty"`
	Refused    string            `json:"refused,omitempty"`  // what in Consul cannot be followed, and why
	Drained    []string          `json:"drained,omitempty"`  // ids of the service instances that the agent has in maintenance
	Drift      *Drift            `json:"drift,omitempty"`    // its own check says that it is not what its state says
	Disabled   *Word             `json:"disabled,omitempty"` // by somebody on the node itself: its agent starts nothing
	Unable     string            `json:"unable,omitempty"`   // why its agent can start nothing: what it has to know or to write down on its node is of no use
	Meta       map[string]string `json:"meta,omitempty"`
	Trust      Trust             `json:"trust,omitempty"` // the keys that its agent obeys; none: it obeys whoever may write
	Tree       string            `json:"id,omitempty"`    // of the tree of keys that it follows: after a wipe, only agents know it
	Since      time.Time         `json:"since"`           // of the phase
}

// Validate finds values that no agent writes; the leader then counts the status as not there.
func (s Status) Validate() error {
	switch {
	case !ValidID(s.Instance):
		return fmt.Errorf("instance %q is malformed", s.Instance)
	case s.Epoch > maxCounter || s.Generation > maxCounter:
		return errors.New("epoch or generation is out of range")
	case s.Run.ID != "" && !ValidID(s.Run.ID):
		return fmt.Errorf("run id %q is malformed", s.Run.ID)
	case !s.Run.Timeout.possible() || !s.Run.Drain.possible():
		return fmt.Errorf("the timeout %s of its run, or its drain %s, is out of range", s.Run.Timeout, s.Run.Drain)
	}
	if err := s.State.validate(); err != nil {
		return err
	}
	return s.Attempting.validate()
}

// Off tells whether the node's agent starts nothing, whatever it is ordered: somebody disabled it, or it
// cannot.
func (s *Status) Off() bool { return s.Disabled != nil || s.Unable != "" }

// WhyOff says why, after the node's name.
func (s *Status) WhyOff() string {
	switch {
	case s.Disabled != nil:
		return "disabled on its node " + s.Disabled.String()
	case s.Unable != "":
		return "unable: " + s.Unable
	}
	return ""
}

// At tells whether the node reached the state and attempted nothing else since.
func (s *Status) At(state State) bool {
	return !s.State.None() && s.State.Same(state) && s.Attempting.None()
}

// Done tells whether the node reached the state, and converged there once more where again asks for it.
func (s *Status) Done(state State, again string) bool {
	return s.At(state) && (again == "" || s.AgainDone == again)
}

// LastFailed gives the last run that failed for good, with the lines of its output: they are written
// once where it is also the last run.
func (s Status) LastFailed() Run {
	if s.Failed.ID != "" && s.Failed.ID == s.Run.ID && len(s.Failed.Tail) == 0 {
		s.Failed.Tail = s.Run.Tail
	}
	return s.Failed
}

// Ended tells whether the run of that id is over for good, and gives it.
func (s *Status) Ended(run string) (Run, bool) {
	for _, r := range []*Run{&s.Run, &s.Failed} {
		if run != "" && r.ID == run && r.Terminal {
			return *r, true
		}
	}
	return Run{}, false
}
