package sim

import (
	"slices"
	"time"

	"orch/states"
)

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
			if n.Shown == 0 && !n.Set && n.now().After(q.Expires.Add(patience)) {
				all = append(all, found(i, n, "%s of %s was asked for until %s, and done at %s", q.Kind, q.By, q.Expires, n.now()))
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
	answered, waiting := map[string]bool{}, map[string]bool{}
	for i := range h.Notes {
		n := &h.Notes[i]
		if n.Reset {
			clear(answered)
		}
		if n.Write == nil || n.Reset {
			continue
		}
		for _, doc := range n.Write.Docs {
			if doc.Room == "requests" {
				waiting[doc.Name] = waiting[doc.Name] || !doc.Gone
			}
			if doc.Entry == nil || doc.Entry.Answer == nil {
				continue
			}
			if id := doc.Entry.Answer.Request; waiting[id] && !slices.ContainsFunc(n.Write.Docs, func(d Doc) bool { return d.Room == "requests" && d.Name == id && d.Gone }) {
				all = append(all, found(i, n, "request %s is answered, and still lies there to be done", id))
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

// notices is how long after an agent said that it has seen more a leader may still not know.
const notices = 30 * time.Second

// onItsWay is how long a write may come in after it was decided on.
const onItsWay = 2 * time.Minute

// decided is when whoever wrote an entry decided on it. Without a time that can be, it is when it came in.
func decided(n *Note, entry *states.Entry) time.Duration {
	if way := n.now().Sub(entry.At); way > 0 && way < onItsWay {
		return n.At - way
	}
	return n.At
}

// overtaken: while an agent says that it has seen more than lies there, nobody decides to lead on.
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
				if decided(n, doc.Entry)-at > notices {
					all = append(all, found(i, n, "%s although %s has said since %s that it has seen more", doc.Entry.Event, name, at))
					return
				}
			}
		}
	})
	return all
}
