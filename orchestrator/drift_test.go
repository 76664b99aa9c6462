package orchestrator

import (
	"slices"
	"strings"
	"testing"

	"orch/states"
)

// drifts has a node's check find something, where the node is at a state.
func (w *world) drifts(name string, repair bool) {
	a := w.agents[name]
	if a.self.State.None() || !a.self.Attempting.None() {
		return
	}
	a.self.Drift = &states.Drift{Since: w.now, Exit: 1, Repair: repair}
	w.report(name)
}

// ran lists who ran since the story had so many lines.
func (w *world) ran(since int) []string {
	var names []string
	for _, line := range w.story[since:] {
		if _, run, found := strings.Cut(line, "   "); found && strings.Contains(run, " runs ") {
			names = append(names, strings.Fields(run)[0])
		}
	}
	slices.Sort(names)
	return names
}

// Who drifted is repaired by the cluster's leader: those alone, in the batches of a move into that state.
func TestDriftedNodesTakeTurns(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(2)} }), 8)
	for _, name := range []string{"n01", "n03", "n04", "n05", "n06", "n07"} {
		w.drifts(name, name != "n03") // what is only reported is repaired too, now that somebody says so
	}
	w.settle()
	if ran := w.ran(0); ran != nil {
		w.fail("%v ran before anybody let them", ran)
	}
	w.kill("n06")
	w.snapshot.Nodes[7].Order = states.Doc[states.Order]{Index: 1, Value: states.Order{Held: &states.Word{By: "ada", At: w.now}}}
	request := w.ask(states.Request{Kind: states.AskReconverge, Drifted: true})
	for range 200 {
		w.plan()
		w.bound()
		for _, name := range w.names() {
			w.act(name)
			w.bound()
		}
	}
	if ran := w.ran(0); !slices.Equal(ran, []string{"n01", "n03", "n04", "n05"}) {
		w.fail("%v ran", ran)
	}
	if text := w.answered(request).Reason; !strings.Contains(text, "version 1 once more: n01, n03, n04, n05, drifted") {
		t.Errorf("the answer is %q", text)
	}
	if r := w.record(); r.Status != states.Done || r.Over() < 2 || len(r.Members) != 4 {
		w.fail("%s after %d batches, %d members", r.Status, r.Over(), len(r.Members))
	}
}

func TestRepairIsRefusedWhereAMoveWouldBe(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 3)
	ask := func(nodes ...string) states.Answer {
		t.Helper()
		id := w.ask(states.Request{Kind: states.AskReconverge, Drifted: true, Nodes: nodes})
		w.settle()
		return w.answered(id)
	}
	if a := ask(); a.Refused || !strings.Contains(a.Reason, "nothing to do: no node of web has drifted") || len(w.ran(0)) > 0 {
		t.Errorf("%+v", a)
	}
	w.drifts("n01", true)
	if a := ask("n00", "n02"); a.Refused || !strings.Contains(a.Reason, "nothing to do") {
		t.Errorf("who is named and did not drift: %+v", a)
	}
	w.snapshot.Freeze = states.Doc[states.Freeze]{Index: 1, Value: states.Freeze{Word: states.Word{By: "ada", At: w.now}}}
	if a := ask(); !a.Refused || !strings.Contains(a.Reason, "frozen by ada") {
		t.Errorf("%+v", a)
	}
	w.snapshot.Freeze = states.Doc[states.Freeze]{}
	w.agents["n00"].bad = true
	w.move("version", "2")
	w.run()
	if a := ask(); !a.Refused || !strings.Contains(a.Reason, "is paused") {
		t.Errorf("%+v", a)
	}
}

// A node that drifted goes before those that are well, and is healthy all the same.
func TestDriftedNodesGoFirst(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)} }), 3)
	w.drifts("n02", false)
	if healthy, _ := newPlanner(w.snapshot, w.leading, w.now).health(); healthy != 3 {
		t.Errorf("%d healthy", healthy)
	}
	w.move("version", "2")
	w.run()
	if went := w.went("version 2"); !slices.Equal(went, []string{"n02", "n00", "n01"}) {
		t.Errorf("%v", went)
	}
}

// A run that was a node's own idea is waited for by a batch that begins, and charged to no move. What
// it does while it runs counts against the floor, as any other run does.
func TestOwnRunsFillSlotsAndAreNotCharged(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)} }), 3)
	w.agents["n02"].self.Due = true
	w.act("n02")
	if last := w.agents["n02"].self.Last; last.Under != states.UnderPeriod || !last.Going() {
		w.fail("it does not run: %+v", last)
	}
	if healthy, _ := newPlanner(w.snapshot, w.leading, w.now).health(); healthy != 2 {
		t.Errorf("%d healthy", healthy)
	}
	w.move("version", "2")
	for range 20 {
		w.plan()
	}
	if w.record().Batch.Number != 1 || w.record().Batch.Nodes[0] != "n02" {
		w.fail("who runs already fills the slot: %+v", w.record().Batch)
	}
	w.agents["n02"].bad = true
	w.finish("n02") // its period's run, at version 1
	w.agents["n02"].bad = false
	w.run()
	if r := w.record(); r.Status != states.Done || len(r.Counted) > 0 || w.at("version 2") != 3 {
		w.fail("%s, counted %v, %d at version 2", r.Status, r.Counted, w.at("version 2"))
	}
}

// A failed run of its own in a cluster at rest leaves the node trying by itself. Giving others another
// chance in the same move charges it with nothing.
func TestAFailedPeriodIsNoFailureOfTheMove(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.MaxFailures = states.Nodes(1) }), 4)
	w.agents["n01"].bad = true
	w.move("version", "2")
	w.run()
	w.stands(states.Done, "", "version 2 is reached")
	w.agents["n03"].self.Due, w.agents["n03"].bad = true, true
	w.act("n03")
	w.act("n03")
	if last := w.agents["n03"].self.Last; !last.Bad() || !last.Own() {
		w.fail("%+v", last)
	}
	if v := w.verdict("n03"); !v.Go || v.Under != states.UnderPeriod || v.Pause == 0 {
		w.fail("it does not try again by itself: %+v", v)
	}
	w.agents["n01"].bad, w.agents["n03"].bad = false, false
	w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	if w.record().Failures() > 0 || w.at("version 2") != 4 {
		w.fail("%d failures, %d at version 2", w.record().Failures(), w.at("version 2"))
	}
}
