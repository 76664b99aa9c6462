package orchestrator

import (
	"context"
	"errors"
	"slices"
	"time"

	"orch/states"
)

// Outcome is what became of a request.
type Outcome struct {
	Answer   states.Answer
	Record   states.Record // as it was when the request was done
	Replaced bool          // another transition took the place of the one that was followed
	Undone   bool          // the move failed, and Record is of the way back
}

// answerWithin is how long a live leader takes to answer at the most, before one that does not is
// taken for silent and waited out.
const answerWithin = 2 * time.Second

// Drive files a request and returns when it is done: a stop when it is acknowledged, a move when
// the cluster stands again. It follows whoever leads the cluster, and leads when nobody does. The
// lease of a leader that died is waited out, saying so; a *states.HeldError means that a live one
// does not answer.
func (e *Engine) Drive(ctx context.Context, cluster string, request states.Request) (Outcome, error) {
	leave, err := e.file(ctx, cluster, request)
	if err != nil {
		return Outcome{}, err
	}
	defer leave()
	var outcome Outcome
	ended := false
	done := func(snapshot states.Snapshot) bool {
		found, over := finished(request, snapshot, e.Attend)
		if over {
			outcome, ended = found, true
		}
		return over
	}
	for {
		err := e.await(ctx, cluster, request, done)
		if err == nil && !ended {
			err = e.turn(ctx, cluster, request, done)
		}
		switch {
		case err == nil && ended:
			return outcome, nil
		case err == nil: // it led, and there is nothing to be led while the queue waits
		case errors.Is(err, states.ErrLeaseLost):
			e.say("the lease is gone; taking it again, or following whoever has it")
		case errors.Is(err, errAgain):
		default:
			return outcome, err
		}
	}
}

// errAgain means that the lease changed hands, or may have; it never leaves this file.
var errAgain = errors.New("again")

// file writes the request; leave gives up what it holds of it. An outcome that nobody knows is no
// reason not to try again, because the same request is only ever written once.
func (e *Engine) file(ctx context.Context, cluster string, request states.Request) (leave func(), err error) {
	for retry := firstRetry; ; retry = min(2*retry, lastRetry) {
		leave := func() {}
		var err error
		if request.Queue {
			leave, err = e.enqueue(ctx, cluster, request)
		} else {
			err = e.Store.File(ctx, cluster, request)
		}
		if !errors.Is(err, states.ErrUnknownOutcome) && !errors.Is(err, states.ErrUnavailable) {
			return leave, err
		}
		e.say("waiting for Consul: %v", err)
		sleep(ctx, ctx, nil, retry)
		if ctx.Err() != nil {
			return leave, ctx.Err()
		}
	}
}

// turn leads or follows once. It returns nil when the request is done, states.ErrLeaseLost or
// errAgain when the lease changed hands.
func (e *Engine) turn(ctx context.Context, cluster string, request states.Request, done func(states.Snapshot) bool) error {
	lease, err := e.Leaser.Campaign(ctx, cluster, e.Who, request.ID)
	var held *states.HeldError
	switch {
	case errors.As(err, &held):
		return e.follow(ctx, held, request, done)
	case errors.Is(err, states.ErrUnavailable), errors.Is(err, states.ErrUnknownOutcome), errors.Is(err, states.ErrConflict):
		e.say("waiting for the lease: %v", err)
		sleep(ctx, ctx, nil, time.Second)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errAgain
	case err != nil:
		return err
	}
	led := e.Lead(ctx, lease, func(snapshot states.Snapshot) bool { return done(snapshot) || standing(request, snapshot, e.Clock()) })
	e.Compact(ctx, lease)
	if err := lease.Release(context.WithoutCancel(ctx)); err != nil {
		e.say("let go of the lease: %v; it ends by itself", err)
	}
	return led
}

// follow watches whoever leads until the request is done or the lease changes hands.
func (e *Engine) follow(ctx context.Context, held *states.HeldError, request states.Request, done func(states.Snapshot) bool) error {
	news, stop := e.news(ctx, held.Cluster)
	defer stop()
	begun, told := time.Now(), false // not by the clock, which somebody may set
	var known *states.Answer
	for {
		snapshot, err := e.Store.Snapshot(ctx, held.Cluster)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.Is(err, states.ErrUnavailable):
			return err
		case err != nil:
			e.say("waiting for Consul: %v", err)
		default:
			e.look(snapshot)
			if snapshot = e.recall(ctx, request, snapshot, &known); done(snapshot) {
				return nil
			}
			if !snapshot.Led || snapshot.Session != held.Session {
				return errAgain
			}
			if _, answered := answerTo(request, snapshot); answered {
				break
			}
			if request.Queue { // nobody owes it an answer yet
				e.sayTurn(request, snapshot)
				break
			}
			waited := time.Since(begun)
			if waited > held.AtMost+answerWithin {
				return held
			}
			if waited > answerWithin && !told {
				told = true
				e.say("%s holds the lease of %s since %s and does not answer; if it is gone, its lease ends by %s",
					held.Leader.Who, held.Cluster, clock(held.Leader.Since), clock(e.Clock().Add(held.AtMost-waited)))
			}
		}
		sleep(ctx, ctx, news, time.Second)
	}
}

// followed gives the transition that a request is about until that stands, or "": then its answer is all.
func followed(request states.Request) string {
	switch request.Kind {
	case states.AskTransition, states.AskRollback, states.AskReconverge:
		return TransitionOf(request.ID)
	case states.AskResume, states.AskRetry, states.AskApprove:
		return request.Transition
	}
	return ""
}

// finished tells whether a request is done, and how. A move that waits for an approval is done with
// for now, unless somebody attends.
func finished(request states.Request, snapshot states.Snapshot, attend bool) (Outcome, bool) {
	record := snapshot.Record.Value
	answer, answered := answerTo(request, snapshot)
	outcome := Outcome{Answer: answer, Record: record}
	if !answered {
		return outcome, false
	}
	id := followed(request)
	if answer.Refused || id == "" {
		return outcome, true
	}
	outcome.Undone = record.Automatic() && record.Undoes == id
	if record.ID != id && !outcome.Undone {
		outcome.Replaced = record.Request != request.ID && record.StartedAt.After(answer.At)
		return outcome, true
	}
	return outcome, record.Status != states.Running || record.Awaiting != "" && !attend
}

// recall adds the answer to a request that is handled, where the record has dropped it already: that
// keeps the newest, and whoever follows may have looked away for long. The journal has them all, and
// is read once: known is what was found.
func (e *Engine) recall(ctx context.Context, request states.Request, snapshot states.Snapshot, known **states.Answer) states.Snapshot {
	waits := slices.ContainsFunc(snapshot.Requests, func(doc states.Doc[states.Request]) bool { return doc.Value.ID == request.ID })
	if _, answered := answerTo(request, snapshot); answered || waits || e.Archive == nil || !snapshot.Record.OK() {
		return snapshot
	}
	if *known == nil {
		ledger, err := e.Archive.Ledger(ctx, snapshot.Cluster)
		if err != nil {
			return snapshot // it is looked for again
		}
		for _, page := range ledger.Pages {
			if answer := page.Value.Answer; page.OK() && answer != nil && answer.Request == request.ID {
				*known = answer
			}
		}
	}
	if *known != nil {
		snapshot.Record.Value.Answers = append(slices.Clone(snapshot.Record.Value.Answers), **known)
	}
	return snapshot
}

// answerTo finds the answer to a request; a transition that it started is an answer too, should the
// record have forgotten the words.
func answerTo(request states.Request, snapshot states.Snapshot) (states.Answer, bool) {
	if !snapshot.Record.OK() {
		return states.Answer{}, false
	}
	record := snapshot.Record.Value
	if answer, ok := record.AnswerTo(request.ID); ok {
		return answer, true
	}
	return states.Answer{Request: request.ID, Reason: record.Reason, At: record.StartedAt}, record.Request == request.ID
}
