package main

import (
	"context"
	"fmt"
	"time"

	"orch/orchestrator"
	"orch/states"
)

const detachFlag = "ask whoever leads, and do not wait until the move stands"

// leave files the request for whoever leads the cluster, waits for the answer, and follows no further.
// Where nobody leads, nobody would take it up: then nothing is filed, so that no request lies there
// which starts a move later, when somebody else happens to lead.
func (d driving) leave(ctx context.Context) error {
	what := d.request.Kind + " " + d.cluster
	snapshot, err := d.consul.Snapshot(ctx, d.cluster)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case !snapshot.Led:
		return endingf(exitRefused, "%s: refused: nobody leads %s now, and --detach leads nothing; without it this command leads the move", what, d.cluster)
	}
	if err := d.consul.File(ctx, d.cluster, summarized(d.request)); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for deadline := time.Now().Add(d.app.patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if snapshot, err = d.consul.Snapshot(ctx, d.cluster); err != nil {
			return fmt.Errorf("%s: request %s is filed: %w", what, d.request.ID, err)
		}
		if answer, answered := snapshot.Record.Value.AnswerTo(d.request.ID); answered {
			return d.left(snapshot, answer)
		}
	}
	return endingf(exitUnfinished, "%s: request %s is filed, and %s has not answered yet; whoever leads takes it until %s: orch status %s --watch", what,
		d.request.ID, snapshot.Leader.Value.Who, clock(d.request.Expires, d.app.now()), d.cluster)
}

// left says what the leader answered.
func (d driving) left(snapshot states.Snapshot, answer states.Answer) error {
	var end error
	if answer.Refused {
		end = endingf(exitRefused, "%s %s: refused: %s", d.request.Kind, d.cluster, answer.Reason)
	}
	if d.app.json() {
		v := look(snapshot, d.consul.place, d.app.now())
		if err := d.app.printJSON(newDriveJSON(d, orchestrator.Outcome{Answer: answer, Record: v.record}, v, exitCode(end))); err != nil {
			return err
		}
	} else if end == nil {
		d.app.say("%s; %s leads, see it with orch status %s --watch", answer.Reason, snapshot.Leader.Value.Who, d.cluster)
	}
	return end
}
