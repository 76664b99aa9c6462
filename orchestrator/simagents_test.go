package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// imagined simulates a move of five nodes at version 1, each run of which took 40 s, to a state.
func imagined(t *testing.T, target string, faults Faults, edit func(*states.Transition), prepare func(*world)) Simulation {
	t.Helper()
	w := serving(t, rollout(edit), 5)
	for _, name := range w.names() {
		w.node(name).Status.Value.Run.Seconds = 40
	}
	if prepare != nil {
		prepare(w)
	}
	ref, err := states.ParseRef(target)
	if err != nil {
		t.Fatal(err)
	}
	request := states.Request{ID: "q-x", Kind: states.AskTransition, Target: ref, Transition: w.record().ID,
		Generation: w.snapshot.Desired.Value.Generation, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}
	w.snapshot.Evidence = w.sense(AskFor(w.snapshot))
	return Simulate(w.snapshot, request, faults, w.leading, w.now)
}

func plain(*states.Transition) {}

// where counts the live nodes of a simulation's end by their states.
func (s Simulation) where() map[string]int {
	at := map[string]int{}
	for _, n := range s.Nodes {
		if n.Alive {
			at[n.Status.Value.State.String()]++
		}
	}
	return at
}

func (s Simulation) about(t *testing.T, want time.Duration) {
	t.Helper()
	if s.Took < want || s.Took > want+5*time.Second {
		t.Errorf("it takes %s, not about %s", s.Took, want)
	}
}

func TestSimulationTakesAsLongAsTheSlowest(t *testing.T) {
	slow := func(w *world) { w.node("n02").Status.Value.Run.Seconds = 55 }
	s := imagined(t, "version 2", Faults{}, plain, slow) // n00 | n01 n02 | n03 n04
	s.about(t, (40+55+40)*time.Second)
	if len(s.Guessed) != 0 || len(s.Batches) != 3 {
		t.Errorf("guessed %v, batches %+v", s.Guessed, s.Batches)
	}
	s = imagined(t, "version 2", Faults{}, plain, func(w *world) {
		slow(w)
		w.node("n00").Status.Value.Run = states.Run{}               // never ran
		w.node("n04").Status.Value.Run.Outcome = states.ExitedBadly // says nothing of good runs
	})
	s.about(t, 3*55*time.Second)
	if !slices.Equal(s.Guessed, []string{"n00", "n04"}) {
		t.Errorf("guessed: %v", s.Guessed)
	}
	drained := imagined(t, "version 2", Faults{}, func(t *states.Transition) {
		t.Drains = []states.Drain{{Service: "web", Wait: states.Duration(10 * time.Second)}}
	}, nil)
	drained.about(t, 3*50*time.Second)
}

func TestSimulationOfRunsThatFail(t *testing.T) {
	retried := func(t *states.Transition) {
		t.Policy.Retries, t.Policy.RetryDelay, t.Policy.OnFailure = 2, states.Duration(5*time.Second), states.ContinueOnFailure
		t.Policy.MaxFailures = states.Nodes(1)
	}
	s := imagined(t, "version 2", Faults{Fail: []string{"n00"}}, retried, nil)
	s.about(t, (3*40+2*5+40+40)*time.Second)
	if s.Record.Failures() != 1 || s.where()["version 2"] != 4 {
		t.Errorf("%+v at %v", s.Record.Counted, s.where())
	}
	t.Run("because they take too long", func(t *testing.T) {
		s := imagined(t, "version 2", Faults{}, plain, func(w *world) { w.node("n00").Status.Value.Run.Seconds = 90 })
		if s.Record.Cause != states.ByFailures || !slices.Contains(s.events("timeout"), "n00version 2") {
			t.Errorf("%s %s: %+v", s.Record.Status, s.Record.Reason, s.Steps)
		}
	})
	t.Run("within the budget, and beyond it", func(t *testing.T) {
		budget := func(t *states.Transition) { t.Policy.MaxFailures = states.Nodes(1) }
		if s := imagined(t, "version 2", Faults{Fail: []string{"n01"}}, budget, nil); s.Record.Status != states.Done || s.where()["version 2"] != 4 {
			t.Errorf("one is tolerated: %s, %v", s.Record.Reason, s.where())
		}
		if s := imagined(t, "version 2", Faults{Fail: []string{"n01"}, Lose: []string{"n02"}}, budget, nil); s.Record.Status != states.Paused || s.where()["version 2"] != 1 {
			t.Errorf("two are not: %s, %v", s.Record.Reason, s.where())
		}
	})
	t.Run("and go back", func(t *testing.T) {
		back := func(t *states.Transition) { t.Policy.OnFailure = states.RollbackOnFailure }
		s := imagined(t, "version 2", Faults{Fail: []string{"n03"}, Lose: []string{"n04"}}, back, nil)
		if s.Record.Undoes == "" || s.where()["version 1"] != 4 || s.where()["version 2"] != 0 {
			t.Errorf("%s %s: %v\n%+v", s.Record.Status, s.Record.Reason, s.where(), s.Steps)
		}
	})
}

func TestSimulationOfAPath(t *testing.T) {
	s := imagined(t, "converged", Faults{}, plain, nil)
	if s.Record.Status != states.Done || s.where()["converged"] != 5 {
		t.Fatalf("%s: %v", s.Record.Reason, s.where())
	}
	w := born(t, tier(), 3)
	request := states.Request{ID: "q-x", Kind: states.AskTransition, Target: states.Ref{Name: "converged"}, Transition: w.record().ID,
		Generation: w.snapshot.Desired.Value.Generation, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}
	s = Simulate(w.snapshot, request, Faults{}, w.leading, w.now)
	if s.where()["converged"] != 3 || len(s.events("runs")) != 6 || len(s.events(states.EventReached))+len(s.events(states.EventDone)) == 0 {
		t.Errorf("two hops of three nodes: %+v", s.Steps)
	}
	failed := Simulate(w.snapshot, request, Faults{Fail: []string{"n01"}}, w.leading, w.now)
	if failed.Record.Hop != 0 || failed.where()["converged"] != 0 || failed.Record.Status != states.Paused {
		t.Errorf("nobody goes on to the second hop: %+v", failed.Steps)
	}
}

func TestSimulationKeepsTheRules(t *testing.T) {
	t.Run("groups", func(t *testing.T) {
		s := imagined(t, "version 2", Faults{}, func(t *states.Transition) {
			t.Policy.Batches, t.Policy.GroupBy = []states.Size{states.Nodes(3)}, "rack"
		}, func(w *world) {
			for i, name := range w.names() {
				w.node(name).Status.Value.Meta = map[string]string{"rack": fmt.Sprint("r", i%2)}
			}
		})
		var groups []string // the last one is let go by opening, and has no name
		for _, b := range s.Batches {
			groups = append(groups, b.Group+" "+strings.Join(b.Nodes, " "))
		}
		if want := []string{"r0 n00 n02 n04", " n01 n03"}; !slices.Equal(groups, want) {
			t.Errorf("%q, not %q", groups, want)
		}
	})
	t.Run("holds", func(t *testing.T) {
		s := imagined(t, "version 2", Faults{}, plain, func(w *world) {
			w.node("n01").Order = states.Doc[states.Order]{Index: 1, Value: states.Order{Held: &states.Word{By: "bob", Why: "disk", At: w.now}}}
		})
		if at := s.where(); s.Record.Status != states.Done || at["version 2"] != 4 || at["version 1"] != 1 {
			t.Errorf("%s: %v", s.Record.Reason, at)
		}
	})
	t.Run("a freeze without an end", func(t *testing.T) {
		s := imagined(t, "version 2", Faults{}, plain, func(w *world) {
			w.snapshot.Freeze = states.Doc[states.Freeze]{Index: 1, Value: states.Freeze{Word: states.Word{By: "grace", Why: "audit", At: w.now}}}
		})
		if len(s.events("runs")) != 0 || s.where()["version 1"] != 5 {
			t.Errorf("%q: %+v", s.Stands, s.Steps)
		}
	})
	t.Run("a requirement", func(t *testing.T) {
		needs := func(wait time.Duration) func(*states.Transition) {
			return func(t *states.Transition) {
				t.Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "converged"}}, Wait: states.Duration(wait)}}
			}
		}
		settled := func(at bool) func(*world) {
			return func(w *world) {
				w.elsewhere = map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "converged"}, Settled: at, Reason: "paused", Index: 7}}
			}
		}
		if s := imagined(t, "version 2", Faults{}, needs(0), settled(true)); s.Record.Status != states.Done || s.where()["version 2"] != 5 {
			t.Errorf("it is met: %s %+v", s.Record.Reason, s.Steps)
		}
		if s := imagined(t, "version 2", Faults{}, needs(0), settled(false)); len(s.events(states.EventRefused)) != 1 || s.Took > time.Second {
			t.Errorf("it is refused: %+v", s.Steps)
		}
		s := imagined(t, "version 2", Faults{}, needs(10*time.Minute), settled(false))
		if s.Record.Cause != states.ByRequires || s.Took < 10*time.Minute || len(s.events("runs")) != 0 {
			t.Errorf("it is waited for in vain: %s %s %+v", s.Record.Cause, s.Took, s.Steps)
		}
	})
}

// What is under way goes on in a simulation, and its runs take what is left of them.
func TestSimulationGoesOn(t *testing.T) {
	w := serving(t, rollout(plain), 3)
	for _, name := range w.names() {
		w.node(name).Status.Value.Run.Seconds = 40
		w.agents[name].self.Last.Seconds = 40
	}
	w.move("version", "2")
	w.until("n00 to run", func() bool { return w.node("n00").Status.Value.Run.Going() })
	w.node("n00").Status.Value.Run.Started = w.now
	w.now = w.now.Add(30 * time.Second)
	f := Foretell(w.snapshot, states.Request{}, w.leading, w.now)
	if f.Left < 45*time.Second || f.Left > 55*time.Second || len(f.Batches) != 1 { // 10 s of the canary, and 40 s of the other two
		t.Errorf("%s are left, in %+v", f.Left, f.Batches)
	}
}

// Looking ahead ends in time, also in a cluster of thousands: what was not looked at is taken to go on
// at the same pace.
func TestForetellIsBounded(t *testing.T) {
	w := born(t, tier(), 0)
	for i := range 2000 {
		name := fmt.Sprintf("n%04d", i)
		w.add(name).self.State = w.snapshot.Desired.Value.State.Short()
		w.report(name)
		w.node(name).Status.Value.Run = states.Run{ID: "r-1", Outcome: states.Succeeded, Terminal: true, Seconds: 30}
	}
	w.snapshot.Definition.Value.Transitions[1].Policy.Batches = []states.Size{states.Nodes(1)}
	request := states.Request{ID: "q-x", Kind: states.AskTransition, Target: states.Ref{Name: "waiting"}, Transition: w.record().ID,
		Generation: w.snapshot.Desired.Value.Generation, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}
	began := time.Now()
	f := Foretell(w.snapshot, request, w.leading, w.now)
	if want := 2000 * 30 * time.Second; !f.Rough || f.Left < want*9/10 || f.Left > want*11/10 {
		t.Errorf("%s are left, and it should be about %s (rough: %v)", f.Left, want, f.Rough)
	}
	if took := time.Since(began); took > 20*time.Second { // about one, but not where everything is slow
		t.Errorf("looking ahead took %s", took)
	}
	t.Logf("looking ahead took %s", time.Since(began))
}
