package main

import (
	"context"
	"fmt"
	"strings"

	"orch/orchestrator"
	"orch/states"
)

// awaits tells whether a move goes on only with somebody's word.
func awaits(outcome orchestrator.Outcome) bool {
	record := outcome.Record
	return !outcome.Answer.Refused && !outcome.Replaced && record.Status == states.Running && record.Awaiting == states.AwaitApproval
}

// ask asks whether the next batch may go. Nobody leads meanwhile, so that anybody may decide it
// from elsewhere.
func (d driving) ask(ctx context.Context, v *view) error {
	fmt.Fprint(d.app.err, "go on with the next batch? [y/N] ")
	answer, err := d.app.readLine(ctx)
	if err != nil {
		fmt.Fprintln(d.app.err)
	}
	if ctx.Err() != nil {
		return d.cut(context.Cause(ctx), v)
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	name := d.cluster
	return endingf(exitUnfinished, "transition %s: not finished: %s; go on: orch approve %s, keep it standing: orch pause %s, go back: orch rollback %s",
		name, v.record.Reason, name, name, name)
}

// approving is what follows a yes: the approval of the batch that was just shown.
func (d driving) approving(v *view) driving {
	request := d.app.request(d.consul, v, states.AskApprove, "step by step")
	request.Hop, request.Batch = v.record.Hop, v.record.Over()
	next := d.app.driving(d.consul, v, request)
	next.step = true
	return next
}
