package orchestrator

import (
	"testing"

	"orch/states"
)

// A request that is written a second time after it was done, because its author did not hear of the
// first time, or because that came in late, is not done once more.
func TestARequestIsDoneOnce(t *testing.T) {
	w := serving(t, tier(), 3)
	id := w.ask(states.Request{Kind: states.AskReconverge})
	request := w.snapshot.Requests[len(w.snapshot.Requests)-1]
	w.settle()
	first, generation := w.answered(id), w.snapshot.Desired.Value.Generation
	w.snapshot.Requests = append(w.snapshot.Requests, request)
	w.settle()
	if again := w.answered(id); again != first || w.snapshot.Desired.Value.Generation != generation || len(w.snapshot.Requests) != 0 {
		t.Errorf("it was answered %v, and then %v; %d requests are left", first, again, len(w.snapshot.Requests))
	}
}

// As long as its author writes it anew, because no answer reaches him, it is not forgotten that it was done.
func TestARequestThatComesAgainAndAgainIsDoneOnce(t *testing.T) {
	w := serving(t, tier(), 3)
	w.ask(states.Request{Kind: states.AskHold, Node: "n00"})
	request := w.snapshot.Requests[len(w.snapshot.Requests)-1]
	w.settle()
	for i := range 40 { // more than are remembered
		w.ask(states.Request{Kind: states.AskUnhold, Node: "n00"})
		w.settle()
		w.snapshot.Requests = append(w.snapshot.Requests, request)
		w.settle()
		if node := w.node("n00"); node.Order.Value.Held != nil {
			t.Fatalf("n00 is held again, after %d others", i)
		}
	}
}

// A node whose run failed while somebody held it is counted by nobody. Once it is let go, moving to where
// the cluster is already takes it along.
func TestWhoFailedUnderAHoldIsTakenAlong(t *testing.T) {
	w := serving(t, tier(), 3)
	w.agents["n00"].bad = true
	w.move("version", "2")
	w.until("n00 runs", func() bool {
		return w.agents["n00"].self.Last.Going() && w.agents["n00"].self.Last.State.Argument == "2"
	})
	w.ask(states.Request{Kind: states.AskHold, Node: "n00"})
	w.settle()
	w.ask(states.Request{Kind: states.AskUnhold, Node: "n00"})
	w.settle()
	if w.record().Status != states.Done || w.at("version 2") != 2 {
		t.Fatalf("the move is %s, and %d are there", w.record().Status, w.at("version 2"))
	}
	w.agents["n00"].bad = false
	w.move("version", "2")
	w.settle()
	if w.record().Status != states.Done || w.at("version 2") != 3 {
		t.Errorf("the move is %s: %s; %d are there", w.record().Status, w.record().Reason, w.at("version 2"))
	}
}

// A rollback need not be a legal move. Who failed on such a way back, and was tolerated, is taken along by
// moving to where the cluster is already: no path leads there, and none is needed.
func TestWhoFailedOnTheWayBackIsTakenAlong(t *testing.T) {
	definition := tier()
	for i := range definition.Transitions {
		definition.Transitions[i].Policy.MaxFailures = states.Nodes(1)
	}
	w := born(t, definition, 3)
	w.move("waiting", "")
	w.settle()
	w.move("converged", "")
	w.settle()
	if w.at("converged") != 3 {
		t.Fatalf("%d of 3 are converged: %s", w.at("converged"), w.record().Reason)
	}
	w.agents["n01"].bad = true // it is the first on the way back, by an order: it does not try again by itself
	w.ask(states.Request{Kind: states.AskRollback})
	w.settle()
	if w.record().Status != states.Done || w.at("waiting") != 2 {
		t.Fatalf("the way back is %s, and %d are there", w.record().Status, w.at("waiting"))
	}
	w.agents["n01"].bad = false
	id := w.move("waiting", "")
	w.settle()
	if w.record().Status != states.Done || w.at("waiting") != 3 {
		t.Errorf("the move is %s: %s; %d are there; the answer was %+v", w.record().Status, w.record().Reason, w.at("waiting"), w.answered(id))
	}
}
