package states

import (
	"errors"
	"fmt"
	"time"
)

// The kinds of requests. An operator's verb files one; the leader takes them in the order of
// their creation, stops first.
const (
	AskTransition = "transition"
	AskPause      = "pause"
	AskResume     = "resume"
	AskAbort      = "abort"
	AskForget     = "forget"
	AskApprove    = "approve"
	AskRollback   = "rollback"
	AskRetry      = "retry"
	AskHold       = "hold"
	AskUnhold     = "unhold"
	AskReconverge = "reconverge"
	AskFreeze     = "freeze" // to be noted: it lies there already
	AskThaw       = "thaw"   // likewise
	AskUnlock     = "unlock" // likewise: the lease is ended
)

// Request is the document at clusters/<c>/requests/<id>: what an operator asks. It says what the
// operator was looking at, so that a leader can refuse it when the cluster has moved on since.
type Request struct {
	Summary string   `json:"summary"`
	Schema  int      `json:"schema"`
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	Target  Ref      `json:"target,omitzero"` // of a transition; of a rollback that names where to
	Via     []string `json:"via,omitempty"`   // states to pass through, as typed
	Node    string   `json:"node,omitempty"`  // of forget, hold and unhold
	Nodes   []string `json:"nodes,omitempty"` // of retry and reconverge: these only; none: all
	To      string   `json:"to,omitempty"`    // of a rollback: the transition that reached Target

	Hop   int       `json:"hop,omitempty"`   // of an approval: what was looked at
	Batch int       `json:"batch,omitempty"` // of an approval: the batch that is over; 0: nothing began yet
	Until time.Time `json:"until,omitzero"`  // of a hold or a freeze
	Step  bool      `json:"step,omitempty"`  // of a transition: every batch is approved

	Drifted bool `json:"drifted,omitempty"` // of a reconverge: those alone that drifted

	Holder string `json:"holder,omitempty"` // of an unlock: whose lease was ended

	Everybody bool `json:"everybody,omitempty"` // of a freeze or a thaw: not only this cluster

	Transition string `json:"transition"` // what was seen when it was made
	Generation uint64 `json:"generation"`

	By             string    `json:"by"`
	Accessor       string    `json:"accessor,omitempty"` // of the Consul token
	Why            string    `json:"why,omitempty"`
	At             time.Time `json:"at"`
	Expires        time.Time `json:"expires"`
	Supersede      bool      `json:"supersede,omitempty"`       // replace a transition that is running
	Queue          bool      `json:"queue,omitempty"`           // wait until nothing else moves; whoever asked holds the key meanwhile
	Held           bool      `json:"-"`                         // whoever asked is alive: a session holds the key
	AcceptFailures bool      `json:"accept_failures,omitempty"` // resume although the budget is spent
	Overrides      []string  `json:"overrides,omitempty"`       // each thing overridden, by name
	Plan           *Planned  `json:"plan,omitempty"`            // of a transition that was planned before, into a file
	Warrant        *Warrant  `json:"warrant,omitempty"`         // where it is signed
	Unsigned       bool      `json:"-"`                         // it is to be signed yet: what agents want of a signature is not asked
}

// Stops tells whether the request makes the cluster stand still; those are taken first.
func (r Request) Stops() bool { return r.Kind == AskPause || r.Kind == AskAbort }

// Overrides a thing by name: members, for example.
func (r Request) Override(name string) bool {
	for _, o := range r.Overrides {
		if o == name {
			return true
		}
	}
	return false
}

// Validate finds values that no orch writes.
func (r Request) Validate() error {
	switch {
	case !ValidID(r.ID):
		return fmt.Errorf("request id %q is malformed", r.ID)
	case r.By == "" || r.At.IsZero() || r.Expires.IsZero():
		return errors.New("it does not say who asks, when, or until when")
	}
	switch r.Kind {
	case AskTransition:
		if _, err := ParseRef(r.Target.String()); err != nil {
			return err
		}
	case AskRollback:
		if r.Target.Name == "" {
			break
		}
		if _, err := ParseRef(r.Target.String()); err != nil {
			return err
		}
	case AskForget, AskHold, AskUnhold:
		if !ValidNode(r.Node) {
			return fmt.Errorf("node name %q is malformed", r.Node)
		}
	case AskRetry, AskReconverge:
		for _, node := range r.Nodes {
			if !ValidNode(node) {
				return fmt.Errorf("node name %q is malformed", node)
			}
		}
	case AskPause, AskResume, AskAbort, AskApprove, AskFreeze, AskThaw, AskUnlock:
	default:
		return fmt.Errorf("kind %q is unknown", r.Kind)
	}
	return nil
}

// Answer is what became of a request.
type Answer struct {
	Request string    `json:"request"`
	Refused bool      `json:"refused,omitempty"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}
