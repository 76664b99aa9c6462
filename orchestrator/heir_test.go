package orchestrator

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

// replaced is a move in which a node's run goes on, and another machine takes the node's name.
func replaced(t *testing.T, edit func(*states.Transition)) (w *world, began time.Time) {
	t.Helper()
	w = serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches, t.Policy.MaxFailures = []states.Size{states.Nodes(1)}, states.Nodes(1)
		edit(t)
	}), 3)
	w.move("version", "2")
	w.until("n00 runs", func() bool { return w.agents["n00"].self.Last.Going() })
	w.agents["n00"] = &agent{self: states.Self{Instance: "i-heir"}, up: true}
	w.report("n00")
	return w, w.now
}

// Who had a node's name before may be a machine that is only cut off: its run fills its slot for as long as
// it may go on there, also where the failure is within the budget, or lost nodes are skipped.
func TestTheRunOfWhoHadTheNameFillsItsSlot(t *testing.T) {
	for name, edit := range map[string]func(*states.Transition){
		"within the budget": func(*states.Transition) {},
		"skipped":           func(t *states.Transition) { t.Policy.OnLost = states.SkipLost },
	} {
		t.Run(name, func(t *testing.T) {
			w, began := replaced(t, edit)
			w.until("the old order is given up", func() bool { return w.node("n00").Order.Value.Void != "" })
			if counted := w.record().Counted; len(counted) != 1 || !strings.Contains(counted[0].Reason, "another instance") {
				w.fail("charged is %+v", counted)
			}
			w.settle()
			decision, _ := w.plan()
			w.waits(decision, "slot")
			if why := decision.Reason; !strings.Contains(why, "who had its name before") {
				w.fail("it says %q", why)
			}
			w.until("the next runs", func() bool { return w.agents["n01"].self.Last.Going() })
			timeout := w.record().Current().Policy.ConvergeTimeout
			if waited, most := w.now.Sub(began), (timeout + states.Grace(timeout)).D(); waited < most || waited > most+time.Second {
				w.fail("it waited %s, and the run may go on for %s", waited, most)
			}
			w.run()
			if w.at("version 2") != 3 || w.record().Status != states.Done {
				w.fail("%d are there", w.at("version 2"))
			}
		})
	}
}

// Where no failure is allowed the move stops, and says why; an operator who lets the new machine go frees the slot.
func TestARetryFreesTheSlotOfWhoHadTheName(t *testing.T) {
	w, began := replaced(t, func(t *states.Transition) { t.Policy.MaxFailures = states.Nodes(0) })
	w.run()
	if status, reason := w.record().Status, w.record().Reason; status != states.Paused || !strings.Contains(reason, "n00") {
		w.fail("it is %s: %s", status, reason)
	}
	if went := w.went("version 2"); len(went) != 1 {
		w.fail("%v ran", went)
	}
	w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	if w.at("version 2") != 3 || w.now.Sub(began) > time.Minute {
		w.fail("%d are there after %s", w.at("version 2"), w.now.Sub(began))
	}
}
