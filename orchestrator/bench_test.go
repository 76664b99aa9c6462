package orchestrator

import (
	"fmt"
	"testing"

	"orch/states"
)

// large is a cluster of many nodes, all at its initial state.
func large(b testing.TB, nodes int) *world {
	w := born(b, tier(), 0)
	for i := range nodes {
		name := fmt.Sprintf("n%05d", i)
		a := w.add(name)
		a.self.State = w.snapshot.Desired.Value.State.Short()
		w.report(name)
	}
	return w
}

// BenchmarkPlan measures one look at a running cluster. The ratio between its sizes is what counts:
// ten times the nodes should cost about ten times as much, not a hundred.
func BenchmarkPlan(b *testing.B) {
	for _, nodes := range []int{50, 500, 5000} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			w := large(b, nodes)
			w.move("waiting", "")
			w.plan()
			w.plan()
			for b.Loop() {
				Plan(w.snapshot, w.leading, w.now)
			}
		})
	}
}

// BenchmarkForesee measures a look at a whole move, one node at a time: whoever types orch plan waits
// for it. Each step looks at every node, so ten times the nodes cost a hundred times as much.
func BenchmarkForesee(b *testing.B) {
	for _, nodes := range []int{100, 1000} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			w := large(b, nodes)
			request := states.Request{ID: "q-bench", Kind: states.AskTransition, Target: states.Ref{Name: "waiting"},
				Transition: w.record().ID, Generation: w.snapshot.Desired.Value.Generation, At: w.now, Expires: w.now.Add(1e12)}
			for b.Loop() {
				if p := Foresee(w.snapshot, request, w.leading, w.now); len(p.Batches) != nodes {
					b.Fatalf("%d batches: %s", len(p.Batches), p.Refused)
				}
			}
		})
	}
}
