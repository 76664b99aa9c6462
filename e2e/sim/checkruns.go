package sim

import (
	"fmt"
	"time"

	"orch/states"
)

// oneRun: intervals of processes on a machine do not overlap.
func oneRun(h *History) (all []Violation) {
	on := map[string]int{}
	for i := range h.Notes {
		n := &h.Notes[i]
		switch {
		case n.Start != nil:
			if pid, busy := on[n.Start.Machine]; busy {
				all = append(all, found(i, n, "process %d begins on %s while %d is alive", n.Start.PID, n.Start.Machine, pid))
			}
			on[n.Start.Machine] = n.Start.PID
		case n.End != nil && on[n.End.Machine] == n.End.PID:
			delete(on, n.End.Machine)
		}
	}
	return all
}

// neverBackwards: what an agent writes down never falls, and neither does what it runs for, or claims.
func neverBackwards(h *History) (all []Violation) {
	spoken := map[string]bool{} // claims, by process: what is said once more after a restore is none
	marks, runs, instance := map[string]states.Mark{}, map[string]uint64{}, map[string]string{}
	voiced := map[string]bool{} // processes that said something: a run in the first that one says is an earlier one's
	begun := map[string]bool{}  // or claimed, on a machine: after a restore that is said once more
	h.replay(func(i int, n *Note, before, after *Frame) {
		switch {
		case n.Saved != nil:
			was, now := marks[n.Saved.Instance], n.Saved.Mark
			if was.Refuses(now) != "" {
				all = append(all, found(i, n, "%s accepted epoch %d, generation %d of %s, and then %d, %d of %s", n.Saved.Machine,
					was.Epoch, was.Generation, was.Transition, now.Epoch, now.Generation, now.Transition))
			}
			marks[n.Saved.Instance], instance[n.Saved.Machine] = now, n.Saved.Instance
		case n.Start != nil:
			if at := runs[n.Start.Machine]; n.Start.Run.Generation < at {
				all = append(all, found(i, n, "%s runs for generation %d after one for %d", n.Start.Machine, n.Start.Run.Generation, at))
			}
			runs[n.Start.Machine] = n.Start.Run.Generation
			begun[n.Start.Machine+"/"+n.Start.Run.ID] = true
		case n.Text == "is installed anew":
			delete(runs, n.Who)
		case n.Write != nil && !n.Reset && before.Desired != nil:
			for _, doc := range n.Write.Docs {
				was, first := before.Statuses[doc.Name].Status, !voiced[n.Who]
				voiced[n.Who] = true
				if doc.Status == nil || !doc.Status.Run.Going() {
					continue
				}
				key := hostOf(n.Who) + "/" + doc.Status.Run.ID
				claims := !first && was != nil && was.Run.ID != doc.Status.Run.ID && !begun[key]
				begun[key] = true
				if key := n.Who + " " + doc.Status.Run.ID; spoken[key] {
					continue
				} else {
					spoken[key] = true
				}
				if why := marks[instance[hostOf(n.Who)]].Refuses(before.Desired.Mark); claims && why != "" {
					all = append(all, found(i, n, "%s claims a run for what it must refuse: %s", n.Who, why))
				}
			}
		}
	})
	return all
}

// truthful: what an agent's own write says about the machine is so.
func truthful(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Write == nil || n.Reset || n.Who == "" {
			return
		}
		for _, doc := range n.Write.Docs {
			if doc.Status == nil || doc.Status.State.None() || !doc.Status.Attempting.None() {
				continue
			}
			if real := after.Real[hostOf(n.Who)]; !real.Same(doc.Status.State) {
				all = append(all, found(i, n, "%s says that it is at %s, and the machine is at %s", n.Who, doc.Status.State, real))
			}
		}
	})
	return all
}

// bound: in a closed hop, the members that run, or may begin to at any moment, are no more than the batch. A run
// that a restore erased, because the snapshot is older than its claim, is nobody's to count: nobody can know of it.
// Nor is the run of a node that was held as the hop was opened: let go by an operator's word, it goes as one that is late.
func bound(h *History) (all []Violation) {
	erased, held, free, last := map[string]bool{}, map[string]bool{}, map[string]bool{}, ""
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Reset {
			erase(before, after, erased)
		}
		r, d := after.Record, after.Desired
		if opensUp(before.Desired, d) {
			held = after.held(n)
		}
		if n.Start != nil && n.Start.Run.Under == states.UnderOpen && held[n.Start.Node] {
			free[tryOf(n.Start.Run)] = true
		}
		if r == nil || d == nil || r.Status != states.Running || r.Batch.Number == 0 || d.Open || n.Start == nil && n.Write == nil {
			return
		}
		busy := map[string]bool{}
		for _, p := range after.Running {
			if _, member := r.Member(p.Node); member && !free[tryOf(p.Run)] && !erased[tryOf(p.Run)] && p.Run.Under != states.UnderJoiner && n.At < p.At+limit(p.Run) {
				busy[p.Node] = true
			}
		}
		for node, o := range after.Orders {
			status := after.Statuses[node]
			if _, member := r.Member(node); !member || o == nil || status.Status == nil || !o.For(d, status.Status.Instance) || o.HeldAt(epoch.Add(n.At)) != nil || after.refuses(o.Instance) {
				continue
			}
			if _, over := status.Status.Ended(o.Run); !over && !status.Status.Done(d.State, again(d, o)) {
				busy[node] = true
			}
		}
		if names := sorted(busy); len(names) > r.Batch.Size && fmt.Sprint(names) != last {
			last = fmt.Sprint(names)
			all = append(all, found(i, n, "%d at once in batch %d of %d: %v", len(names), r.Batch.Number, r.Batch.Size, names))
		}
	})
	return all
}

// opensUp tells whether a write opens a hop.
func opensUp(before, after *states.Desired) bool {
	return after != nil && after.Open && (before == nil || !before.Open || before.Mark != after.Mark)
}

// held gives the nodes that orders hold, by the clock of whoever writes or by the right one.
func (f *Frame) held(n *Note) map[string]bool {
	held := map[string]bool{}
	for node, o := range f.Orders {
		held[node] = o != nil && (o.HeldAt(epoch.Add(n.At)) != nil || o.HeldAt(n.now()) != nil)
	}
	return held
}

// erase notes the runs that go on, or were claimed and drain, and that as it lies there now no node has ever claimed.
func erase(before, after *Frame, erased map[string]bool) {
	lost := func(node string, run states.Run) {
		if s := after.Statuses[node].Status; s == nil || s.Run.ID != run.ID {
			erased[tryOf(run)] = true
		}
	}
	for _, p := range after.Running {
		lost(p.Node, p.Run)
	}
	for node, doc := range before.Statuses {
		if s := doc.Status; s != nil && s.Run.Going() {
			lost(node, s.Run)
		}
	}
}

// tryOf names one try of a run: each is claimed.
func tryOf(run states.Run) string { return fmt.Sprint(run.ID, "/", run.Attempt) }

// limit is how long after its start a run can fill a slot.
func limit(run states.Run) time.Duration { return run.Timeout.D() + states.Grace(run.Timeout).D() }
