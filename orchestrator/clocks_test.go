package orchestrator

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

// A leader whose clock is ten years fast leaves a move to one whose clock is right: what it noted is no
// reason to wait for ten years.
func TestAFastClockHoldsNobodyUp(t *testing.T) {
	decade := 10 * 365 * 24 * time.Hour
	for when, so := range map[string]func(w *world) bool{
		"as the move began":     func(w *world) bool { return true },
		"as a batch was let go": func(w *world) bool { return w.record().Batch.Number == 1 },
		"as a batch was over":   func(w *world) bool { return !w.record().Batch.Ended.IsZero() },
	} {
		t.Run(when, func(t *testing.T) {
			w := serving(t, rollout(func(t *states.Transition) {
				t.Policy.Batches, t.Policy.Soak = []states.Size{states.Nodes(1)}, minute
			}), 3)
			right := w.now
			w.now = w.now.Add(decade)
			w.move("version", "2")
			w.until(when, func() bool { return w.record().Status == states.Running && so(w) })
			w.now = right.Add(time.Hour)
			w.run()
			w.stands(states.Done, "", "version 2 is reached")
			if took := w.now.Sub(right); took > 4*time.Hour {
				w.fail("it took %s", took)
			}
			if told := strings.Join(w.story, "\n"); !strings.Contains(told, "by a clock that is fast by 8") {
				w.fail("nobody said so")
			}
		})
	}
}

// Silence is measured from such times too.
func TestAFastClockHidesNobodysSilence(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)} }), 3)
	right := w.now
	w.now = w.now.Add(10 * 365 * 24 * time.Hour)
	w.move("version", "2")
	w.until("the first goes", func() bool { return w.record().Status == states.Running && w.node("n00").Status.Value.Run.Going() })
	w.kill("n00")
	w.plan() // misses it
	w.now = right.Add(time.Hour)
	w.run()
	if took := w.now.Sub(right); took > 3*time.Hour {
		w.fail("it is counted after %s", took)
	}
	w.stands(states.Paused, states.ByFailures, "n00")
}
