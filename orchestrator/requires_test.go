package orchestrator

import (
	"strings"
	"testing"

	"orch/states"
)

func TestRequirements(t *testing.T) {
	db := func(state string, settled bool) map[string]states.Elsewhere {
		ref, _ := states.ParseRef(state)
		return map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: ref.Name, Argument: ref.Argument}, Settled: settled, Reason: "paused", Index: 77}}
	}
	requires := func(wait states.Duration) func(*states.Transition) {
		return func(t *states.Transition) {
			t.Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "converged"}, {Name: "schema"}}, Wait: wait}}
		}
	}
	t.Run("refused where it need not be waited for", func(t *testing.T) {
		w := serving(t, rollout(requires(0)), 3)
		w.elsewhere = db("off", true)
		id := w.move("version", "2")
		w.run()
		if answer := w.answered(id); !answer.Refused || !strings.Contains(answer.Reason, "requires db settled at converged or schema, and it is at off") {
			w.fail("%+v", answer)
		}
	})
	t.Run("waited for, and no longer than that", func(t *testing.T) {
		w := serving(t, rollout(requires(10*minute)), 3)
		w.elsewhere = db("schema 42", false)
		w.move("version", "2")
		w.plan()
		w.waits(w.stepless(), "requires")
		w.run()
		w.stands(states.Paused, states.ByRequires, "it is not at rest: paused")
		w.elsewhere = db("schema 42", true)
		w.ask(states.Request{Kind: states.AskResume})
		w.run()
		w.stands(states.Done, "", "reached")
	})
	t.Run("overridden while it is waited for", func(t *testing.T) {
		w := serving(t, rollout(requires(10*minute)), 3)
		w.elsewhere = db("off", true)
		w.move("version", "2")
		w.plan()
		w.waits(w.stepless(), "requires")
		w.ask(states.Request{Kind: states.AskResume, Overrides: []string{"requires=db"}})
		w.run()
		w.stands(states.Done, "", "reached")
	})
	t.Run("asked before each batch, and relied on in the transaction", func(t *testing.T) {
		w := serving(t, rollout(requires(10*minute)), 4)
		w.elsewhere = db("converged", true)
		w.move("version", "2")
		w.plan()
		decision, _ := w.plan()
		if decision.Change == nil || decision.Change.Settled["db"] != 77 {
			w.fail("the step does not rest on what was seen: %+v", decision.Change)
		}
		w.over(1)
		w.elsewhere = db("off", false)
		w.waits(w.stepless(), "requires")
	})
	t.Run("unknown is not settled", func(t *testing.T) {
		w := serving(t, rollout(requires(minute)), 3)
		w.move("version", "2")
		w.run()
		w.stands(states.Paused, states.ByRequires, "nobody has looked yet")
	})
}

func TestReversedRequirementsOfOffAreAsked(t *testing.T) {
	definition := tier()
	definition.Transitions[0].Requires = []states.Requirement{{Cluster: "front", States: []states.Ref{{Name: "off"}}}}
	w := serving(t, definition, 2)
	w.elsewhere = map[string]states.Elsewhere{"front": {There: true, Settled: true, State: states.State{Name: "converged"}}}
	id := w.move("off", "")
	w.run()
	if !w.answered(id).Refused {
		w.fail("the backend went off under its frontend")
	}
	w.elsewhere["front"] = states.Elsewhere{There: true, Settled: true, State: states.State{Name: "off"}}
	w.move("off", "")
	w.run()
	if w.at("off") != 2 {
		w.fail("%d off", w.at("off"))
	}
}
