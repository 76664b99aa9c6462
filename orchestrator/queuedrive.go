package orchestrator

import (
	"context"
	"time"

	"orch/states"
)

// enqueue takes a place in the queue; leave gives it up, and a request that was not taken until then
// never will be.
func (e *Engine) enqueue(ctx context.Context, cluster string, request states.Request) (leave func(), err error) {
	turn, err := e.Store.Queue(ctx, cluster, request)
	if err != nil {
		return func() {}, err
	}
	return func() {
		if err := turn.Leave(context.WithoutCancel(ctx)); err != nil {
			e.say("leave the queue: %v; its place ends by itself", err)
		}
	}, nil
}

// await returns at once, unless the request waits for its turn, or is missing: then when somebody leads who
// can be followed, when there is something to lead, or when the request is done or given up. A cluster that
// stands is not led meanwhile, so that whoever wants to change something about it can.
func (e *Engine) await(ctx context.Context, errand *errand) error {
	request := errand.request
	if !request.Queue && !errand.misses() {
		return nil
	}
	news, stop := e.news(ctx, errand.cluster)
	defer stop()
	for {
		snapshot, err := e.Store.Snapshot(ctx, errand.cluster)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			e.say("waiting for Consul: %v", err)
		default:
			e.look(snapshot)
			switch {
			case errand.over(ctx, snapshot):
				return nil
			case errand.misses(): // who leads cannot help
			case snapshot.Led, !standing(request, snapshot, e.Clock()):
				return nil
			default:
				e.sayTurn(request, snapshot)
			}
		}
		sleep(ctx, ctx, news, time.Second)
	}
}

// standing tells whether nothing is to be led while a queued request waits.
func standing(request states.Request, snapshot states.Snapshot, now time.Time) bool {
	if !request.Queue || snapshot.Record.OK() && snapshot.Record.Value.Status == states.Running {
		return false
	}
	if _, answered := answerTo(request, snapshot); answered {
		return false
	}
	return Plan(snapshot, Leading{}, now).Change == nil
}

// sayTurn says what a queued request waits for.
func (e *Engine) sayTurn(request states.Request, snapshot states.Snapshot) {
	if ahead := Ahead(snapshot, request.ID); ahead != "" {
		e.say("waits for its turn: %s", ahead)
	}
}
