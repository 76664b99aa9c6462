package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Check is one promise, as a pure function over what happened.
type Check struct {
	Name    string
	Promise string
	Find    func(h *History) []Violation
}

// Checks are all of them.
func Checks() []Check {
	return []Check{
		{"bound", "no more members run at once than the batch that goes is large", bound},
		{"one-run", "two converges on a machine never overlap", oneRun},
		{"claimed", "whoever runs has claimed it, and the claim was allowed by what lay there", claimed},
		{"writer", "only the holder of the lease changes what leaders write", singleWriter},
		{"epochs", "no two leaders have one epoch, and it never falls", epochs},
		{"backwards", "no agent accepts less than it has accepted, whatever was restored", neverBackwards},
		{"truthful", "an agent says that it is at a state only where a converge left the machine", truthful},
		{"reached", "a move is done only when every member that counts is there", reached},
		{"stopped", "nobody is let go once the budget is spent", stopped},
		{"looked", "no check goes on beside a run", looked},
		{"alive", "a move that is started anew is not stopped by failures of an earlier one", alive},
		{"asked", "a request is done only for what its author saw", asked},
		{"once", "a request is answered once", once},
		{"joiners", "nobody joins into a state that is not proven", joiners},
		{"left", "who is where the cluster comes from waits for its turn", left},
		{"overtaken", "nobody leads on while an agent has seen more than lies there", overtaken},
		{"said", "what lies there of a node is what its agent knows", said},
		{"journal", "an entry of the journal is never written over, and generations never fall", journal},
		{"calm", "nobody writes without an end", calm},
		{"alone", "an open cluster arrives without a leader", alone},
		{"stands", "somebody who does what orch says brings every cluster to stand", stands},
	}
}

// Examine asks every check.
func Examine(h *History) []Violation {
	var all []Violation
	for _, c := range Checks() {
		for _, v := range c.Find(h) {
			v.Check = c.Name
			all = append(all, v)
		}
	}
	slices.SortStableFunc(all, func(a, b Violation) int { return int(a.At - b.At) })
	return all
}

// found makes a violation.
func found(i int, n *Note, format string, args ...any) Violation {
	return Violation{At: n.At, Note: i, Text: fmt.Sprintf(format, args...)}
}

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

// neverBackwards: what an agent writes down never falls, and neither does what it runs for.
func neverBackwards(h *History) (all []Violation) {
	marks, runs := map[string]states.Mark{}, map[string]uint64{}
	for i := range h.Notes {
		n := &h.Notes[i]
		switch {
		case n.Saved != nil:
			before, now := marks[n.Saved.Instance], n.Saved.Mark
			if before.Refuses(now) != "" {
				all = append(all, found(i, n, "%s accepted epoch %d, generation %d of %s, and then %d, %d of %s", n.Saved.Machine,
					before.Epoch, before.Generation, before.Transition, now.Epoch, now.Generation, now.Transition))
			}
			marks[n.Saved.Instance] = now
		case n.Start != nil:
			if at := runs[n.Start.Machine]; n.Start.Run.Generation < at {
				all = append(all, found(i, n, "%s runs for generation %d after one for %d", n.Start.Machine, n.Start.Run.Generation, at))
			}
			runs[n.Start.Machine] = n.Start.Run.Generation
		case n.Saved == nil && n.Text == "is installed anew":
			delete(runs, n.Who)
		}
	}
	return all
}

// singleWriter: what leaders write is changed by the process that holds the lease, or by hand.
func singleWriter(h *History) (all []Violation) {
	holder := map[string]string{} // of the lease, by session
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Write == nil || n.Reset || n.Who == "" {
			return
		}
		if after.Lease != "" && after.Lease != before.Lease {
			holder[after.Lease] = n.Who
		}
		for _, doc := range n.Write.Docs {
			switch doc.Room {
			case "desired", "transition", "orders", "journal", "definition":
			default:
				continue
			}
			if holder[before.Lease] != n.Who || before.Lease == "" {
				all = append(all, found(i, n, "%s writes %s, and %q holds the lease", n.Who, doc.Room, holder[before.Lease]))
				return
			}
		}
	})
	return all
}

// epochs: each lease has its own epoch, above all before it, until something is restored.
func epochs(h *History) (all []Violation) {
	var top, desired uint64
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Reset {
			top, desired = 0, 0
			return
		}
		if n.Write == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			switch {
			case doc.Leader != nil && doc.Session != "" && before.Lease != doc.Session:
				if doc.Leader.Epoch <= top {
					all = append(all, found(i, n, "%s leads with epoch %d, and there was %d", n.Who, doc.Leader.Epoch, top))
				}
				top = max(top, doc.Leader.Epoch)
			case doc.Desired != nil:
				if doc.Desired.Epoch < desired {
					all = append(all, found(i, n, "desired falls from epoch %d to %d", desired, doc.Desired.Epoch))
				}
				desired = max(desired, doc.Desired.Epoch)
			}
		}
	})
	return all
}

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
			key := n.Start.Run.ID + fmt.Sprint("/", n.Start.Run.Attempt)
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
				key := run.ID + fmt.Sprint("/", run.Attempt)
				if begun[hostOf(n.Who)+key] {
					continue
				}
				why := forbidden(doc.Name, doc.Status, before, epoch.Add(n.At))
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

// truthful: what an agent's own write says about the machine is so.
func truthful(h *History) (all []Violation) {
	machine := map[string]string{} // of an agent's process
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Saved != nil {
			machine[n.Who] = n.Saved.Machine
		}
		if n.Write == nil || n.Reset || n.Who == "" {
			return
		}
		for _, doc := range n.Write.Docs {
			if doc.Status == nil || machine[n.Who] == "" || doc.Status.State.None() || !doc.Status.Attempting.None() {
				continue
			}
			if real := after.Real[machine[n.Who]]; !real.Same(doc.Status.State) {
				all = append(all, found(i, n, "%s says that it is at %s, and the machine is at %s", n.Who, doc.Status.State, real))
			}
		}
	})
	return all
}

// bound: in a closed hop, the members that run, or may begin to at any moment, are no more than the batch.
func bound(h *History) (all []Violation) {
	last := ""
	h.replay(func(i int, n *Note, before, after *Frame) {
		r, d := after.Record, after.Desired
		if r == nil || d == nil || r.Status != states.Running || r.Batch.Number == 0 || d.Open || n.Start == nil && n.Write == nil {
			return
		}
		busy := map[string]bool{}
		for _, p := range after.Running {
			if _, member := r.Member(p.Node); member && p.Run.Under != states.UnderJoiner && n.At < p.Run.Started.Sub(epoch)+limit(p.Run) {
				busy[p.Node] = true
			}
		}
		for node, o := range after.Orders {
			status := after.Statuses[node]
			if _, member := r.Member(node); !member || o == nil || status.Status == nil || !o.For(*d, status.Status.Instance) || o.HeldAt(epoch.Add(n.At)) != nil {
				continue
			}
			if _, over := status.Status.Ended(o.Run); !over && !status.Status.Done(d.State, d.Again) {
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

// limit is how long after its start a run can fill a slot.
func limit(run states.Run) time.Duration { return run.Timeout.D() + states.Grace(run.Timeout).D() }

// epoch is the instant at which bubbles begin.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func sorted(set map[string]bool) []string {
	var names []string
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reached: a hop ends, or a move is done, only when the machines of all members that count are there.
func reached(h *History) (all []Violation) {
	rough := false
	h.replay(func(i int, n *Note, before, after *Frame) {
		rough = rough || n.Reset
		if n.Write == nil || n.Reset || before.Record == nil || before.Desired == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			if rough || doc.Entry == nil || doc.Entry.Event != states.EventHop && doc.Entry.Event != states.EventDone {
				continue
			}
			for _, m := range before.Record.Members {
				_, charged := before.Record.CountOf(m.Node)
				o, said := before.Orders[m.Node], before.Statuses[m.Node].Status
				if charged || said != nil && said.Off() || o != nil && (o.HeldAt(epoch.Add(n.At)) != nil || o.Held != nil) {
					continue
				}
				if real := before.at(m.Node); !real.Same(before.Desired.State) {
					all = append(all, found(i, n, "%s is told to be reached, and %s is at %s", before.Desired.State, m.Node, real))
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
				if over && run.Bad() && o.Transition == r.ID && !retried && o.OfHop(*before.Desired) {
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

// alone: once nothing goes wrong any more, whoever may go arrives, with nobody who leads.
func alone(h *History) (all []Violation) {
	var since time.Duration
	h.replay(func(i int, n *Note, before, after *Frame) {
		switch n.Calm {
		case "alone":
			since = n.At
		case "operator":
			d := after.Desired
			if d == nil || !d.Open {
				return
			}
			for name, doc := range after.Statuses {
				s, o := doc.Status, after.Orders[name]
				if s == nil || doc.Session == "" || s.Mark.Refuses(d.Mark) != "" || !after.Freeze.Gone && after.Freeze.Room != "" || o != nil && (o.Held != nil || o.Forgotten != nil || o.OfHop(*d) && s.Run.Bad()) {
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

// alive: a move that takes no other's place does not stop for failures before anybody was let go.
func alive(h *History) (all []Violation) {
	let, fresh := map[string]bool{}, map[string]bool{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Write == nil || n.Reset || before.Record == nil || after.Record == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			switch e := doc.Entry; {
			case e == nil:
			case after.Record.ID != before.Record.ID:
				fresh[after.Record.ID] = before.Record.Status != states.Running
				let[after.Record.ID] = after.Record.Batch.Number > 0
			case e.Event == states.EventBatch, e.Event == states.EventOpened:
				let[after.Record.ID] = true
			case e.Event == states.EventHalted && after.Record.Cause == states.ByFailures && fresh[after.Record.ID] && !let[after.Record.ID]:
				all = append(all, found(i, n, "%s stops before it let anybody go: %s", after.Record.ID, e.Reason))
			}
		}
	})
	return all
}

// asked: what is bound to a move is done to that move only.
func asked(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Write == nil || n.Reset || before.Record == nil || before.Desired == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			if doc.Entry == nil || doc.Entry.Answer == nil || doc.Entry.Answer.Refused {
				continue
			}
			q := before.Requests[doc.Entry.Answer.Request]
			if q == nil {
				continue
			}
			switch q.Kind {
			case states.AskPause, states.AskAbort, states.AskResume, states.AskRetry, states.AskRollback, states.AskApprove, states.AskTransition:
				if q.Transition != before.Record.ID && !q.Supersede {
					all = append(all, found(i, n, "%s of %s was asked for %s, and done to %s", q.Kind, q.By, q.Transition, before.Record.ID))
				}
			}
		}
	})
	return all
}

// once: each request has one answer, unless the store was put back.
func once(h *History) (all []Violation) {
	answered := map[string]bool{}
	for i := range h.Notes {
		n := &h.Notes[i]
		if n.Reset {
			clear(answered)
		}
		if n.Write == nil || n.Reset {
			continue
		}
		for _, doc := range n.Write.Docs {
			if doc.Entry == nil || doc.Entry.Answer == nil {
				continue
			}
			if id := doc.Entry.Answer.Request; answered[id] {
				all = append(all, found(i, n, "request %s is answered a second time: %s", id, doc.Entry.Answer.Reason))
			} else {
				answered[id] = true
			}
		}
	}
	return all
}

// calm: a story that was cut short because it would not end.
func calm(h *History) (all []Violation) {
	for i := range h.Notes {
		if n := &h.Notes[i]; n.Calm == "cut short" {
			all = append(all, found(i, n, "%s", n.Text))
		}
	}
	return all
}

// journal: entries follow each other, one more each time, and stay as they are.
func journal(h *History) (all []Violation) {
	var last, generation uint64
	for i := range h.Notes {
		n := &h.Notes[i]
		if n.Reset {
			last, generation = 0, 0
		}
		if n.Write == nil || n.Reset || n.Who == "" {
			continue
		}
		for _, doc := range n.Write.Docs {
			switch {
			case doc.Entry != nil:
				if last > 0 && doc.Entry.Seq != last+1 {
					all = append(all, found(i, n, "entry %d follows entry %d", doc.Entry.Seq, last))
				}
				last = doc.Entry.Seq
			case doc.Desired != nil:
				if doc.Desired.Generation < generation {
					all = append(all, found(i, n, "desired falls from generation %d to %d", generation, doc.Desired.Generation))
				}
				generation = doc.Desired.Generation
			}
		}
	}
	return all
}
