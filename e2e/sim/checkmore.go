package sim

import (
	"time"

	"orch/states"
)

// joiners: whoever comes late to a move into a state that serves does not go there before it is proven,
// unless its policy says so.
func joiners(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Start == nil || before.Desired == nil || before.Record == nil {
			return
		}
		run, d := n.Start.Run, before.Desired
		if run.Under == states.UnderJoiner && run.Generation == d.Generation && run.State.Same(d.State) && !d.Open &&
			d.State.Serving && before.Record.Current().Policy.Joiners == states.JoinersDefault && !d.State.Same(d.Stable) {
			all = append(all, found(i, n, "%s joins into %s, which is not proven", n.Start.Machine, run.State))
		}
	})
	return all
}

// left: whoever is where the cluster comes from waits for its turn, however often the target changes.
func left(h *History) (all []Violation) {
	var from []states.State
	h.replay(func(i int, n *Note, before, after *Frame) {
		switch {
		case n.Reset:
			from = nil
		case n.Write != nil && before.Desired != nil && after.Desired != nil && before.Desired.Transition != after.Desired.Transition:
			from = append([]states.State{before.Desired.State}, before.Desired.From...)
		case n.Start != nil && n.Start.Run.Under == states.UnderJoiner && before.Desired != nil:
			said := before.Statuses[n.Start.Node].Status // a machine that was installed anew knows of none
			if said == nil {
				return
			}
			if at := said.State; !at.None() && at.In(from) && !at.Same(before.Desired.State) && n.Start.Run.Generation == before.Desired.Generation {
				all = append(all, found(i, n, "%s is at %s, where the cluster comes from, and goes to %s without its turn", n.Start.Machine, at, n.Start.Run.State))
			}
		}
	})
	return all
}

// notices is how long after an agent said that it has seen more a leader may still not know.
const notices = 30 * time.Second

// overtaken: while an agent says that it has seen more than lies there, nobody leads on.
func overtaken(h *History) (all []Violation) {
	since := map[string]time.Duration{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Write == nil || after.Desired == nil {
			return
		}
		for name, doc := range after.Statuses {
			o := after.Orders[name]
			ahead := doc.Status != nil && !doc.Status.Mark.Zero() && doc.Status.Mark.Refuses(after.Desired.Mark) != "" && (o == nil || o.Forgotten == nil)
			if _, known := since[name]; ahead && !known {
				since[name] = n.At
			} else if !ahead {
				delete(since, name)
			}
		}
		for _, doc := range n.Write.Docs {
			if doc.Entry == nil || n.Reset || doc.Entry.Event == states.EventRecovered || doc.Entry.Event == states.EventCompacted {
				continue
			}
			for name, at := range since {
				if n.At-at > notices {
					all = append(all, found(i, n, "%s although %s has said since %s that it has seen more", doc.Entry.Event, name, at))
					return
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
