package orchestrator

import (
	"slices"
	"testing"
	"time"

	"orch/states"
)

// c: reconverge of a held node
func TestReconvergeOfAHeldNode(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 3)
	w.ask(states.Request{Kind: states.AskHold, Node: "n01"})
	w.run()
	w.story = nil
	id := w.ask(states.Request{Kind: states.AskReconverge, Nodes: []string{"n01"}})
	w.run()
	if a := w.answered(id); !a.Refused && len(w.went("version 1")) == 0 {
		w.fail("said done, ran nothing: %s", w.record().Reason)
	}
}

// d: batch_failures counts who was not of the batch
func TestBatchFailuresCountTheBatch(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		limit := states.Nodes(0)
		t.Policy.Batches, t.Policy.BatchFailures, t.Policy.MaxFailures = []states.Size{states.Nodes(1)}, &limit, states.Nodes(3)
	}), 5)
	w.move("version", "2")
	w.until("a batch", func() bool { return w.record().Batch.Number == 1 && w.record().Target.Argument == "2" })
	w.kill("n04")
	w.plan()
	w.now = w.now.Add(60 * time.Second)
	w.act("n00") // claims late; still within the order's time
	w.now = w.now.Add(12 * time.Second)
	w.plan()
	w.plan()
	w.stands(states.Running, "", "")
}

// f: rollback of a move back to stable
func TestRollbackOfAMoveToTheStableState(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {})
	w.until("two are there", func() bool { return w.at("version 2") == 2 })
	w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "1"}, Supersede: true})
	w.until("on its way", func() bool { return w.record().Target.Argument == "1" })
	w.ask(states.Request{Kind: states.AskRollback})
	w.run()
	if w.at("converged") > 0 {
		w.fail("ends at %s", w.snapshot.Desired.Value.State)
	}
}

// h: paused between hops, then rollback
func TestPausedBetweenHops(t *testing.T) {
	w := born(t, tier(), 4)
	w.move("converged", "")
	w.until("almost", func() bool { return w.at("waiting") == 3 })
	w.until("opened", func() bool { return w.snapshot.Desired.Value.Open })
	w.until("all", func() bool { return w.at("waiting") == 4 || w.record().Hop == 1 })
	for _, n := range []string{"n00", "n01", "n02"} {
		w.kill(n)
	}
	w.run()
	t.Log(w.record().Status, w.record().Cause, w.record().Reason)
	w.ask(states.Request{Kind: states.AskRollback})
	w.run()
	t.Log(w.record().Status, w.record().Reason, w.snapshot.Desired.Value.State)
	for _, n := range []string{"n00", "n01", "n02"} {
		w.agents[n].up = true
		w.report(n)
	}
	w.run()
	if w.at("off") != 4 {
		w.fail("%d off", w.at("off"))
	}
}

// A node whose clock is years off falls silent in its run. The run fills its slot for its own times from
// when the node was missed: no longer, and no less.
func TestSilentRunWithAWrongClock(t *testing.T) {
	for name, started := range map[string]time.Time{"ahead": time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC), "behind": time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)} {
		t.Run(name, func(t *testing.T) {
			w := toVersion2(t, 4, func(t *states.Transition) {
				t.Policy.Batches, t.Policy.OnLost = []states.Size{states.Nodes(1)}, states.SkipLost
			})
			w.until("n00 runs", func() bool { return w.agents["n00"].self.Last.Going() })
			w.agents["n00"].self.Last.Started = started
			w.report("n00")
			w.kill("n00")
			missed := w.now
			w.until("somebody else runs", func() bool {
				return slices.ContainsFunc(w.names()[1:], func(n string) bool { return w.agents[n].self.Last.Going() })
			})
			run := w.agents["n00"].self.Last
			if waited, own := w.now.Sub(missed), run.Until().Sub(run.Started); waited < own || waited > 3*own {
				w.fail("the next run began %s after it was missed; it may go on for %s", waited, own)
			}
		})
	}
}
