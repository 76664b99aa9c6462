package states

import (
	"fmt"
	"slices"
	"strings"
)

// Move is one hop of a path as the definition allows it: the transition that allows it, and the state that is entered.
type Move struct {
	Transition Transition
	State      State
}

// Path finds the hops of the shortest safe path between two states. Any is only ever the last hop;
// nothing in between takes an argument; and what serves never goes through what does not. The
// states in via must be passed in that order, and are exempt from those rules: somebody named
// them. Whether a cluster that is at the state already has anything to do is the caller's
// question. Every error is a *PathError.
func (c Cluster) Path(from, to State, via ...State) ([]Move, error) {
	var moves []Move
	for _, stop := range append(slices.Clone(via), to) {
		leg, err := c.leg(from, stop)
		if err != nil {
			return nil, err
		}
		moves = append(moves, leg...)
		from = stop
	}
	return moves, nil
}

// Legal names the states that a cluster can enter next, in the order of the file.
func (c Cluster) Legal(from string) []string {
	var names []string
	for _, s := range c.States {
		if _, ok := c.Into(from, s.Name); ok {
			names = append(names, s.Name)
		}
	}
	return names
}

// leg is a path without a stop that somebody named.
func (c Cluster) leg(from, to State) ([]Move, error) {
	safe := c.shortest(from, to, c.objection)
	switch len(safe) {
	case 0:
		return nil, c.refuse(from, to)
	case 1:
		return c.moves(from, to, safe[0])
	}
	return nil, &PathError{Kind: AmbiguousPath, Cluster: c.Name, From: from, To: to, Paths: c.spell(from, to, safe)}
}

// moves turns the names of what is in between into moves.
func (c Cluster) moves(from, to State, between []string) ([]Move, error) {
	var moves []Move
	here := from.Name
	for _, name := range between {
		state, err := c.Resolve(Ref{Name: name})
		if err != nil {
			return nil, err // not reached: what takes an argument is never in between
		}
		move, _ := c.Into(here, name)
		moves = append(moves, Move{Transition: move, State: state})
		here = name
	}
	move, _ := c.Into(here, to.Name)
	return append(moves, Move{Transition: move, State: to}), nil
}

// search is an unfinished path: what it passed, and where it stands.
type search struct {
	between []string
	serving bool // where it stands
	at      string
}

// shortest finds the paths with the fewest states in between, at most two of them, which is
// enough to know that there is more than one. objection says why a state cannot be in between.
func (c Cluster) shortest(from, to State, objection func(search, StateDef) string) [][]string {
	front := []search{{at: from.Name, serving: from.Serving}}
	passed := map[string]int{from.Name: len(c.States), to.Name: len(c.States)} // never in between
	for len(front) > 0 {
		var found [][]string
		for _, s := range front {
			if _, ok := c.Into(s.at, to.Name); ok && len(found) < 2 {
				found = append(found, s.between)
			}
		}
		if len(found) > 0 {
			return found
		}
		front = c.widen(front, passed, objection)
	}
	return nil
}

// widen takes every unfinished path one state further. A state that a shorter path passed is of no
// use to a longer one, and more than two paths to it are of no use to anybody.
func (c Cluster) widen(front []search, passed map[string]int, objection func(search, StateDef) string) []search {
	var next []search
	now := map[string]int{}
	for _, s := range front {
		for _, def := range c.States {
			if _, legal := c.Into(s.at, def.Name); !legal || passed[def.Name] > 0 || now[def.Name] == 2 {
				continue
			}
			if objection(s, def) != "" {
				continue
			}
			now[def.Name]++
			next = append(next, search{append(slices.Clone(s.between), def.Name), def.Serving, def.Name})
		}
	}
	for name := range now {
		passed[name]++
	}
	return next
}

// objection says why a safe path cannot go on through a state. It looks one move back only: what
// serves nowhere on the path is followed by what does not, so the first such move is found.
func (c Cluster) objection(s search, next StateDef) string {
	move, _ := c.Into(s.at, next.Name)
	switch {
	case s.serving && !next.Serving:
		return fmt.Sprintf("%q serves and %q does not", s.at, next.Name)
	case next.Argument != nil:
		return fmt.Sprintf("%q takes an argument, and nobody typed one", next.Name)
	case !slices.Contains(move.From, s.at):
		return fmt.Sprintf("%q is entered by \"*\", which is only ever the last hop", next.Name)
	}
	return ""
}

// refuse says why there is no safe path: an unsafe one, or none.
func (c Cluster) refuse(from, to State) error {
	refusal := &PathError{Kind: NoPath, Cluster: c.Name, From: from, To: to, Legal: c.Legal(from.Name)}
	unsafe := c.shortest(from, to, func(search, StateDef) string { return "" })
	if len(unsafe) == 0 {
		return refusal
	}
	refusal.Kind, refusal.Paths = UnsafePath, c.spell(from, to, unsafe[:1])
	here := search{at: from.Name, serving: from.Serving}
	var objected []string
	for _, name := range unsafe[0] {
		def, _ := c.State(name)
		if why := c.objection(here, def); why != "" {
			refusal.Why = append(refusal.Why, why)
			objected = append(objected, name)
		}
		here = search{at: name, serving: def.Serving}
	}
	refusal.Via = c.advise(from, to, objected)
	return refusal
}

// advise finds the stops to name so that the path is taken after all: only the first state that
// was objected to where that is enough, else all. Nothing where one of them takes an argument,
// since only the operator knows it.
func (c Cluster) advise(from, to State, objected []string) []string {
	var stops []State
	for _, name := range objected {
		state, err := c.Resolve(Ref{Name: name})
		if err != nil {
			return nil
		}
		stops = append(stops, state)
	}
	for n := range stops {
		if _, err := c.Path(from, to, stops[:n+1]...); err == nil {
			return objected[:n+1]
		}
	}
	return nil
}

// spell writes paths out from end to end.
func (c Cluster) spell(from, to State, paths [][]string) []string {
	var texts []string
	for _, between := range paths {
		names := append([]string{from.String()}, between...)
		texts = append(texts, strings.Join(append(names, to.String()), " -> "))
	}
	return texts
}
