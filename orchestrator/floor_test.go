package orchestrator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

func TestFloorCutsBatches(t *testing.T) {
	w := toVersion2(t, 6, func(t *states.Transition) {
		t.Policy.Batches, t.Policy.MinHealthy = []states.Size{states.Nodes(3)}, states.Percent(75)
	})
	w.until("the first batch", func() bool { return w.record().Batch.Number == 1 })
	batch := w.record().Batch
	if batch.Count != 1 || !strings.Contains(batch.Note, "cut to 1 by min_healthy = 75% (5 of 6 must stay healthy)") {
		w.fail("want one node of three, got %d: %q", batch.Count, batch.Note)
	}
	t.Run("a node that dies in mid-batch leaves no room for the next", func(t *testing.T) {
		w.kill("n05")
		w.over(1)
		decision := w.stepless()
		wait := w.waits(decision, "floor")
		if !strings.Contains(wait.Reason, "5 of 6 are healthy, and 5 must stay so") {
			w.fail("floor: %s", wait.Reason)
		}
	})
	t.Run("and back it goes on", func(t *testing.T) {
		w.agents["n05"].up = true
		w.report("n05")
		w.run()
		w.stands(states.Done, "", "reached")
	})
}

func (w *world) stepless() Decision {
	for range 100 {
		if decision, stepped := w.plan(); !stepped {
			return decision
		}
	}
	w.fail("steps without end")
	return Decision{}
}

func TestFloorCountsOnlyTheHealthy(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches, t.Policy.MinHealthy, t.Policy.MaxFailures = []states.Size{states.Nodes(4)}, states.Nodes(3), states.Nodes(9)
	}), 4)
	for _, name := range []string{"n02", "n03"} { // they fell over some time ago
		w.agents[name].self.Attempting = states.State{Name: "version", Argument: "1", Serving: true}
		w.report(name)
	}
	w.move("version", "2")
	w.until("the first batch", func() bool { return w.record().Batch.Number == 1 })
	if got := w.record().Batch.Nodes; !slices.Equal(got, []string{"n02", "n03"}) {
		w.fail("nodes that are not healthy cost nothing, healthy ones are too few: %v", got)
	}
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestFloorThatCanNeverBeKeptIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		least  states.Size
		target string
		want   string
	}{
		"all must stay":       {states.Percent(100), "version", "all 4 known nodes must stay healthy"},
		"more than there are": {states.Nodes(5), "version", "5 must stay healthy, and 4 nodes are known"},
		"to where none serve": {states.Nodes(1), "off", "off serves nobody"},
		"one may go":          {states.Nodes(3), "version", ""},
	} {
		t.Run(name, func(t *testing.T) {
			definition := tier()
			for i := range definition.Transitions {
				definition.Transitions[i].Policy.MinHealthy = test.least
			}
			w := serving(t, definition, 4)
			argument := ""
			if test.target == "version" {
				argument = "2"
			}
			id := w.move(test.target, argument)
			w.run()
			if answer := w.answered(id); answer.Refused != (test.want != "") || !strings.Contains(answer.Reason, test.want) {
				w.fail("%+v", answer)
			}
		})
	}
}

func TestSoakLooksAgain(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {
		t.Policy.Soak = states.Duration(30 * time.Second)
		t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.Scope, g.Timeout = states.ScopeBatch, 10*minute })}
	})
	w.over(1)
	ended := w.now
	w.waits(w.stepless(), "soak")
	w.ill = map[string]bool{"n00": true} // the canary, half a minute after its converge
	w.run()
	w.stands(states.Paused, states.ByHealth, "3 of 4 nodes are healthy after the soak of batch 1, and 4 were before: n00 (web is critical)")
	if w.now.Sub(ended) < 30*time.Second || w.at("version 2") != 1 {
		w.fail("it did not wait for the soak, or went on: %s, %d", w.now.Sub(ended), w.at("version 2"))
	}
	w.ill = nil
	w.ask(states.Request{Kind: states.AskResume})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestFirstGroupSoaksLonger(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches, t.Policy.GroupBy = []states.Size{states.Nodes(2)}, "rack"
		t.Policy.Soak, t.Policy.FirstGroupSoak = states.Duration(time.Second), 10*minute
	}), 6)
	for i, name := range w.names() {
		w.agents[name].group = map[string]string{"rack": "r" + string('1'+rune(i/2))}
		w.report(name)
	}
	w.move("version", "2")
	begun := map[int]time.Time{}
	w.until("it is done", func() bool {
		if n := w.record().Batch.Number; begun[n].IsZero() {
			begun[n] = w.now
		}
		return w.record().Status == states.Done && w.record().Target.Argument == "2"
	})
	if first, second := begun[2].Sub(begun[1]), begun[3].Sub(begun[2]); first < 10*time.Minute || second > time.Minute {
		w.fail("the first group soaked %s, the second %s", first, second)
	}
}

// Agents that live and take no order are skipped one by one. The opening must not let all of them go.
func TestOpeningLetsNoMoreGoThanABatch(t *testing.T) {
	for name, skipped := range map[string]int{"no more than the batch": 2, "more than the batch": 4} {
		t.Run(name, func(t *testing.T) {
			w := toVersion2(t, 8, func(t *states.Transition) {
				t.Policy.Batches, t.Policy.OnLost = []states.Size{states.Nodes(2)}, states.SkipLost
			})
			deaf := []string{"n00", "n01", "n02", "n03"}[:skipped]
			for _, name := range deaf {
				w.agents[name].up = false // its session is alive all the same
			}
			w.run()
			for _, name := range deaf {
				w.agents[name].up = true
			}
			if skipped <= 2 {
				w.run()
				w.stands(states.Done, "", "reached")
				return
			}
			w.stands(states.Paused, states.ByDoubt, "opening would let 4 live nodes go at once")
			w.ask(states.Request{Kind: states.AskRetry})
			for range 60 {
				w.plan()
				w.bound()
				for _, name := range w.names() {
					w.act(name)
					w.bound()
				}
			}
			w.run()
			w.stands(states.Done, "", "reached")
			if w.at("version 2") != 8 {
				w.fail("%d at version 2", w.at("version 2"))
			}
		})
	}
}

// A canary that was lost and skipped proved nothing: another one goes, and not the next, greater batch.
func TestSkippedCanaryIsNone(t *testing.T) {
	w := toVersion2(t, 6, func(t *states.Transition) {
		t.Policy.Batches, t.Policy.OnLost = []states.Size{states.Nodes(1), states.Nodes(4)}, states.SkipLost
	})
	w.until("the canary runs", func() bool { return w.agents["n00"].self.Last.Going() })
	w.kill("n00")
	w.until("another batch", func() bool { b := w.record().Batch; return b.Number != 0 && !slices.Contains(b.Nodes, "n00") })
	if b := w.record().Batch; b.Number != 1 || b.Count != 1 {
		w.fail("batch %d of %d: %v", b.Number, b.Count, b.Nodes)
	}
	w.run()
	w.stands(states.Done, "", "reached")
}
