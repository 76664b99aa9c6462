package sim

import (
	"fmt"
	"slices"
	"time"

	"orch/states"
)

// reached: a hop ends, or a move is done, only when the machines of all members that count are there.
func reached(h *History) (all []Violation) {
	rough, hop := false, ""
	members := map[string]bool{} // of the hop: whoever was ever one
	h.replay(func(i int, n *Note, before, after *Frame) {
		rough = rough || n.Reset
		if r := before.Record; r != nil {
			if now := fmt.Sprint(r.ID, " ", r.Hop, " ", r.HopAt); now != hop {
				hop = now
				clear(members)
			}
			for _, m := range r.Members {
				members[m.Node] = true
			}
		}
		if n.Write == nil || n.Reset || before.Record == nil || before.Desired == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			if rough || doc.Entry == nil || doc.Entry.Event != states.EventHop && doc.Entry.Event != states.EventDone {
				continue
			}
			for _, name := range sorted(members) {
				_, charged := before.Record.CountOf(name)
				o, said := before.Orders[name], before.Statuses[name].Status
				if charged || o != nil && o.Forgotten != nil || said != nil && said.Off() || o != nil && (o.HeldAt(epoch.Add(n.At)) != nil || o.Held != nil) {
					continue
				}
				if real := before.at(name); !real.Same(before.Desired.State) {
					all = append(all, found(i, n, "%s is told to be reached, and %s is at %s", before.Desired.State, name, real))
				}
			}
		}
	})
	return all
}

// stopped: no order is given while more nodes are known to have failed than is tolerated.
func stopped(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Write == nil || n.Reset || before.Record == nil || before.Desired == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			if doc.Entry == nil || doc.Entry.Event != states.EventBatch && doc.Entry.Event != states.EventOrders && doc.Entry.Event != states.EventOpened {
				continue
			}
			r := before.Record
			if r.Current().Policy.OnFailure == states.ContinueOnFailure {
				continue
			}
			failed := map[string]bool{}
			for _, c := range r.Counted {
				if !c.Retried && c.Kind != states.CountSkipped {
					failed[c.Node] = true
				}
			}
			for name, s := range before.Statuses {
				o := before.Orders[name]
				if _, member := r.Member(name); !member || s.Status == nil || o == nil || o.Held != nil {
					continue
				}
				run, over := s.Status.Ended(o.Run)
				retried := slices.ContainsFunc(r.Counted, func(c states.Counted) bool { return c.Run == o.Run && c.Retried })
				c, _ := r.CountOf(name)
				skipped := c.Skips() && run.Outcome == states.Interrupted // it says no more than its silence did
				if over && run.Bad() && o.Transition == r.ID && !retried && !skipped && o.OfHop(before.Desired) {
					failed[name] = true
				}
			}
			if len(failed) > r.Budget() {
				all = append(all, found(i, n, "%s although %v failed, and %d are tolerated", doc.Entry.Event, sorted(failed), r.Budget()))
			}
		}
	})
	return all
}

// alive: a move that takes no other's place does not stop for failures before anybody was let go, but for nodes
// that fell silent since it began.
func alive(h *History) (all []Violation) {
	let, fresh := map[string]bool{}, map[string]bool{}
	began, fell := map[string]time.Duration{}, map[string]time.Duration{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		for name, doc := range after.Statuses {
			if n.Write != nil && doc.Session == "" && before.Statuses[name].Session != "" {
				fell[name] = n.At
			}
		}
		if n.Write == nil || n.Reset || before.Record == nil || after.Record == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			switch e := doc.Entry; {
			case e == nil:
			case after.Record.ID != before.Record.ID:
				fresh[after.Record.ID] = before.Record.Status != states.Running
				let[after.Record.ID], began[after.Record.ID] = after.Record.Batch.Number > 0, n.At
			case e.Event == states.EventBatch, e.Event == states.EventOpened:
				let[after.Record.ID] = true
			case e.Event == states.EventHalted && after.Record.Cause == states.ByFailures && fresh[after.Record.ID] && !let[after.Record.ID] && !onlyLost(after.Record, fell, began[after.Record.ID]):
				all = append(all, found(i, n, "%s stops before it let anybody go: %s", after.Record.ID, e.Reason))
			}
		}
	})
	return all
}

// onlyLost tells whether all that counts against a move are nodes that fell silent after an instant.
func onlyLost(r *states.Record, fell map[string]time.Duration, since time.Duration) bool {
	n := 0
	for _, c := range r.Counted {
		switch {
		case c.Retried:
		case c.Kind != states.CountLost || fell[c.Node] <= since:
			return false
		default:
			n++
		}
	}
	return n > 0
}

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

// left: whoever is where the cluster comes from waits for its turn, however often the target changes. Who
// was silent when it changed, or when a hop began, comes late, and so does who came back so shortly before that its
// leader did not see it.
func left(h *History) (all []Violation) {
	var from []states.State
	alive := map[string]bool{}
	back := map[string]time.Duration{}
	was := map[string]*states.Status{} // of a node: before it said anything of its run
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Write != nil {
			for _, doc := range n.Write.Docs {
				old := before.Statuses[doc.Name]
				if doc.Status != nil && old.Status != nil && old.Status.Run.ID != doc.Status.Run.ID {
					was[doc.Name] = old.Status
				}
				if doc.Status != nil && old.Session == "" {
					back[doc.Name] = n.At
				}
			}
		}
		switch {
		case n.Reset:
			from = nil
		case n.Write != nil && headsElsewhere(before.Desired, after.Desired):
			moves := before.Desired.Transition != after.Desired.Transition
			if moves {
				from = append([]states.State{before.Desired.State}, before.Desired.From...)
			}
			for name, doc := range before.Statuses {
				seen := after.Record == nil || isMember(after.Record, name) || n.At-back[name] > patience
				alive[name] = (moves || alive[name]) && doc.Session != "" && seen
			}
		case n.Start != nil && n.Start.Run.Under == states.UnderJoiner && before.Desired != nil:
			said := before.Statuses[n.Start.Node].Status // a machine that was installed anew knows of none
			if said == nil || !alive[n.Start.Node] || late(was[n.Start.Node], before.Desired, from) {
				return
			}
			if at := said.State; !at.None() && at.In(from) && !at.Same(before.Desired.State) && n.Start.Run.Generation == before.Desired.Generation {
				all = append(all, found(i, n, "%s is at %s, where the cluster comes from, and goes to %s without its turn", n.Start.Machine, at, n.Start.Run.State))
			}
		}
	})
	return all
}

// headsElsewhere tells whether a write begins a move, or a hop of one.
func headsElsewhere(before, after *states.Desired) bool {
	return before != nil && after != nil && (before.Transition != after.Transition || !before.State.Same(after.State))
}

func isMember(r *states.Record, node string) bool {
	_, member := r.Member(node)
	return member
}

// late tells whether a node is nowhere in the queue, wherever it was once: what it tried since is neither
// where the cluster comes from nor where it goes, or was a joiner's try already.
func late(was *states.Status, d *states.Desired, from []states.State) bool {
	if was == nil || was.Attempting.None() {
		return false
	}
	joiner := was.Run.Under == states.UnderJoiner && was.Run.Transition == d.Transition
	return joiner || !was.Attempting.In(from) && !was.Attempting.Same(d.State)
}
