package orchestrator

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"orch/states"
)

// slowly is Foresee without its short cuts: every look is a new planner, and every change makes a new
// snapshot.
func slowly(t *testing.T, snapshot states.Snapshot, request states.Request, leading Leading, now time.Time) Preview {
	t.Helper()
	snapshot.Requests = []states.Doc[states.Request]{{Value: request, Index: 1}}
	var preview Preview
	before := newPlanner(snapshot, leading, now)
	for range maxForesight {
		p := newPlanner(snapshot, leading, now)
		if later := before.later(snapshot, now); !reflect.DeepEqual(later, p) {
			t.Fatalf("a later look sees something else:\n%+v\n%+v", later, p)
		}
		before, p.dreaming = newPlanner(snapshot, leading, now), true
		decision := p.plan()
		if decision.Change == nil {
			if !decision.Idle {
				preview.Held = decision.Reason + waitReason(decision)
			}
			break
		}
		preview.note(*decision.Change)
		landed := snapshot
		landed.Nodes = slices.Clone(snapshot.Nodes)
		p.land(&landed, *decision.Change)
		if snapshot = After(snapshot, *decision.Change); !reflect.DeepEqual(landed, snapshot) {
			t.Fatalf("a change that lands in place is another one:\n%+v\n%+v", landed, snapshot)
		}
		imagine(snapshot, now)
	}
	preview.Record = snapshot.Record.Value
	return preview
}

// Whatever a cluster is in, and whatever is asked: a preview that is quick is the one that is slow, and
// leaves what it was shown as it was.
func TestForesightIsThatOfThePlanner(t *testing.T) {
	moved := 0
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 21))
			w := serving(t, rollout(func(move *states.Transition) {
				move.Policy.Batches = []states.Size{states.Nodes(1 + r.IntN(3))}
				if r.IntN(2) == 0 {
					move.Policy.MinHealthy = states.Percent(50)
				}
				if r.IntN(3) == 0 {
					move.Policy.GroupBy = "rack"
				}
			}), 2+r.IntN(8))
			for range r.IntN(30) {
				w.stir(r)
			}
			request := states.Request{ID: "q-preview", Kind: pick(r, []string{states.AskTransition, states.AskRollback, states.AskReconverge, states.AskResume, states.AskRetry}),
				Target: states.Ref{Name: "version", Argument: fmt.Sprint(r.IntN(4))}, By: "ada", Supersede: true, Overrides: []string{"members"},
				Transition: w.record().ID, Generation: w.snapshot.Desired.Value.Generation, At: w.now, Expires: w.now.Add(time.Hour)}
			if request.Kind != states.AskTransition {
				request.Target = states.Ref{}
			}
			shown := w.snapshot
			shown.Nodes = slices.Clone(w.snapshot.Nodes)
			got := Foresee(w.snapshot, request, w.leading, w.now)
			if !reflect.DeepEqual(shown, w.snapshot) {
				t.Fatal("what was shown is not what it was")
			}
			want := slowly(t, shown, request, w.leading, w.now)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s %s: got\n%+v\nwant\n%+v", request.Kind, request.Target, got, want)
			}
			moved += len(got.Batches)
		})
	}
	if moved < 200 {
		t.Errorf("%d batches were foreseen, and that is hardly a test", moved)
	}
}

// stir lets something happen.
func (w *world) stir(r *rand.Rand) {
	name := pick(r, w.names())
	switch r.IntN(9) {
	case 0:
		w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: fmt.Sprint(2 + r.IntN(3))}, Supersede: true})
	case 1:
		w.kill(name)
	case 2:
		w.agents[name].up = true
		w.report(name)
	case 3:
		w.ask(states.Request{Kind: states.AskHold, Node: name})
	case 4:
		w.ask(states.Request{Kind: pick(r, []string{states.AskPause, states.AskResume, states.AskAbort})})
	case 5:
		w.now = w.now.Add(time.Duration(r.IntN(200)) * time.Second)
	default:
		w.plan()
		w.act(name)
	}
}
