package orchestrator_test

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/orchestrator"
	"orch/states"
)

// busyLeader answers a request as soon as it lies there, and so many others that its record has
// dropped the answer before whoever asked looks again.
type busyLeader struct {
	orchestrator.Store
	*book
	refused bool
}

func (l *busyLeader) Snapshot(ctx context.Context, cluster string) (states.Snapshot, error) {
	snapshot, err := l.Store.Snapshot(ctx, cluster)
	if err != nil || len(snapshot.Requests) == 0 {
		return snapshot, err
	}
	request := snapshot.Requests[0].Value
	l.write(func(c *states.Change) {
		c.Handled, c.Entry.Request = request.ID, request.ID
		c.Entry.Answer = &states.Answer{Request: request.ID, Refused: l.refused, Reason: "said in the journal", At: l.now}
	})
	return l.Store.Snapshot(ctx, cluster)
}

func TestAnswerThatTheRecordDropped(t *testing.T) {
	for _, refused := range []bool{false, true} {
		b := story(t)
		leader := &busyLeader{Store: b.store, book: b, refused: refused}
		engine := orchestrator.Engine{Store: leader, Leaser: b.store, Archive: b.store, Log: hclog.NewNullLogger(), Clock: time.Now, Who: "bob@bastion"}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		outcome, err := engine.Drive(ctx, "web", states.Request{Schema: states.Schema, ID: "q-1", Kind: states.AskPause, By: "bob@bastion", Expires: time.Now().Add(time.Hour)})
		if err != nil || outcome.Answer.Reason != "said in the journal" || outcome.Answer.Refused != refused {
			t.Fatalf("%+v, %v", outcome.Answer, err)
		}
	}
}
