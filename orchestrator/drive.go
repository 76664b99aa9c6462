package orchestrator

import (
	"context"
	"errors"
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
// does not answer, ErrGone that there is nothing left to wait for.
func (e *Engine) Drive(ctx context.Context, cluster string, request states.Request) (Outcome, error) {
	leave, err := e.file(ctx, cluster, request)
	if err != nil {
		return Outcome{}, err
	}
	defer leave()
	errand := &errand{engine: e, cluster: cluster, request: request}
	for {
		err := e.await(ctx, errand)
		if err == nil && !errand.ended && errand.gone == nil {
			err = e.turn(ctx, errand)
		}
		switch {
		case errand.gone != nil:
			return Outcome{}, errand.gone
		case err == nil && errand.ended:
			return errand.outcome, nil
		case err == nil: // it led, and there is nothing to be led while the queue waits
		case errors.Is(err, states.ErrLeaseLost):
			e.say("the lease is gone; taking it again, or following whoever has it")
		case errors.Is(err, errAgain):
		default:
			return Outcome{}, err
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

// turn leads or follows once. It returns nil when the request is done or given up, states.ErrLeaseLost
// or errAgain when the lease changed hands.
func (e *Engine) turn(ctx context.Context, errand *errand) error {
	request := errand.request
	lease, err := e.Leaser.Campaign(ctx, errand.cluster, e.Who, request.ID)
	var held *states.HeldError
	switch {
	case errors.As(err, &held):
		return e.follow(ctx, held, errand)
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
	led := e.Lead(ctx, lease, func(snapshot states.Snapshot) bool {
		return errand.over(ctx, snapshot) || standing(request, snapshot, e.Clock())
	})
	e.Compact(ctx, lease)
	if err := lease.Release(context.WithoutCancel(ctx)); err != nil {
		e.say("let go of the lease: %v; it ends by itself", err)
	}
	return led
}

// follow watches whoever leads until the request is done or given up, or the lease changes hands.
func (e *Engine) follow(ctx context.Context, held *states.HeldError, errand *errand) error {
	news, stop := e.news(ctx, held.Cluster)
	defer stop()
	begun, told := time.Now(), false // not by the clock, which somebody may set
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
			if errand.over(ctx, snapshot) {
				return nil
			}
			if !snapshot.Led || snapshot.Session != held.Session {
				return errAgain
			}
			if errand.answered(snapshot) {
				break
			}
			if errand.request.Queue { // nobody owes it an answer yet
				e.sayTurn(errand.request, snapshot)
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
