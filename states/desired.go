package states

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Desired is the document at clusters/<c>/desired: what every agent of the cluster must know when
// it is alone. Only a leader writes it.
type Desired struct {
	Summary string `json:"summary"`
	Schema  int    `json:"schema"`
	Cluster string `json:"cluster,omitempty"` // whose it is, lest it is copied to another's key
	Mark
	State    State    `json:"state"`
	Stable   State    `json:"stable"`            // the last state that was reached
	Previous State    `json:"previous,omitzero"` // the one before that
	From     []State  `json:"from"`              // nodes in one of these wait for their turn; "no state" may be among them
	Open     bool     `json:"open"`              // everybody may go
	Joiners  string   `json:"joiners"`           // stable, target or wait
	Again    string   `json:"again,omitempty"`   // an id: converge once more although already there
	Reached  uint64   `json:"reached,omitempty"` // the generation that was, with nothing begun since; see AtRest
	Known    []string `json:"known"`             // the names of all states: one that is not among them was not written by a leader

	Timeout    Duration `json:"timeout"` // of one run
	Retries    int      `json:"retries"`
	RetryDelay Duration `json:"retry_delay"`
	Drains     []Drain  `json:"drain,omitempty"`

	Warrants []Warrant `json:"warrants,omitempty"` // where moves are signed: the newest, then what proves where that lets it be taken back to
}

// Validate finds values that no leader writes. An agent refuses the document and keeps what it has.
func (d Desired) Validate() error {
	switch {
	case d.Epoch == 0 || d.Generation == 0:
		return errors.New("epoch and generation start at 1")
	case d.Epoch > maxCounter || d.Generation > maxCounter:
		return fmt.Errorf("epoch and generation must stay below %d", uint64(maxCounter))
	case !ValidID(d.Transition):
		return fmt.Errorf("transition id %q is malformed", d.Transition)
	case d.Joiners != JoinersStable && d.Joiners != JoinersTarget && d.Joiners != JoinersWait:
		return fmt.Errorf("joiners is %q; it is stable, target or wait", d.Joiners)
	case d.Timeout <= 0 || d.Retries < 0 || d.RetryDelay < 0:
		return errors.New("timeout must be above 0, retries and retry_delay not below it")
	case !d.Timeout.possible() || tooMany(d.Retries) || !d.RetryDelay.possible() || !LongestWait(d.Drains).possible():
		return errors.New("timeout, retries, retry_delay or a drain's wait is out of range")
	}
	if !ValidAgain(d.Again) {
		return fmt.Errorf("again %q is malformed", Clip(d.Again, 100))
	}
	for _, drain := range d.Drains {
		if !ValidService(drain.Service) || drain.Wait < 0 {
			return fmt.Errorf("drain of service %q for %s is not possible", Clip(drain.Service, 150), drain.Wait)
		}
	}
	if d.State.None() || d.Stable.None() {
		return errors.New("state and stable must be named")
	}
	for _, state := range append([]State{d.State, d.Stable, d.Previous}, d.From...) {
		if err := state.validate(); err != nil {
			return err
		}
		if len(d.Known) > 0 && !state.None() && !slices.Contains(d.Known, state.Name) {
			return fmt.Errorf("state %q is none of %s", state.Name, strings.Join(d.Known, ", "))
		}
	}
	return nil
}

// maxCounter is the highest number that every reader of JSON reads as it is. How far a counter may be
// at a time is for MostCounted.
const maxCounter = 1 << 53

func (s State) validate() error {
	switch {
	case s.None() && s.Argument == "":
		return nil
	case !ValidState(s.Name):
		return fmt.Errorf("state name %q is malformed", s.Name)
	case s.Argument != "" && !ValidArgument(s.Argument):
		return fmt.Errorf("argument %q of state %q is malformed", s.Argument, s.Name)
	case !digest.MatchString(s.Digest):
		return fmt.Errorf("digest %q of state %q is malformed", Clip(s.Digest, 100), s.Name)
	case s.Attributes != nil && s.Digest != Digest(s.Attributes):
		return fmt.Errorf("attributes of state %q do not have the digest %q", s.Name, s.Digest)
	}
	return nil
}
