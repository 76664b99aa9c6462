package orchestrator

import (
	"fmt"
	"testing"
)

// BenchmarkPlan measures one look at a running cluster. The ratio between its sizes is what counts:
// ten times the nodes should cost about ten times as much, not a hundred.
func BenchmarkPlan(b *testing.B) {
	for _, nodes := range []int{50, 500, 5000} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			w := born(b, tier(), 0)
			for i := range nodes {
				name := fmt.Sprintf("n%05d", i)
				a := w.add(name)
				a.self.State = w.snapshot.Desired.Value.State.Short()
				w.report(name)
			}
			w.move("waiting", "")
			w.plan()
			w.plan()
			for b.Loop() {
				Plan(w.snapshot, w.leading, w.now)
			}
		})
	}
}
