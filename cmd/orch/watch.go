package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"orch/states"
)

// shown is how much of a move is shown while it runs.
type shown int

const (
	showNothing shown = iota
	showLines         // one line per journal entry
	showScreen        // one screen, redrawn in place
)

// watcher shows a cluster while somebody leads it. The engine tells it what it sees and goes on at
// once; reading the journal and drawing is the watcher's own goroutine.
type watcher struct {
	app     *app
	consul  *consul
	cluster string
	shown   shown
	request string // that is driven, and for which this process leads; empty: it only watches

	mu     sync.Mutex
	latest *states.Snapshot
	notes  []string

	nudge   chan struct{}
	stop    chan struct{}
	over    sync.WaitGroup
	printed uint64 // sequence number of the newest entry that was shown
	broken  string // why the journal could not be read, once it was said
	screen  *live

	ahead   outlook // the newest; under mu
	looking bool    // ahead; under mu
}

// watch begins to show a cluster, while a request is driven or because somebody looks; end ends it,
// and has to be called.
func (a *app) watch(c *consul, cluster, request string, how shown, after uint64) *watcher {
	w := &watcher{app: a, consul: c, cluster: cluster, request: request, shown: how, printed: after,
		nudge: make(chan struct{}, 1), stop: make(chan struct{})}
	if how == showScreen {
		w.screen = a.enter()
	}
	w.over.Go(w.loop)
	return w
}

// look is told every snapshot.
func (w *watcher) look(snapshot states.Snapshot) {
	w.mu.Lock()
	w.latest = &snapshot
	w.mu.Unlock()
	w.wake()
}

// say is told what a person should know of Consul and the lease.
func (w *watcher) say(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.notes); n > 0 && w.notes[n-1] == text {
		return
	}
	w.notes = append(w.notes, text)
	if w.shown != showScreen {
		w.app.warn("%s", text)
	}
	w.wake()
}

func (w *watcher) wake() {
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

// seen gives the newest snapshot as a view, or nil.
func (w *watcher) seen() (*view, []string) {
	w.mu.Lock()
	latest, notes := w.latest, w.notes
	w.mu.Unlock()
	if latest == nil {
		return nil, notes
	}
	return look(*latest, w.consul.place, w.app.now()), notes
}

func (w *watcher) loop() {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		w.show()
		select {
		case <-w.stop:
			return
		case <-w.nudge:
		case <-tick.C:
		}
	}
}

// show brings what is seen up to date.
func (w *watcher) show() {
	switch w.shown {
	case showLines:
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		w.lines(ctx)
	case showScreen:
		v, notes := w.seen()
		w.foresee(v)
		w.screen.draw(func(width, height int) *page { return w.frame(v, notes, width, height) })
	}
}

// foresee has the future looked at once for every version of the record, beside the drawing: until
// that is done, the last look has to do.
func (w *watcher) foresee(v *view) {
	if v == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.looking && w.ahead.version != v.Record.Index {
		w.looking = true
		seen := *v
		w.over.Go(func() {
			ahead := seen.lookAhead()
			w.mu.Lock()
			w.ahead, w.looking = ahead, false
			w.mu.Unlock()
			w.wake()
		})
	}
	ahead := w.ahead
	v.ahead = &ahead
}

// lines prints what the journal has that was not printed yet, in its order.
func (w *watcher) lines(ctx context.Context) {
	w.mu.Lock()
	latest := w.latest
	w.mu.Unlock()
	if latest == nil || !latest.Record.OK() || latest.Record.Value.Journal <= w.printed {
		return
	}
	first := max(w.printed, latest.Record.Value.Journal-min(latest.Record.Value.Journal, manyLines)) + 1
	entries, err := w.consul.Entries(ctx, w.cluster, first, latest.Record.Value.Journal)
	if err != nil {
		if w.broken == "" {
			w.broken = err.Error()
			w.say("read the journal: " + w.broken)
		}
		return
	}
	w.broken = ""
	for _, entry := range entries {
		if _, err := fmt.Fprintln(w.to(), entryLine(w.cluster, entry)); err != nil {
			w.say(fmt.Sprintf("nobody reads this any more: %v; the move goes on: orch status %s --watch, or orch pause %s", err, w.cluster, w.cluster))
		}
	}
	w.printed = latest.Record.Value.Journal
}

// manyLines is how many entries are read at once for whoever watches: a record that counts far more than
// were printed was edited.
const manyLines = 1000

// to is where lines go: with -o json, the standard output is for one document.
func (w *watcher) to() io.Writer {
	if w.app.json() {
		return w.app.err
	}
	return w.app.out
}

// frame is the screen as it is now.
func (w *watcher) frame(v *view, notes []string, width, height int) *page {
	p := &page{width: width, colour: w.app.screen.colour}
	if v == nil {
		p.say("waiting for the first look at " + w.cluster)
		return p
	}
	o := statusOptions{live: true, leads: w.request != "" && !v.ledFor(w.request), notes: notes[max(0, len(notes)-2):]}
	v.statusScreen(p, o)
	if over := len(p.lines) - height; over > 0 && height > 0 {
		listed := v.count(func(n nodeView) bool { return !n.dull() })
		o.rows = max(1, listed-over-1)
		p.lines = nil
		v.statusScreen(p, o)
	}
	return p
}

// ledFor tells whether somebody leads for another request than this one.
func (v *view) ledFor(request string) bool {
	return v.Led && v.Leader.OK() && v.Leader.Value.For != "" && v.Leader.Value.For != request
}

// end stops showing, gives the terminal back, and leaves the last view on it. It returns what the
// cluster looks like now, or nil where nobody can tell.
func (w *watcher) end() *view {
	close(w.stop)
	w.over.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if snapshot, err := w.consul.Snapshot(ctx, w.cluster); err == nil {
		w.latest = &snapshot
	}
	v, notes := w.seen()
	switch w.shown {
	case showLines:
		w.lines(ctx)
	case showScreen:
		w.screen.leave()
		for _, note := range notes {
			w.app.warn("%s", note)
		}
		if v != nil {
			p := w.app.page()
			v.statusScreen(p, statusOptions{})
			_ = p.writeTo(w.app.out)
		}
	}
	return v
}

// entryLine is a journal entry on one line.
func entryLine(cluster string, doc states.Doc[states.Entry]) string {
	e := doc.Value
	if !doc.OK() {
		return visible(fmt.Sprintf("%s  an entry of the journal cannot be read: %s", cluster, doc.Problem))
	}
	return visible(fmt.Sprintf("%s  %s  %-10s  %s", e.At.UTC().Format("15:04:05Z"), cluster, e.Event, said(e)))
}
