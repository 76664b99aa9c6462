package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"orch/states"
)

// ErrGone says that what a command waits for was taken out of Consul: the cluster, or its request. Nobody
// will ever answer it.
var ErrGone = errors.New("is not in Consul any more")

// errand is one request on its way to being done, as it was seen at the last look.
type errand struct {
	engine  *Engine
	cluster string
	request states.Request

	known   *states.Entry // of the journal, with an answer that the record has dropped
	missing time.Time     // since when there was nothing to wait for at any look; zero: there is
	gone    error         // it is given up
	ended   bool
	outcome Outcome // once ended
}

// missedFor is for how long there has to be nothing to wait for. Every look is a consistent read that hides
// nothing, so one would do; but whoever takes keys out may be about to put them back.
const missedFor = 5 * time.Second

// over takes a look, and tells whether the errand is done with, or given up.
func (r *errand) over(ctx context.Context, snapshot states.Snapshot) bool {
	snapshot = r.recall(ctx, snapshot)
	if outcome, over := finished(r.request, snapshot, r.engine.Attend); over {
		r.outcome, r.ended = outcome, true
		return true
	}
	gone := r.lost(snapshot)
	switch {
	case gone == nil:
		r.missing = time.Time{}
		return false
	case r.missing.IsZero():
		r.missing = time.Now() // not by the engine's clock, which somebody may set
	case time.Since(r.missing) >= missedFor:
		r.gone = gone
	}
	return r.gone != nil
}

// misses tells whether there was nothing to wait for at the last look. Nobody takes the lease then: after
// a wipe, that would be a key which says nothing.
func (r *errand) misses() bool { return !r.missing.IsZero() }

// lost says that there is nothing to wait for, or nil.
func (r *errand) lost(snapshot states.Snapshot) error {
	switch {
	case !snapshot.Desired.There() && !snapshot.Record.There():
		return fmt.Errorf("cluster %q %w: its keys were deleted, or Consul was taken back to a time before orch apply; agents keep what they have; "+
			"where they remember the cluster, orch recover %s STATE --definition PATH brings it back, else orch apply PATH; see why: orch why %s",
			r.cluster, ErrGone, r.cluster, r.cluster)
	case snapshot.Record.OK() && !waits(r.request, snapshot) && !r.answered(snapshot):
		return fmt.Errorf("request %s %w, and nobody answered it: it was deleted, or Consul was taken back to a time before it; see where %s is: orch why %s",
			r.request.ID, ErrGone, r.cluster, r.cluster)
	}
	return nil
}

func (r *errand) answered(snapshot states.Snapshot) bool {
	_, answered := answerTo(r.request, snapshot)
	return answered || r.remembers(snapshot)
}

// remembers tells whether the journal had the answer, and was not taken back to before it since.
func (r *errand) remembers(snapshot states.Snapshot) bool {
	return r.known != nil && snapshot.Record.OK() && r.known.Seq <= snapshot.Record.Value.Journal
}

// waits tells whether a request lies there for whoever leads.
func waits(request states.Request, snapshot states.Snapshot) bool {
	return slices.ContainsFunc(snapshot.Requests, func(doc states.Doc[states.Request]) bool { return doc.Value.ID == request.ID })
}

// recall adds the answer to a request that is handled, where the record has dropped it already: that
// keeps the newest, and whoever follows may have looked away for long. The journal has them all, and
// is read until the answer is found.
func (r *errand) recall(ctx context.Context, snapshot states.Snapshot) states.Snapshot {
	archive := r.engine.Archive
	if _, answered := answerTo(r.request, snapshot); answered || waits(r.request, snapshot) || archive == nil || !snapshot.Record.OK() {
		return snapshot
	}
	if r.known == nil {
		ledger, err := archive.Ledger(ctx, snapshot.Cluster)
		if err != nil {
			return snapshot // it is looked for again
		}
		for _, page := range ledger.Pages {
			if answer := page.Value.Answer; page.OK() && answer != nil && answer.Request == r.request.ID {
				r.known = &page.Value
			}
		}
	}
	if r.remembers(snapshot) {
		snapshot.Record.Value.Answers = append(slices.Clone(snapshot.Record.Value.Answers), *r.known.Answer)
	}
	return snapshot
}
