package sense

import (
	"context"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// question is a gate that takes its time, and how it is asked.
type question struct {
	gate string
	ask  func(ctx context.Context) states.Reading
}

// target is a gate, of whatever batch: it is asked once at a time.
type target struct{ cluster, gate string }

// batch is what an answer is for, and for nothing else.
type batch struct {
	transition string
	hop, batch int
}

// asker asks one gate for one batch, again and again, until it is dismissed.
type asker struct {
	about  batch
	cancel context.CancelFunc
	ended  chan struct{}

	// guarded by the World
	question  question
	news      chan<- struct{}
	dismissed bool
	answered  bool
	reading   states.Reading // the last answer
}

// asked gives what the gates answered so far for this batch. Whoever is not asked yet is, and whoever
// is not to be asked any more is dismissed.
func (w *World) asked(ask orchestrator.Ask, questions []question, news chan<- struct{}) map[string]states.Reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	about := batch{ask.Transition, ask.Hop, ask.Batch}
	readings, wanted := map[string]states.Reading{}, map[target]bool{}
	for _, q := range questions {
		t := target{ask.Cluster, q.gate}
		wanted[t] = true
		a := w.askers[t]
		if a == nil || a.dismissed || a.about != about {
			if a = w.hire(t, about, a); a == nil {
				return nil
			}
		}
		a.question, a.news = q, news
		if a.answered {
			readings[q.gate] = a.reading
		}
	}
	for t, a := range w.askers {
		if t.cluster == ask.Cluster && !wanted[t] {
			a.dismiss()
		}
	}
	return readings
}

// hire starts an asker in the place of another, which is dismissed; nil after Close. Its first
// question waits for the end of the other's last.
func (w *World) hire(t target, about batch, before *asker) *asker {
	if w.ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(w.ctx)
	a := &asker{about: about, cancel: cancel, ended: make(chan struct{})}
	w.askers[t] = a
	if before != nil {
		before.dismiss()
	}
	w.going.Go(func() {
		defer w.retire(t, a)
		if before != nil {
			<-before.ended // also where this one is dismissed already: the next waits for this one only
		}
		w.work(ctx, a)
	})
	return a
}

func (a *asker) dismiss() {
	a.dismissed = true
	a.cancel()
}

func (w *World) retire(t target, a *asker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a.dismiss()
	if w.askers[t] == a {
		delete(w.askers, t)
	}
	close(a.ended)
}

// work asks, and asks again a while after each answer.
func (w *World) work(ctx context.Context, a *asker) {
	for ctx.Err() == nil {
		w.mu.Lock()
		ask := a.question.ask
		w.mu.Unlock()
		now := w.Clock()
		reading := at(now, ask(ctx))
		if !w.keep(ctx, a, reading) {
			return
		}
		pause(ctx, w.Every)
	}
}

// keep notes an answer and sends word of it, unless nobody wants it any more: then it may be no more
// than the echo of being cut off.
func (w *World) keep(ctx context.Context, a *asker, reading states.Reading) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	a.reading, a.answered = reading, true
	select {
	case a.news <- struct{}{}:
	default:
	}
	return true
}

func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
