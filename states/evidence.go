package states

import (
	"errors"
	"fmt"
	"time"
)

// Evidence is what a leader saw outside of a cluster's own keys, beside its snapshot. It holds what
// was asked for and nothing else; what could not be found out says so, and is never taken for a yes.
type Evidence struct {
	Gates     map[string]Reading   // of gates that are asked: http and command; by name
	Checks    map[string]Checks    // of gates that look at Consul's checks; by the gate's name
	Primary   Primaries            // who holds the role that goes last
	Elsewhere map[string]Elsewhere // required clusters, by name
}

// The answers of a gate. Empty: it has not answered yet.
const (
	GatePass    = "pass"
	GateFail    = "fail"
	GateUnknown = "unknown" // nobody can tell: that pauses, and is never a failure
)

// Reading is one answer of a gate.
type Reading struct {
	Outcome string    // GatePass, GateFail or GateUnknown
	Text    string    // what it said, in a few words: "0.2%", "503 Service Unavailable"
	At      time.Time // when it was asked, by the leader's clock
}

// Checks are the health checks that a consul_check gate looks at, of every node that has some.
type Checks struct {
	Checks  []Check
	Problem string    // why they could not be read; then Checks means nothing
	At      time.Time // when they were read
}

// Check is one health check, or the worst of one instance of a service.
type Check struct {
	Node   string
	ID     string // of the check, or of the service's instance
	Status string // passing, warning, critical or maintenance, as Consul says
	Output string // its first line
}

// Passing tells whether the check is as good as can be.
func (c Check) Passing() bool { return c.Status == "passing" }

// Primaries are the nodes that hold the role which a `primary` block names.
type Primaries struct {
	Nodes   []string // empty: nobody holds it
	Problem string   // why nobody can tell
	At      time.Time
}

// Elsewhere is what a requirement needs to know of another cluster.
type Elsewhere struct {
	There   bool
	State   State
	Settled bool   // it is at rest there, and everybody arrived who counts
	Reason  string // where it is not settled: what it is doing
	Index   uint64 // of its desired state: what is let go because of it goes only while that holds
	Problem string // why it could not be read
	At      time.Time
}

// Vote is the document at gates/<name>: a gate that somebody else answers. It is asked where a
// "command" gate has no program on the leader's machine.
type Vote struct {
	Summary string    `json:"summary,omitempty"`
	Schema  int       `json:"schema"`
	Outcome string    `json:"outcome"` // pass or fail
	By      string    `json:"by"`
	Why     string    `json:"why,omitempty"`
	Until   time.Time `json:"until,omitzero"` // it means nothing any more after that
}

// Validate finds values that nobody can mean.
func (v Vote) Validate() error {
	switch {
	case v.Outcome != GatePass && v.Outcome != GateFail:
		return fmt.Errorf("outcome %q is neither pass nor fail", v.Outcome)
	case v.By == "":
		return errors.New("it does not say by whom")
	}
	return nil
}

// Reading tells what a vote means at an instant.
func (v Vote) Reading(now time.Time) Reading {
	text := v.Outcome + " by " + v.By
	if v.Why != "" {
		text += ": " + v.Why
	}
	if !v.Until.IsZero() && now.After(v.Until) {
		return Reading{Outcome: GateUnknown, Text: "it ended " + v.Until.UTC().Format("2006-01-02 15:04Z") + ": " + text, At: now}
	}
	return Reading{Outcome: v.Outcome, Text: text, At: now}
}
