package states

import (
	"errors"
	"fmt"
	"time"
)

// Order is the document at clusters/<c>/orders/<node>: the leader's word that this node may go
// now, or must not. It is a slot, not a lock: it survives the node's reboot.
type Order struct {
	Summary    string   `json:"summary"`
	Schema     int      `json:"schema"`
	Transition string   `json:"transition,omitempty"`
	Generation uint64   `json:"generation,omitempty"`
	State      State    `json:"state,omitzero"`     // for people, and to tell one hop of a transition from another
	Instance   string   `json:"instance,omitempty"` // of the agent it was given to
	Run        string   `json:"run,omitempty"`
	Timeout    Duration `json:"timeout,omitempty"`
	Again      string   `json:"again,omitempty"`
	Batch      uint64   `json:"batch,omitempty"` // the journal's number of its batch: who went last goes back first

	Void      string `json:"void,omitempty"` // why this order must not be followed any more
	Held      *Word  `json:"held,omitempty"`
	Forgotten *Word  `json:"forgotten,omitempty"` // this instance is no node of the cluster any more
}

// Word is an operator's word about one node or everybody: who said it, why, since when, until when.
type Word struct {
	By       string    `json:"by"`
	Why      string    `json:"why,omitempty"`
	At       time.Time `json:"at"`
	Until    time.Time `json:"until,omitzero"`
	Instance string    `json:"instance,omitempty"` // of a forgotten agent
}

// String tells it as part of a reason: `by ada@bastion since 02:15:31Z: disk swap`.
func (w Word) String() string {
	text := "by " + w.By + " since " + w.At.UTC().Format("15:04:05Z")
	if !w.Until.IsZero() {
		text += ", until " + w.Until.UTC().Format("2006-01-02 15:04Z")
	}
	if w.Why != "" {
		text += ": " + w.Why
	}
	return text
}

// Over tells whether the word has ended by itself.
func (w Word) Over(now time.Time) bool { return !w.Until.IsZero() && !now.Before(w.Until) }

// Freeze is the document at freeze and at clusters/<c>/freeze.
type Freeze struct {
	Summary string `json:"summary"`
	Schema  int    `json:"schema"`
	Word
}

// Validate finds values that no leader writes.
func (o Order) Validate() error {
	if o.Run == "" {
		if o.Held == nil && o.Forgotten == nil && o.Void == "" {
			return errors.New("it orders nothing, holds nothing and forgets nothing")
		}
		return nil
	}
	switch {
	case !ValidID(o.Run) || !ValidID(o.Transition) || !ValidID(o.Instance):
		return fmt.Errorf("run %q, transition %q or instance %q is malformed", o.Run, o.Transition, o.Instance)
	case o.Generation == 0 || o.Generation > maxCounter:
		return fmt.Errorf("generation %d is out of range", o.Generation)
	case !ValidAgain(o.Again):
		return fmt.Errorf("again %q is malformed", Clip(o.Again, 100))
	case o.Timeout <= 0 || !o.Timeout.possible():
		return fmt.Errorf("timeout %s is not above 0, or out of range", o.Timeout)
	}
	return o.State.validate()
}

// HeldAt gives the operator's word that holds the node at an instant, or nil.
func (o *Order) HeldAt(now time.Time) *Word {
	if o.Held == nil || o.Held.Over(now) {
		return nil
	}
	return o.Held
}

// For tells whether this order lets that agent go under that desired state. Transition and
// generation must both match: after a restore an old generation may lie there again.
func (o *Order) For(desired *Desired, instance string) bool {
	return o.Run != "" && o.Void == "" &&
		o.Transition == desired.Transition && o.Generation == desired.Generation && o.Instance == instance
}

// OfHop tells whether the order was given, at whatever generation, for the move that desired is about.
func (o *Order) OfHop(desired *Desired) bool {
	return o.Run != "" && o.Transition == desired.Transition && o.State.Same(desired.State)
}
