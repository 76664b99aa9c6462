package orchestrator

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

func TestCanaryThatDiesIsReplaced(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {})
	w.until("the canary has its order", func() bool { return w.record().Batch.Number == 1 })
	canary := w.record().Batch.Nodes[0]
	w.kill(canary)
	w.until("another goes", func() bool { return len(w.went("version 2")) > 0 })
	if w.record().Batch.Number != 1 || w.node(canary).Order.Value.Void == "" || w.went("version 2")[0] == canary {
		w.fail("batch %+v", w.record().Batch)
	}
	w.bound()
	t.Run("and runs nothing on its return but what it is ordered", func(t *testing.T) {
		w.agents[canary].up = true
		w.report(canary)
		if v := w.verdict(canary); v.Go {
			w.fail("it goes: %s", v.Reason)
		}
	})
}

func TestOrderOfNodes(t *testing.T) {
	rack := func(w *world) {
		for i, name := range w.names() {
			w.agents[name].group = map[string]string{"rack": "r" + string('1'+rune(i%2))}
			w.report(name)
		}
	}
	one := func(edit func(*states.Transition)) func(*states.Transition) {
		return func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)}; edit(t) }
	}
	for name, test := range map[string]struct {
		edit  func(*states.Transition)
		world func(*world)
		want  string
	}{
		"by name": {one(func(t *states.Transition) { t.Policy.NodeOrder = states.OrderName }), func(w *world) {
			w.agents["n03"].self.Attempting = states.State{Name: "version", Argument: "1"}
			w.report("n03")
		}, "n00 n01 n02 n03 n04"},
		"unhealthy first": {one(func(t *states.Transition) {}), func(w *world) {
			w.agents["n03"].self.Attempting = states.State{Name: "version", Argument: "1"}
			w.report("n03")
		}, "n03 n00 n01 n02 n04"},
		"sick before well": {one(func(t *states.Transition) {
			t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.Timeout = 60 * minute })}
		}), func(w *world) { w.ill = map[string]bool{"n02": true} }, "n02"},
		"random, by a seed": {one(func(t *states.Transition) { t.Policy.NodeOrder, t.Policy.Seed = states.OrderRandom, 4 }), nil, "n01 n00 n02 n03 n04"},
		"one group at a time": {func(t *states.Transition) {
			t.Policy.Batches, t.Policy.GroupBy = []states.Size{states.Nodes(2)}, "rack"
		}, rack, "n00 n02 n04 n01 n03"},
		"the primary last": {one(func(t *states.Transition) { t.Primary = &states.Primary{Lock: "db/leader"} }), func(w *world) { w.primary = []string{"n00"} }, "n01 n02 n03 n04 n00"},
		"the primary alone": {func(t *states.Transition) {
			t.Policy.Batches, t.Primary = []states.Size{states.Percent(100)}, &states.Primary{Lock: "db/leader"}
		}, func(w *world) { w.primary = []string{"n02"} }, "n00 n01 n03 n04 n02"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, rollout(test.edit), 5)
			if test.world != nil {
				test.world(w)
			}
			w.move("version", "2")
			w.run()
			if got := strings.Join(w.went("version 2"), " "); got != test.want {
				w.fail("want %s, got %s", test.want, got)
			}
		})
	}
}

func TestPrimaryThatNobodyKnowsHoldsTheMove(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) { t.Primary = &states.Primary{Lock: "db/leader"} })
	w.plan()
	w.snapshot.Evidence = states.Evidence{Primary: states.Primaries{Problem: "permission denied", At: w.now}}
	w.waits(Plan(w.snapshot, w.leading, w.now), "primary")
}

// A node that fell silent while it waited for its traffic to end may converge for as long after that.
func TestSlotOfASilentRunCountsItsDrain(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.OnLost = states.SkipLost }), 3)
	status := &w.node("n00").Status.Value
	status.Run = states.Run{ID: "r-x", State: status.State, Under: states.UnderOrder, Started: w.now, Timeout: minute, Drain: 10 * minute}
	w.node("n00").Alive = false
	w.now = w.now.Add(10 * time.Minute)
	p := newPlanner(w.snapshot, w.leading, w.now)
	if node, _ := p.node("n00"); !p.runsStill(node) {
		t.Fatal("its slot is free while it may still converge")
	}
	p.now = p.now.Add(2 * time.Minute)
	if node, _ := p.node("n00"); p.runsStill(node) {
		t.Fatal("its slot is never free again")
	}
}

// A node that fell silent in a run before the cluster got another target is no member of the new hop, and its
// run goes on: nobody goes beside it where one may, until it must be over. Its clock has to do, but not for ever.
func TestWhoFellSilentBeforeTheHopFillsASlot(t *testing.T) {
	for name, clock := range map[string]time.Duration{"its clock is right": 0, "its clock is a year ahead": 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)} }), 3)
			w.move("version", "2")
			w.until("n00 runs", func() bool {
				return w.agents["n00"].self.Last.Going() && w.agents["n00"].self.Last.State.Argument == "2"
			})
			w.kill("n00")
			run := &w.node("n00").Status.Value.Run
			run.Started = run.Started.Add(clock)
			w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "3"}, Supersede: true})
			if preview := Foresee(w.snapshot, w.snapshot.Requests[0].Value, w.leading, w.now); preview.Held != "" || preview.Refused != "" {
				w.fail("it would stand still: %s%s", preview.Held, preview.Refused)
			}
			w.settle()
			w.waits(Plan(w.snapshot, w.leading, w.now), "slot")
			if _, member := w.record().Member("n00"); member || w.at("version 1") != 2 {
				w.fail("n00 is a member: %t, and %d are where they were", member, w.at("version 1"))
			}
			before := w.now
			w.run()
			if w.at("version 3") != 2 || w.now.Sub(before) > 2*run.Until().Sub(run.Started) {
				w.fail("%d of 2 are there after %s", w.at("version 3"), w.now.Sub(before))
			}
		})
	}
}

// Where everybody who is left would be let go at once, that run counts, too.
func TestWhoFellSilentBeforeTheHopKeepsItClosed(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(2)} }), 3)
	w.move("version", "2")
	w.until("n00 runs", func() bool {
		return w.agents["n00"].self.Last.Going() && w.agents["n00"].self.Last.State.Argument == "2"
	})
	w.kill("n00")
	w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "3"}, Supersede: true})
	w.until("it is on its way to version 3", func() bool { return w.snapshot.Desired.Value.State.Argument == "3" })
	if w.snapshot.Desired.Value.Open {
		w.fail("two of two go while a third runs")
	}
}
