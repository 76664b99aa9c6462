package orchestrator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

func simulated(t *testing.T, n int, faults Faults, edit func(*states.Transition)) (*world, Simulation) {
	w := serving(t, rollout(edit), n)
	for _, name := range w.names() {
		w.node(name).Status.Value.Run.Seconds = 40
	}
	before := w.snapshot.Record.Index
	request := states.Request{ID: "q-x", Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "2"},
		Transition: w.record().ID, Generation: w.snapshot.Desired.Value.Generation, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}
	s := Simulate(w.snapshot, request, faults, w.leading, w.now)
	if w.snapshot.Record.Index != before || w.at("version 1") != n || w.node("n00").Status.Value.State.Argument != "1" {
		t.Fatal("a simulation changed what it looked at")
	}
	return w, s
}

func (s Simulation) events(event string) []string {
	var nodes []string
	for _, step := range s.Steps {
		if step.Event == event {
			nodes = append(nodes, step.Node+step.Reason)
		}
	}
	return nodes
}

func TestSimulation(t *testing.T) {
	careful := func(t *states.Transition) {
		t.Policy.Soak, t.Policy.Approve = states.Duration(30*time.Second), states.ApproveAfterFirstBatch
		t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.PassingFor = states.Duration(10 * time.Second) })}
	}
	t.Run("of what goes well", func(t *testing.T) {
		_, s := simulated(t, 5, Faults{}, careful)
		if s.Record.Status != states.Done || s.Stands != "" || len(s.events("ok")) != 5 {
			t.Fatalf("%+v", s)
		}
		if s.Took < 3*70*time.Second || s.Took > 4*time.Minute { // three batches of 40 s, and as many soaks
			t.Errorf("it takes %s", s.Took)
		}
	})
	t.Run("of one that waits for many approvals", func(t *testing.T) {
		_, s := simulated(t, 12, Faults{}, func(t *states.Transition) {
			t.Policy.Batches, t.Policy.Approve = []states.Size{states.Nodes(1)}, states.ApproveAfterEachBatch
		})
		if s.Record.Status != states.Done || s.Cut || len(s.events("ok")) != 12 || len(s.events(states.EventRefused)) > 0 {
			t.Fatalf("%s, cut short %v, %d steps", s.Record.Status, s.Cut, len(s.Steps))
		}
	})
	t.Run("of a failure that stops", func(t *testing.T) {
		_, s := simulated(t, 5, Faults{Fail: []string{"n02"}}, careful)
		if s.Record.Status != states.Paused || s.Record.Cause != states.ByFailures || len(s.events("failed")) != 1 {
			t.Fatalf("%+v", s.Record)
		}
	})
	t.Run("of a failure that goes back", func(t *testing.T) {
		_, s := simulated(t, 5, Faults{Fail: []string{"n02"}}, func(t *states.Transition) { t.Policy.OnFailure = states.RollbackOnFailure })
		at := 0
		for _, node := range s.Nodes {
			if node.Status.Value.At(s.Desired.State) {
				at++
			}
		}
		if s.Record.Undoes == "" || s.Record.Status != states.Done || at != 5 {
			t.Fatalf("%d back at %s: %+v", at, s.Desired.State, s.Steps)
		}
	})
	t.Run("of a node that is lost", func(t *testing.T) {
		_, s := simulated(t, 5, Faults{Lose: []string{"n01"}}, func(t *states.Transition) { t.Policy.MaxFailures = states.Nodes(1) })
		if s.Record.Status != states.Done || len(s.events("lost")) != 1 || !strings.Contains(strings.Join(s.events(states.EventCounted), ""), "n01 lost") {
			t.Fatalf("%+v", s.Steps)
		}
	})
	t.Run("of a floor that stops", func(t *testing.T) {
		_, s := simulated(t, 4, Faults{Lose: []string{"n00"}}, func(t *states.Transition) {
			t.Policy.MinHealthy, t.Policy.OnLost = states.Nodes(3), states.SkipLost
		})
		if !strings.Contains(s.Stands, "min_healthy") || slices.Contains(s.events("ok"), "n01version 2") {
			t.Fatalf("%q: %+v", s.Stands, s.Steps)
		}
	})
}
