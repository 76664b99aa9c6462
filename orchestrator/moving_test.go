package orchestrator

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

const minute = states.Duration(time.Minute)

// toVersion2 starts the move that these tests are about.
func toVersion2(t *testing.T, n int, edit func(*states.Transition)) *world {
	w := serving(t, rollout(edit), n)
	w.move("version", "2")
	return w
}

func (w *world) stands(status, cause, reason string) {
	w.t.Helper()
	if r := w.record(); r.Status != status || r.Cause != cause || !strings.Contains(r.Reason, reason) {
		w.fail("want %s %s (%s), got %s %s: %s", status, cause, reason, r.Status, r.Cause, r.Reason)
	}
}

func (w *world) waits(decision Decision, kind string) Wait {
	w.t.Helper()
	for _, wait := range decision.Waits {
		if wait.Kind == kind {
			return wait
		}
	}
	w.fail("want a wait for %s, got %+v", kind, decision.Waits)
	return Wait{}
}

// over waits until the n-th batch of the move is over.
func (w *world) over(n int) {
	w.t.Helper()
	w.until("the batch is over", func() bool {
		return w.record().Target.Argument == "2" && w.record().Batch.Number == n && !w.record().Batch.Ended.IsZero()
	})
}

// stepless plans until there is no step to take, and gives the reasons.
func TestApprovalIsForTheBatchThatWasLookedAt(t *testing.T) {
	w := toVersion2(t, 5, func(t *states.Transition) { t.Policy.Approve = states.ApproveAfterEachBatch })
	decision := w.run()
	w.waits(decision, "approval")
	if w.record().Awaiting != states.AwaitApproval || w.at("version 2") != 1 {
		w.fail("awaiting %q with %d at version 2", w.record().Awaiting, w.at("version 2"))
	}
	early := w.ask(states.Request{Kind: states.AskApprove, Batch: 2})
	w.run()
	if answer := w.answered(early); !answer.Refused || !strings.Contains(answer.Reason, "batch 2") {
		w.fail("a batch that nobody saw was approved: %+v", answer)
	}
	w.ask(states.Request{Kind: states.AskApprove, Batch: 1, Why: "looks good"})
	w.run()
	if w.at("version 2") != 3 {
		w.fail("%d at version 2", w.at("version 2"))
	}
	late := w.ask(states.Request{Kind: states.AskApprove, Batch: 1})
	w.run()
	if w.at("version 2") != 3 || w.answered(late).Refused {
		w.fail("an approval counted twice")
	}
	w.ask(states.Request{Kind: states.AskApprove, Batch: 2})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestApprovalBeforeTheStart(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) { t.Policy.Approve = states.ApproveBeforeStart })
	w.run()
	if len(w.went("version 2")) != 0 {
		w.fail("somebody went")
	}
	w.ask(states.Request{Kind: states.AskApprove})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestStepAsksAfterEveryBatch(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 3)
	w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "2"}, Step: true})
	w.run()
	if w.record().Awaiting == "" || w.at("version 2") != 1 {
		w.fail("it did not ask")
	}
}

func TestBatchFailures(t *testing.T) {
	one := states.Nodes(0)
	w := toVersion2(t, 5, func(t *states.Transition) {
		t.Policy.MaxFailures, t.Policy.BatchFailures, t.Policy.Batches = states.Nodes(4), &one, []states.Size{states.Nodes(2)}
	})
	w.agents["n01"].bad = true
	w.settle()
	w.stands(states.Paused, states.ByFailures, "1 node of batch 1 failed, 0 allowed (batch_failures = 0): n01")
	w.ask(states.Request{Kind: states.AskResume})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestProgressDeadline(t *testing.T) {
	slow := func(t *states.Transition) {
		t.Policy.ProgressDeadline, t.Policy.MinHealthy = 10*minute, states.Nodes(3)
		t.Policy.ConvergeTimeout, t.Policy.OnLost = 600*minute, states.SkipLost
	}
	w := toVersion2(t, 4, slow)
	w.over(1)
	w.kill("n03")
	w.waits(w.stepless(), "floor")
	t.Run("its clock stands still while paused", func(t *testing.T) {
		w.now = w.now.Add(9 * time.Minute)
		w.ask(states.Request{Kind: states.AskPause})
		w.settle()
		w.now = w.now.Add(time.Hour)
		w.ask(states.Request{Kind: states.AskResume})
		w.settle()
		w.now = w.now.Add(9 * time.Minute)
		w.settle()
		w.stands(states.Running, "", "")
	})
	w.run()
	w.stands(states.Paused, states.ByDeadline, "no progress for 10m (progress_deadline): 3 of 4 are healthy, and 3 must stay so")
}

func TestWaitingForAPersonIsNoLackOfProgress(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Policy.ProgressDeadline, t.Policy.Approve = 10*minute, states.ApproveAfterFirstBatch
	})
	w.run()
	w.now = w.now.Add(100 * time.Hour)
	w.settle()
	w.stands(states.Running, "", "waits for approval")
	w.ask(states.Request{Kind: states.AskApprove, Batch: 1})
	w.run()
	w.stands(states.Done, "", "reached")
}

// sizes lists the batches of the move.
