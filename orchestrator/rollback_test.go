package orchestrator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/states"
)

func TestRollbackTakesBackWhatMoved(t *testing.T) {
	w := toVersion2(t, 6, func(t *states.Transition) {
		back := t.Policy
		back.Batches = []states.Size{states.Nodes(2)}
		t.Policy.OnFailure, t.Rollback = states.RollbackOnFailure, &back
	})
	w.until("three are there, and one runs", func() bool { return len(w.went("version 2")) == 4 })
	w.agents["n04"].bad = true
	forward := w.record().ID
	before := w.snapshot.Desired.Value.Generation
	w.until("it goes back", func() bool { return w.record().Undoes != "" })
	if d := w.snapshot.Desired.Value; w.record().Undoes != forward || d.State.Argument != "1" || d.Generation != before+1 || d.Transition != w.record().ID {
		w.fail("record and desired state must turn in one transaction: %+v", d)
	}
	w.agents["n04"].bad = false
	w.run()
	w.stands(states.Done, "", "version 1 is reached")
	if got := strings.Join(w.went("version 1"), " "); got != "n03 n04 n01 n02 n00" {
		w.fail("who went last goes back first, who never went gets no run: %s", got)
	}
	if sizes := w.sizes(); !slices.Equal(sizes, []int{2, 2, 1}) {
		w.fail("its own batches: %v", sizes)
	}
	if !w.record().Automatic() || w.at("version 1") != 6 {
		w.fail("%+v", w.record())
	}
}

// Who has an order may take it between the leader's look and its write: a way back for the only other node
// would run beside it.
func TestRollbackOpensNothingBesideAnOrder(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)} })
	w.until("one is there, and the next may go", func() bool {
		second := w.node("n01")
		return len(w.went("version 2")) == 1 && second.Order.OK() && second.Order.Value.Void == "" && second.Order.Value.OfHop(&w.snapshot.Desired.Value) && !second.Status.Value.Run.Going()
	})
	w.ask(states.Request{Kind: states.AskRollback})
	w.plan()
	if w.record().Undoes == "" || w.snapshot.Desired.Value.Open {
		w.fail("n01 may run, and n00 was let go beside it: %+v", w.record().Batch)
	}
	w.run()
	w.stands(states.Done, "", "version 1 is reached")
}

// Who cannot be seen has not gone back. A way back from which most are silent begins with whoever is there, and waits
// for the others to take their turns: it was over at once, and let all of them go together as they came back.
func TestRollbackWithMostNodesSilentWaitsForThem(t *testing.T) {
	for name, c := range map[string]struct {
		silent, there int
		waits         bool
	}{
		"all of them": {4, 0, true},
		"most":        {3, 1, true},
		"half":        {2, 2, false}, // those come late
	} {
		t.Run(name, func(t *testing.T) {
			w := toVersion2(t, 4, func(*states.Transition) {})
			w.run()
			for _, name := range w.names()[:c.silent] {
				w.kill(name)
			}
			id := w.ask(states.Request{Kind: states.AskRollback})
			decision := w.run()
			if w.answered(id).Refused || c.waits == w.snapshot.Desired.Value.Open {
				w.fail("%+v", w.snapshot.Desired.Value)
			}
			if w.at("version 1") != c.there {
				w.fail("%d at version 1", w.at("version 1"))
			}
			if c.waits {
				w.waits(decision, "members")
				w.waits(Decision{Waits: Blockers(w.snapshot, w.now)}, "members")
			}
			for _, name := range w.names() {
				w.agents[name].up, w.node(name).Alive = true, true
			}
			w.run()
			w.stands(states.Done, "", "version 1 is reached")
			if w.at("version 1") != 4 {
				w.fail("%d at version 1", w.at("version 1"))
			}
		})
	}
}

func TestRollbackWithMostNodesSilentIsOverWhereSomebodySaysSo(t *testing.T) {
	w := toVersion2(t, 4, func(*states.Transition) {})
	w.run()
	for _, name := range w.names() {
		w.kill(name)
	}
	w.ask(states.Request{Kind: states.AskRollback})
	w.run()
	w.ask(override(states.Request{Kind: states.AskResume}))
	w.run()
	w.stands(states.Done, "", "version 1 is reached")
}

func (w *world) sizes() []int {
	var sizes []int
	for _, b := range w.record().Batches {
		sizes = append(sizes, b.Count)
	}
	return sizes
}

func TestRollbackThatFailsPauses(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) { t.Policy.OnFailure = states.RollbackOnFailure })
	w.agents["n00"].bad = true
	w.settle()
	w.run()
	w.stands(states.Paused, states.ByFailures, "n00")
	if w.record().Undoes == "" || w.snapshot.Desired.Value.State.Argument != "1" {
		w.fail("a rollback never rolls back again: %+v", w.record())
	}
}

func TestRollbackByHand(t *testing.T) {
	rollback := func(w *world, r states.Request) states.Answer {
		r.Kind = states.AskRollback
		id := w.ask(r)
		w.run()
		return w.answered(id)
	}
	t.Run("of a running move", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.until("two are there", func() bool { return w.at("version 2") == 2 })
		if answer := rollback(w, states.Request{}); answer.Refused || w.at("version 1") != 4 {
			w.fail("%+v, %d at version 1", answer, w.at("version 1"))
		}
	})
	t.Run("of one that is done, to the state before", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.run()
		if rollback(w, states.Request{}); w.at("version 1") != 4 {
			w.fail("%d at version 1", w.at("version 1"))
		}
	})
	t.Run("to any state that was reached", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.run()
		if rollback(w, states.Request{Target: states.Ref{Name: "converged"}, To: "t-3"}); w.at("converged") != 4 {
			w.fail("%d converged", w.at("converged"))
		}
	})
	t.Run("with most nodes dead", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.run()
		for _, name := range []string{"n01", "n02", "n03"} {
			w.kill(name)
		}
		if answer := rollback(w, states.Request{}); answer.Refused || w.at("version 1") != 1 {
			w.fail("%+v, %d at version 1", answer, w.at("version 1"))
		}
	})
	t.Run("with nowhere to go", func(t *testing.T) {
		w := born(t, tier(), 2)
		if answer := rollback(w, states.Request{}); !answer.Refused {
			w.fail("%+v", answer)
		}
	})
}

func TestPreviewOfARollbackNamesWhoGoesBack(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {})
	w.until("two are there", func() bool { return w.at("version 2") == 2 })
	preview := Foresee(w.snapshot, states.Request{ID: "q-x", Kind: states.AskRollback, Transition: w.record().ID, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}, w.leading, w.now)
	if preview.Refused != "" || preview.Held != "" || preview.Record.Status != states.Done {
		t.Fatalf("%+v", preview)
	}
	var names []string
	for _, b := range preview.Batches {
		names = append(names, b.Nodes...)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"n00", "n01", "n02"}, slices.Compact(names)); diff != "" {
		t.Error(diff)
	}
}
