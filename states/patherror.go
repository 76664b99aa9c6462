package states

import (
	"fmt"
	"strings"
)

// PathKind says why there is no path to take.
type PathKind string

// The reasons of a PathError.
const (
	NoPath        PathKind = "no path"
	UnsafePath    PathKind = "unsafe path"
	AmbiguousPath PathKind = "ambiguous path"
)

// PathError refuses a move because of the cluster's map of transitions, not because of anything
// that happens just now. Commands end with their code for a refusal.
type PathError struct {
	Kind    PathKind
	Cluster string
	From    State
	To      State
	Paths   []string // as text: the unsafe one, or those that are equally short
	Why     []string // what is unsafe about it, hop by hop
	Via     []string // the stops that make it legal; empty where only a new transition does
	Legal   []string // the states that can be entered from here
}

// Error says what was refused, why, and what to do, in a few sentences.
func (e *PathError) Error() string {
	what := fmt.Sprintf("move %q from %s to %s", e.Cluster, e.From, e.To)
	switch e.Kind {
	case AmbiguousPath:
		return fmt.Sprintf("%s: two paths are equally short: %s, and %s; choose with --via STATE", what, e.Paths[0], e.Paths[1])
	case UnsafePath:
		return fmt.Sprintf("%s: the only path is %s, and it is not safe: %s; %s", what, e.Paths[0], strings.Join(e.Why, ", "), e.advice())
	}
	return fmt.Sprintf("%s: no path leads there; from %s it can go to %s; or %s", what, e.From, e.legal(), e.declare())
}

func (e *PathError) advice() string {
	if len(e.Via) == 0 {
		return e.declare()
	}
	return fmt.Sprintf("%s, or take this path all the same with --via %s", e.declare(), strings.Join(e.Via, " --via "))
}

func (e *PathError) declare() string {
	return fmt.Sprintf("declare transition %q { from = [%q] }", e.To.Name, e.From.Name)
}

func (e *PathError) legal() string {
	if len(e.Legal) == 0 {
		return "no state"
	}
	return strings.Join(e.Legal, ", ")
}
