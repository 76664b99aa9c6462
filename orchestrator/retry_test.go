package orchestrator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

func TestRetry(t *testing.T) {
	w := toVersion2(t, 5, func(t *states.Transition) {})
	w.agents["n01"].bad = true
	w.settle()
	w.stands(states.Paused, states.ByFailures, "n01")
	moved := len(w.went("version 2"))
	w.agents["n01"].bad = false
	w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	w.stands(states.Done, "", "reached")
	got := w.went("version 2")
	if len(got) != 6 || slices.Contains(got[moved:], "n00") {
		w.fail("only who failed and who never went: %v then %v", got[:moved], got[moved:])
	}
}

func TestRetryOfWhatWasTolerated(t *testing.T) {
	w := toVersion2(t, 5, func(t *states.Transition) { t.Policy.MaxFailures = states.Nodes(2) })
	w.agents["n01"].bad, w.agents["n02"].bad = true, true
	w.settle()
	w.stands(states.Done, "", "reached")
	if w.node("n01").Status.Value.Failed.ID == "" {
		w.fail("the failure is not visible any more")
	}
	w.agents["n01"].bad, w.agents["n02"].bad = false, false
	id := w.ask(states.Request{Kind: states.AskRetry, Nodes: []string{"n01"}})
	w.run()
	if w.at("version 2") != 4 || w.answered(id).Refused {
		w.fail("%d at version 2: %+v", w.at("version 2"), w.answered(id))
	}
	w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	if w.at("version 2") != 5 {
		w.fail("%d at version 2", w.at("version 2"))
	}
	id = w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	if answer := w.answered(id); answer.Refused || !strings.Contains(answer.Reason, "nothing to do") {
		w.fail("%+v", answer)
	}
}

func TestRetryOfSomeIsRefusedWhileTheBudgetStaysSpent(t *testing.T) {
	w := toVersion2(t, 5, func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(3)} })
	w.agents["n01"].bad, w.agents["n02"].bad = true, true
	w.settle()
	id := w.ask(states.Request{Kind: states.AskRetry, Nodes: []string{"n01"}})
	w.run()
	if answer := w.answered(id); !answer.Refused || !strings.Contains(answer.Reason, "1 node would still be failed") {
		w.fail("%+v", answer)
	}
}

func TestHeldNodeIsLeftAlone(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 4)
	w.ask(states.Request{Kind: states.AskHold, Node: "n01", Why: "disk swap"})
	w.run()
	w.move("version", "2")
	w.run()
	w.stands(states.Done, "", "reached")
	if w.at("version 2") != 3 || slices.Contains(w.went("version 2"), "n01") {
		w.fail("%d at version 2: %v", w.at("version 2"), w.went("version 2"))
	}
	w.ask(states.Request{Kind: states.AskUnhold, Node: "n01"})
	w.run()
	if w.at("version 2") != 4 {
		w.fail("let go of, it did not catch up")
	}
}

func TestHoldEndsByItself(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 3)
	w.ask(states.Request{Kind: states.AskHold, Node: "n01", Why: "disk swap", Until: w.now.Add(time.Hour)})
	w.run()
	w.move("version", "2")
	w.run()
	if w.at("version 2") != 2 {
		w.fail("%d at version 2", w.at("version 2"))
	}
	w.now = w.now.Add(2 * time.Hour)
	w.run()
	if w.at("version 2") != 3 {
		w.fail("the hold is over, and it did not catch up")
	}
}

func TestHeldOrderIsVoid(t *testing.T) {
	w := toVersion2(t, 8, func(t *states.Transition) {})
	w.until("the canary has its order", func() bool { return w.record().Batch.Number == 1 })
	canary := w.record().Batch.Nodes[0]
	w.ask(states.Request{Kind: states.AskHold, Node: canary, Why: "no"})
	w.until("it is held", func() bool { return w.node(canary).Order.Value.Held != nil })
	w.until("another canary goes", func() bool { return w.record().Batch.Number == 1 && w.record().Batch.Nodes[0] != canary })
	w.ask(states.Request{Kind: states.AskUnhold, Node: canary})
	w.until("it is let go of", func() bool { return w.node(canary).Order.Value.Held == nil })
	if v := w.verdict(canary); v.Go {
		w.fail("it goes beside the batch: %s", v.Reason)
	}
	w.bound()
	w.run()
	if w.at("version 2") != 8 {
		w.fail("%d at version 2", w.at("version 2"))
	}
}

func TestReconverge(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 5)
	generation := w.snapshot.Desired.Value.Generation
	w.ask(states.Request{Kind: states.AskReconverge})
	for range 20 {
		w.plan()
		w.bound()
	}
	w.run()
	w.stands(states.Done, "", "reached")
	if got := w.went("version 1"); len(got) != 5 || w.at("version 1") != 5 || w.snapshot.Desired.Value.Generation == generation {
		w.fail("want each node once: %v", got)
	}
	t.Run("a node that missed it catches up", func(t *testing.T) {
		w.agents["n00"].self.AgainDone = "older"
		w.report("n00")
		w.settle()
		if got := w.went("version 1"); len(got) != 6 {
			w.fail("%v", got)
		}
	})
	t.Run("of one node", func(t *testing.T) {
		w.story = nil
		w.ask(states.Request{Kind: states.AskReconverge, Nodes: []string{"n03"}})
		w.run()
		w.stands(states.Done, "", "reached")
		if got := w.went("version 1"); !slices.Equal(got, []string{"n03"}) {
			w.fail("%v", got)
		}
	})
}

// In an opened hop an agent tries on its own: a try that was begun before the retry charges nobody.
func TestRetryCountsNoRunFromBeforeIt(t *testing.T) {
	w := toVersion2(t, 1, func(t *states.Transition) {})
	w.agents["n00"].bad = true
	w.until("it is charged", func() bool { return len(w.record().Counted) == 1 })
	last := &w.agents["n00"].self.Last // the next try was claimed before the halt was written
	last.ID, last.Outcome, last.Terminal = "r-next", "", false
	w.report("n00")
	w.settle()
	w.stands(states.Paused, states.ByFailures, "n00")
	w.ask(states.Request{Kind: states.AskRetry})
	w.plan()
	w.finish("n00") // badly
	w.agents["n00"].bad = false
	w.run()
	w.stands(states.Done, "", "reached")
}
