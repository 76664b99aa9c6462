package sim

import (
	"time"

	"orch/states"
)

// alone: once nothing goes wrong any more, whoever may go arrives, with nobody who leads. What nobody can have counted
// to is followed by nobody.
func alone(h *History) (all []Violation) {
	var since time.Duration
	h.replay(func(i int, n *Note, before, after *Frame) {
		switch n.Calm {
		case "alone":
			since = n.At
		case "operator":
			d := after.Desired
			if d == nil || !d.Open || d.Planted(n.now()) != "" {
				return
			}
			for name, doc := range after.Statuses {
				s, o := doc.Status, after.Orders[name]
				if s == nil || doc.Session == "" || s.Mark.Refuses(d.Mark) != "" || !after.Freeze.Gone && after.Freeze.Room != "" || o != nil && (o.Held != nil || o.Forgotten != nil || o.OfHop(d) && s.Run.Bad()) {
					continue
				}
				if !after.at(name).Same(d.State) && !after.itself(name, d.State) {
					all = append(all, found(i, n, "%s after nothing went wrong any more, %s is at %s and the open cluster at %s: %s",
						n.At-since, name, after.at(name), d.State, s.Reason))
				}
			}
		}
	})
	return all
}

// stands: the operator's verbs lead to the end.
func stands(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		switch n.Calm {
		case "never":
			all = append(all, found(i, n, "%s", n.Text))
		case "stands":
			for name, doc := range after.Statuses {
				o := after.Orders[name]
				if doc.Session != "" && (o == nil || o.Forgotten == nil) && !after.at(name).Same(after.Desired.State) && !after.itself(name, after.Desired.State) {
					all = append(all, found(i, n, "the cluster stands at %s, and %s is at %s", after.Desired.State, name, after.at(name)))
				}
			}
		}
	})
	return all
}

// said: once nothing goes wrong any more, what lies there of a node that lives is what its agent knows.
func said(h *History) (all []Violation) {
	knows := map[string]states.Mark{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Saved != nil {
			knows[n.Saved.Machine] = n.Saved.Mark
		}
		if n.Calm != "operator" {
			return
		}
		for name, doc := range after.Statuses {
			machine := after.Owner[name]
			if doc.Status == nil || doc.Session == "" || machine != name {
				continue
			}
			real, runs := after.Real[machine], false
			for _, p := range after.Running {
				runs = runs || p.Machine == machine
			}
			switch s := doc.Status; {
			case s.Mark != knows[machine]:
				all = append(all, found(i, n, "%s has accepted %+v, and its status says %+v", name, knows[machine], s.Mark))
			case !runs && s.Run.Going(), !runs && s.Attempting.None() && !s.State.None() && !real.Same(s.State):
				all = append(all, found(i, n, "%s is at %s, and its status says %s, run %s", name, real, s.State, s.Run.Ending()))
			}
		}
	})
	return all
}
