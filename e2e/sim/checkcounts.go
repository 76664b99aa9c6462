package sim

import (
	"fmt"
	"slices"
	"time"

	"orch/states"
)

// spent: a run that its agent told to be over for good begins no more on that machine.
func spent(h *History) (all []Violation) {
	over := map[string]bool{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		switch {
		case n.Start != nil && over[n.Start.Machine+"/"+n.Start.Run.ID]:
			all = append(all, found(i, n, "run %s begins once more on %s, and it was told to be over", n.Start.Run.ID, n.Start.Machine))
		case n.Write != nil && !n.Reset && n.Who != "":
			for _, doc := range n.Write.Docs {
				if doc.Status != nil && doc.Status.Run.Terminal {
					over[hostOf(n.Who)+"/"+doc.Status.Run.ID] = true
				}
			}
		}
	})
	return all
}

// charged: no node is given up that lies there as one that has arrived, or has ended its run.
func charged(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		counts := func(d Doc) bool { return d.Entry != nil && d.Entry.Event == states.EventCounted }
		if n.Write == nil || n.Reset || before.Desired == nil || !slices.ContainsFunc(n.Write.Docs, counts) {
			return
		}
		for _, doc := range n.Write.Docs {
			was := before.Orders[doc.Name]
			if doc.Order == nil || doc.Order.Void == "" || was == nil || was.Void != "" || was.Run != doc.Order.Run {
				continue
			}
			s := before.Statuses[doc.Name].Status
			if s == nil || s.Instance != was.Instance {
				continue
			}
			if _, ended := s.Ended(was.Run); ended || s.Done(before.Desired.State, again(before.Desired, was)) {
				all = append(all, found(i, n, "the order of %s is taken back (%s), and it lies there that its run %s", doc.Name, doc.Order.Void, s.Run.Ending()))
			}
		}
	})
	return all
}

// again is what somebody is to converge for once more where it is already: all, or those alone whose orders say so.
func again(d *states.Desired, o *states.Order) string {
	if o.Again != "" && o.For(d, o.Instance) {
		return o.Again
	}
	return d.Again
}

// patience is how much longer than its time whoever leads may wait for a node.
const patience = 30 * time.Second

// overdue: whoever let nodes go, and leads on, gives up those that did not answer in their time.
func overdue(h *History) (all []Violation) {
	var since, shown time.Duration // when this leader let nodes go, or something happened that stops clocks; what its own shows too much
	var lease string
	quiet := map[string]time.Duration{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		hears(quiet, n, after)
		r := before.Record
		switch {
		case n.Write == nil:
			return
		case n.Reset, r == nil, before.Desired == nil, after.Freeze.Room != "" && !after.Freeze.Gone:
			since = n.At
			return
		}
		for _, doc := range n.Write.Docs {
			e := doc.Entry
			switch {
			case e == nil:
				continue
			case before.Lease != lease, n.Shown != shown, e.Event == states.EventBatch, e.Event == states.EventOpened, e.Event == states.EventResumed, e.Event == states.EventRetried, e.Event == states.EventOrders,
				e.Event == states.EventHop, e.Event == states.EventReplaced, before.Record.Status != states.Running, e.Transition != r.ID:
				since, shown, lease = n.At, n.Shown, before.Lease
				continue
			case e.Event != states.EventBatchDone && e.Event != states.EventDone && e.Kind != states.AskResume || len(r.Current().Drains) > 0:
				continue
			}
			allowed := r.Current().Policy.Allowance(0) + patience
			if names := unanswered(before, quiet, n.At-allowed); n.At-since > allowed && len(names) > 0 {
				all = append(all, found(i, n, "%s, and %v have not answered for %s", e.Event, names, n.At-since))
			}
		}
	})
	return all
}

// hears keeps since when nodes are silent.
func hears(quiet map[string]time.Duration, n *Note, after *Frame) {
	if n.Write == nil {
		return
	}
	for name, doc := range after.Statuses {
		if _, known := quiet[name]; doc.Session == "" && !known {
			quiet[name] = n.At
		} else if doc.Session != "" {
			delete(quiet, name)
		}
	}
}

// unanswered lists members that were let go, and were silent all the time since an instant: they have not
// arrived, nobody holds them, and they are not given up.
func unanswered(f *Frame, quiet map[string]time.Duration, since time.Duration) (names []string) {
	for _, m := range f.Record.Members {
		o, doc := f.Orders[m.Node], f.Statuses[m.Node]
		at, silent := quiet[m.Node]
		if !silent || at > since || doc.Status == nil || doc.Status.Off() || doc.Status.Done(f.Desired.State, f.Desired.Again) || o != nil && (o.Held != nil || o.Forgotten != nil) {
			continue
		}
		_, counted := f.Record.CountOf(m.Node)
		ordered := o != nil && o.For(f.Desired, o.Instance)
		if !counted && (ordered || f.Desired.Open) {
			names = append(names, m.Node)
		}
	}
	return names
}

// turns: no batch begins before every order of the last one is over, or taken back.
func turns(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		r, d := before.Record, before.Desired
		if n.Write == nil || n.Reset || r == nil || d == nil || r.Batch.Number == 0 || r.Batch.Opened {
			return
		}
		for _, doc := range n.Write.Docs {
			if doc.Entry == nil || doc.Entry.Transition != r.ID || doc.Entry.Event != states.EventBatch && doc.Entry.Event != states.EventOpened {
				continue
			}
			for _, name := range r.Batch.Nodes {
				s, o := before.Statuses[name].Status, before.Orders[name]
				if s == nil || s.Off() || o == nil || !o.For(d, s.Instance) || o.Held != nil || o.Batch != r.Batch.Seq {
					continue
				}
				if _, over := s.Ended(o.Run); !over && !s.Done(d.State, again(d, o)) {
					all = append(all, found(i, n, "%s, and %s of batch %d is not over: %s", doc.Entry.Event, name, r.Batch.Number, s.Phase))
				}
			}
		}
	})
	return all
}

// opened: where a hop is opened, those who are let go by that are no more than the batch. Who has seen more than
// what lies there, of which a snapshot knew nothing, goes nowhere by it.
func opened(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		r, d := after.Record, after.Desired
		if n.Write == nil || n.Reset || n.Who == "" || r == nil || r.Status != states.Running || before.Desired == nil || !opens(before.Desired, d) {
			return
		}
		let := map[string]bool{}
		for _, m := range r.Members {
			o, doc := after.Orders[m.Node], before.Statuses[m.Node]
			failed := slices.ContainsFunc(r.Counted, func(c states.Counted) bool {
				return c.Node == m.Node && c.Hop == r.Hop && !c.Retried && c.Kind == states.CountFailed
			})
			_, counted := r.CountOf(m.Node)
			switch {
			case doc.Status == nil, doc.Status.Off(), doc.Status.Done(d.State, d.Again), o != nil && (o.Held != nil || o.Forgotten != nil), after.refuses(doc.Status.Instance):
			case failed, counted && doc.Session == "": // it waits for another order, or is lost
			default:
				let[m.Node] = true
			}
		}
		if names := sorted(let); len(names) > r.Batch.Size {
			all = append(all, found(i, n, "%d are let go by opening, and the batch is of %d: %v", len(names), r.Batch.Size, names))
		}
	})
	return all
}

// half: no move begins while most known nodes are silent, unless somebody says so. A way back does, and does not
// let everybody go then.
func half(h *History) (all []Violation) {
	quiet := map[string]time.Duration{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		hears(quiet, n, after)
		r := after.Record
		if n.Write == nil || n.Reset || r == nil || before.Record == nil || r.Status != states.Running || slices.Contains(r.Overrides, "members") {
			return
		}
		if begins := r.ID != before.Record.ID || r.Hop != before.Record.Hop; r.Undoes == "" && !begins || r.Undoes != "" && !opens(before.Desired, after.Desired) {
			return
		}
		known, down := 0, 0
		for name, doc := range before.Statuses {
			if o := before.Orders[name]; doc.Status == nil || o != nil && o.Forgotten != nil && o.Forgotten.Instance == doc.Status.Instance {
				continue
			}
			known++
			if at, silent := quiet[name]; silent && n.At-at > patience {
				down++
			}
		}
		if 2*(known-down) < known {
			all = append(all, found(i, n, "a move to %s begins or is opened, and %d of %d nodes are silent", r.Current().State, down, known))
		}
	})
	return all
}

// opens tells whether a write lets everybody go.
func opens(before, after *states.Desired) bool {
	return after != nil && after.Open && (before == nil || !before.Open || before.Generation != after.Generation)
}

// recovered: after a recovery no machine knows of more than lies there, whoever it is and wherever it was.
func recovered(h *History) (all []Violation) {
	knows := map[string]states.Mark{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Saved != nil {
			knows[n.Saved.Machine] = n.Saved.Mark
		}
		if n.Write == nil || n.Reset || after.Desired == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			if doc.Entry == nil || doc.Entry.Event != states.EventRecovered {
				continue
			}
			for machine, mark := range knows {
				if why := mark.Refuses(after.Desired.Mark); why != "" {
					all = append(all, found(i, n, "it is recovered, and %s refuses that: %s", machine, fmt.Sprint(why)))
				}
			}
		}
	})
	return all
}
