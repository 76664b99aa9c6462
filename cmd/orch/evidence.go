package main

import (
	"context"

	"orch/orchestrator"
	"orch/states"
)

// sighted adds to a snapshot what can be seen of the world outside, once. Gates that would have to
// be run for an answer are not: looking must not do anything. What those said last is in the record.
func (c *consul) sighted(ctx context.Context, snapshot states.Snapshot) states.Evidence {
	if c.Senses == nil || !snapshot.Record.OK() {
		return states.Evidence{}
	}
	ask := orchestrator.AskFor(snapshot)
	ask.Gates = nil
	return c.Senses.Sense(ctx, ask, make(chan struct{}, 1))
}

// observe looks at the world outside too, before anything is said of why nothing moves.
func (a *app) observe(ctx context.Context, c *consul, v *view) *view {
	snapshot := v.Snapshot
	snapshot.Evidence = c.sighted(ctx, snapshot)
	return look(snapshot, c.place, a.now())
}

// consider looks at what a request would need to know of the world outside.
func (v *view) consider(ctx context.Context, c *consul, request states.Request) {
	asking := v.Snapshot
	asking.Requests = []states.Doc[states.Request]{{Value: request, Index: 1}}
	v.Evidence = c.sighted(ctx, asking)
}
