package sim

import (
	"time"

	"orch/orchestrator"
	"orch/states"
)

// rested: whoever saw a batch end lets nobody go on before it was watched for as long as it is to be.
func rested(h *History) (all []Violation) {
	var at, shown time.Duration // when a batch ended; 0: there is none to be watched
	var lease string
	h.replay(func(i int, n *Note, before, after *Frame) {
		r := before.Record
		if n.Write == nil {
			return
		}
		if n.Reset || r == nil || r.Status != states.Running {
			at = 0
			return
		}
		for _, doc := range n.Write.Docs {
			switch e := doc.Entry; {
			case e == nil:
			case e.Event == states.EventBatchDone:
				at, shown, lease = n.At, n.Shown, before.Lease
				if after.Record != nil && !after.Record.Batch.Ended.IsZero() { // the write itself was on its way for a while
					at = after.Record.Batch.Ended.Sub(epoch) - shown
				}
			case e.Transition != r.ID, e.Answer != nil, before.Lease != lease, n.Shown != shown:
				at = 0
			case e.Event == states.EventBatch, e.Event == states.EventOpened, e.Event == states.EventHop, e.Event == states.EventDone:
				if soak := r.Current().Policy.Soak.D(); at > 0 && n.At-at < soak && r.Batch.Count > 0 && !orchestrator.Overrides(r.Overrides, "soak", "") {
					all = append(all, found(i, n, "%s %s after the last batch, which is to be watched for %s", e.Event, n.At-at, soak))
				}
				at = 0
			}
		}
	})
	return all
}

// approved: no batch begins that somebody is to approve, and nobody did.
func approved(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		r := before.Record
		if n.Write == nil || n.Reset || r == nil {
			return
		}
		for _, doc := range n.Write.Docs {
			if doc.Entry == nil || doc.Entry.Transition != r.ID || doc.Entry.Event != states.EventBatch {
				continue
			}
			over, needed := r.Over(), false
			switch r.Current().Policy.Approve {
			case states.ApproveBeforeStart:
				needed = over == 0
			case states.ApproveAfterFirstBatch:
				needed = over == 1
			case states.ApproveAfterEachBatch:
				needed = over > 0
			}
			if _, given := r.Approved(r.Hop, over); needed && !given {
				all = append(all, found(i, n, "batch %d begins, and nobody approved %d (approve = %s)", over+1, over, r.Current().Policy.Approve))
			}
		}
	})
	return all
}

// floors: a batch leaves as many healthy nodes as are asked for, unless somebody said otherwise. A machine that was
// just installed anew costs nothing, whatever its agent said before: a gate's checks tell that it serves nobody.
func floors(h *History) (all []Violation) {
	quiet, blank := map[string]time.Duration{}, map[string]bool{}
	h.replay(func(i int, n *Note, before, after *Frame) {
		hears(quiet, n, after)
		switch {
		case n.Text == "is installed anew":
			blank[n.Who] = true
		case n.End != nil:
			delete(blank, n.End.Machine)
		}
		r := before.Record
		if n.Write == nil || n.Reset || r == nil || r.Current().Policy.MinHealthy == (states.Size{}) || orchestrator.Overrides(r.Overrides, "min_healthy", "") {
			return
		}
		let, begins := map[string]bool{}, false
		for _, doc := range n.Write.Docs {
			begins = begins || doc.Entry != nil && doc.Entry.Event == states.EventBatch && doc.Entry.Transition == r.ID
			if doc.Order != nil && doc.Order.Void == "" && doc.Order.Held == nil && doc.Order.Forgotten == nil {
				let[doc.Name] = true
			}
		}
		known, stay, cost := 0, 0, 0
		for name, doc := range before.Statuses {
			if o := before.Orders[name]; doc.Status == nil || o != nil && o.Forgotten != nil {
				continue
			}
			known++
			at, silent := quiet[name]
			switch healthy := doc.Status.State.Serving && doc.Status.Attempting.None() && (!silent || n.At-at < patience); {
			case healthy && let[name] && blank[name]:
			case healthy && let[name]:
				cost++
			case healthy:
				stay++
			}
		}
		if least := r.Current().Policy.MinHealthy.Ceil(known); begins && cost > 0 && stay < least {
			all = append(all, found(i, n, "%v may go, and %d of %d stay healthy, where %d must", sorted(let), stay, known, least))
		}
	})
	return all
}
