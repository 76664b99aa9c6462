package orchestrator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"orch/states"
)

// Archive is a Store whose journal can be made shorter.
type Archive interface {
	// Oldest gives how many entries a journal has, and the one with the lowest number.
	Oldest(ctx context.Context, cluster string) (int, states.Doc[states.Entry], error)
	// Ledger reads a cluster and its whole journal at one instant, consistently.
	Ledger(ctx context.Context, cluster string) (states.Ledger, error)
	// Prune deletes entries for as long as the lease is ours, the oldest first.
	Prune(ctx context.Context, lease *states.Lease, pages []states.Page) error
}

// Keep says what of a journal stays.
type Keep struct {
	Least int           // so many entries in any case
	Age   time.Duration // and what is younger
	Most  int           // but no more than so many
	Slack int           // nothing is done for fewer: each time writes an entry, and reads all of them
}

// Usual keeps what somebody asks for in the quarter after an incident, and no more than one read
// carries at ease: an entry has 2 to 4 KiB, so that the journal stays below 20 MiB.
func Usual() Keep {
	return Keep{Least: 500, Age: 90 * 24 * time.Hour, Most: 5000, Slack: 100}
}

// Compact gives the number of the first entry that stays; 0: there is nothing to be done. Nothing goes
// while a move runs or is paused, nor anything of the last move: it may be asked for again.
func Compact(ledger states.Ledger, keep Keep, now time.Time) uint64 {
	record := ledger.Record
	if !record.OK() || record.Value.Status == states.Running || record.Value.Status == states.Paused {
		return 0
	}
	pages := numbered(ledger)
	first := max(0, len(pages)-keep.Least)
	for i, page := range pages[:first] {
		if page.OK() && (now.Sub(page.Value.At) < keep.Age && i >= len(pages)-keep.Most || page.Value.Transition == record.Value.ID) {
			first = i
			break
		}
	}
	if first == 0 || first < keep.Slack || !pages[first].OK() {
		return 0
	}
	return pages[first].Seq
}

// numbered are the entries that are not to be deleted yet, by number.
func numbered(ledger states.Ledger) []states.Page {
	from := newAudit(ledger).beginning()
	return slices.DeleteFunc(slices.Clone(ledger.Pages), func(page states.Page) bool { return page.Seq < max(1, from) })
}

// leftovers are the entries that a compaction was to delete.
func leftovers(ledger states.Ledger) []states.Page {
	from := newAudit(ledger).beginning()
	return slices.DeleteFunc(slices.Clone(ledger.Pages), func(page states.Page) bool { return page.Seq == 0 || page.Seq >= from })
}

// Compaction decides the next step towards a journal that begins with an entry: a change that restates
// what only older entries tell, the last of which says so. Then those may go.
func Compaction(ledger states.Ledger, first uint64, leading Leading, now time.Time) states.Change {
	p := newPlanner(ledger.Snapshot, leading, now)
	restate, more := outlived(ledger, first)
	d := p.draft(states.EventCompacted, "old entries of the journal go: what they alone tell is restated here")
	entry := &d.change.Entry
	entry.Restated = restate
	if !more {
		entry.Reason = fmt.Sprintf("the journal begins with entry %d from now on", first)
		entry.From = first
		for _, page := range ledger.Pages {
			if page.Seq == first {
				entry.FromPrev = page.Value.Prev
			}
		}
		if wrong := faults(ledger, now); wrong > 0 {
			entry.Reason += fmt.Sprintf("; orch fsck found %s before that", states.Count(wrong, "fault"))
		}
	}
	return *d.decide().Change
}

// outlived gives the keys that only entries before one tell of, as the journal has them, and not as
// they lie there: what somebody edited stays a fault. No more than an entry can carry, and not those
// that were just restated.
func outlived(ledger states.Ledger, first uint64) (restate map[string]string, more bool) {
	a := newAudit(ledger)
	a.shape()
	a.links()
	a.replay()
	for i := len(a.sheets) - 1; i >= 0; i-- {
		e := a.sheets[i].Value
		if e.Event != states.EventCompacted || e.From != 0 {
			break
		}
		for key := range e.Restated {
			delete(a.written, key)
		}
	}
	restate = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(a.written)) {
		if w := a.written[key]; w.by >= first && !w.inherited {
			continue
		}
		if len(restate) == states.MaxRestated {
			return restate, true
		}
		restate[key] = a.written[key].digest
	}
	return restate, false
}

func faults(ledger states.Ledger, now time.Time) (n int) {
	for _, finding := range Fsck(ledger, now) {
		if finding.Wrong() {
			n++
		}
	}
	return n
}

// compactWithin is how long whoever ends a move is kept waiting for this at the most.
const compactWithin = 20 * time.Second

// Compact makes the journal shorter, before a lease is let go: whoever took one and wrote something calls
// it. It can always be done another time: what goes wrong is nothing to whoever has done their work.
func (e *Engine) Compact(ctx context.Context, lease *states.Lease) {
	if e.Archive == nil || ctx.Err() != nil || lease.Context.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(lease.Context, compactWithin)
	defer cancel()
	if err := e.shorten(ctx, lease); err != nil {
		e.Log.Warn("compact the journal", "cluster", lease.Cluster, "error", err)
	}
}

func (e *Engine) shorten(ctx context.Context, lease *states.Lease) error {
	keep := e.Keep
	if keep == (Keep{}) {
		keep = Usual()
	}
	count, oldest, err := e.Archive.Oldest(ctx, lease.Cluster)
	if err != nil || count < keep.Least+keep.Slack || count <= keep.Most && oldest.OK() && e.Clock().Sub(oldest.Value.At) < keep.Age {
		return err
	}
	ledger, err := e.Archive.Ledger(ctx, lease.Cluster)
	if err != nil {
		return err
	}
	for first := Compact(ledger, keep, e.Clock()); first != 0; {
		change := Compaction(ledger, first, Leading{Who: lease.Who, Epoch: lease.Epoch}, e.Clock())
		if err := e.Store.Commit(ctx, lease, ledger.Snapshot, change); err != nil {
			return err
		}
		if ledger, err = e.Archive.Ledger(ctx, lease.Cluster); err != nil {
			return err
		}
		if change.Entry.From != 0 {
			break
		}
	}
	return e.Archive.Prune(ctx, lease, leftovers(ledger))
}
