package sim

import (
	"fmt"
	"strings"
	"time"

	"orch/states"
)

// claimed: a process begins only after its agent's claim, and a claim goes through only where what lies
// there at that instant lets the node go.
func claimed(h *History) (all []Violation) {
	type claim struct{ key, why string }
	claims := map[string]claim{}  // by process of an agent: the run it claimed, and why that was not allowed
	holder := map[string]string{} // of a name, by the session of its status
	begun := map[string]bool{}    // what runs, or ran, on a machine already: after a restore it is said once more
	h.replay(func(i int, n *Note, before, after *Frame) {
		switch {
		case n.Start != nil:
			key := tryOf(n.Start.Run)
			if last := claims[n.Who]; last.key != key {
				all = append(all, found(i, n, "%s runs %s, and its last claim is of %q", n.Who, key, last.key))
			} else if last.why != "" {
				all = append(all, found(i, n, "%s runs %s to %s, and when it claimed that: %s", n.Who, key, n.Start.Run.State, last.why))
			}
			delete(claims, n.Who)
			begun[hostOf(n.Who)+key] = true
		case n.Write != nil && !n.Reset && n.Who != "":
			for _, doc := range n.Write.Docs {
				if doc.Status == nil {
					continue
				}
				if doc.Session != "" && before.Statuses[doc.Name].Session != doc.Session {
					holder[doc.Session] = n.Who
				}
				run := doc.Status.Run
				was := before.Statuses[doc.Name].Status
				if !run.Going() || doc.Status.Phase != states.Converging || was != nil && was.Run.ID == run.ID && was.Run.Attempt == run.Attempt && was.Run.Going() {
					if !run.Going() {
						delete(claims, n.Who)
					}
					continue
				}
				key := tryOf(run)
				if begun[hostOf(n.Who)+key] {
					continue
				}
				why := forbidden(doc.Name, doc.Status, before, n.now())
				if holds := before.Statuses[doc.Name].Session; holder[holds] != n.Who {
					why = fmt.Sprintf("the name %s is held by %q", doc.Name, holder[holds])
				}
				claims[n.Who] = claim{key, why}
			}
		}
	})
	return all
}

// hostOf is the machine of a process.
func hostOf(who string) string {
	host, _, _ := strings.Cut(who, "#")
	return host
}

// forbidden says why a claim must not go through where this lies in the store, or "".
func forbidden(node string, s *states.Status, f *Frame, now time.Time) string {
	d, run := f.Desired, s.Run
	switch {
	case d == nil:
		return "there is no desired state"
	case run.Generation != d.Generation || run.Transition != d.Transition:
		return fmt.Sprintf("it is for generation %d of %s, and %d of %s lies there", run.Generation, run.Transition, d.Generation, d.Transition)
	case run.State.Serving && f.frozen(now):
		return "it is frozen"
	case f.Record != nil && (f.Record.Status == states.Paused || f.Record.Status == states.Aborted):
		return "the move is " + f.Record.Status
	}
	o := f.Orders[node]
	if o != nil && o.HeldAt(now) != nil {
		return "it is held"
	}
	ordered := o != nil && o.Void == "" && o.Run == run.ID && o.Generation == d.Generation && o.Transition == d.Transition && o.Instance == s.Instance
	switch run.Under {
	case states.UnderOrder:
		if !ordered {
			return "no order lets it go"
		}
	case states.UnderOpen:
		if !d.Open {
			return "the cluster is not open"
		}
	case states.UnderJoiner:
		if d.Joiners == states.JoinersWait {
			return "joiners wait"
		}
	case states.UnderRepair, states.UnderPeriod:
		return resting(run, f)
	}
	return ""
}

// frozen tells whether the cluster was frozen at an instant.
func (f *Frame) frozen(now time.Time) bool {
	return f.Freeze.Bad || f.Freeze.Freeze != nil && !f.Freeze.Freeze.Over(now)
}
