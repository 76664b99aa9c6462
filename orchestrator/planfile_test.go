package orchestrator

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// What a leader finds when it takes a request that was planned before: it refuses what does not hold
// any more, also where that changed between the last look and the request.
func TestLeaderChecksAPlanAgain(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*world)
		refuse string
	}{
		"nothing changed": {func(*world) {}, ""},
		"the definition":  {func(w *world) { w.snapshot.Source += "#" }, "the definition was applied again"},
		"a node's life":   {func(w *world) { w.kill("n01") }, "other nodes are alive"},
		"a node's state":  {func(w *world) { w.node("n01").Status.Value.State = states.State{} }, "they are elsewhere"},
		"both":            {func(w *world) { w.snapshot.Source += "#"; w.kill("n01") }, "applied again; other nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, rollout(plain), 3)
			request := states.Request{ID: "q-20260301t020000z-00000001", Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "2"},
				Transition: w.record().ID, Generation: w.snapshot.Desired.Value.Generation, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}
			file := NewPlanFile(w.snapshot, request, Foresee(w.snapshot, request, w.leading, w.now), Foretold{}, w.now)
			again, err := ReadPlanFile(file.Text())
			if err != nil || !reflect.DeepEqual(again, file) || len(file.Differences(again)) != 0 {
				t.Fatalf("it is not read as it was written: %v\n%+v\n%+v", err, file, again)
			}
			request.Plan = file.Planned(file.Text())
			test.change(w)
			w.snapshot.Requests = []states.Doc[states.Request]{{Value: request, Index: 1}}
			decision := Plan(w.snapshot, w.leading, w.now)
			answer := decision.Change.Entry.Answer
			if answer.Refused != (test.refuse != "") || !strings.Contains(answer.Reason, test.refuse) {
				t.Errorf("%+v", answer)
			}
			if decision.Change.Entry.Plan != request.Plan.Plan || !answer.Refused && decision.Change.Record.Plan != request.Plan.Plan {
				t.Error("neither journal nor record say from which plan it is")
			}
		})
	}
}

// A batch of other nodes is named where nothing else tells why.
func TestDifferencesOfBatches(t *testing.T) {
	was := PlanFile{Batches: []PlannedBatch{{Hop: 1, Number: 1, Nodes: []string{"a"}}, {Hop: 1, Number: 2, Nodes: []string{"b", "c"}}}}
	now := was
	now.Batches = []PlannedBatch{{Hop: 1, Number: 1, Nodes: []string{"a"}}, {Hop: 1, Number: 2, Nodes: []string{"b"}}, {Hop: 1, Number: 3, Nodes: []string{"c"}}}
	if got := was.Differences(now); len(got) != 1 || got[0] != "batch 2 of hop 1 was b c and is b" {
		t.Errorf("%q", got)
	}
	now.Batches = was.Batches[:1]
	if got := was.Differences(now); len(got) != 1 || got[0] != "there were 2 batches and are 1" {
		t.Errorf("%q", got)
	}
	now.Rested.Closed, now.Tree = `window "nights" is closed`, "t2"
	was.Tree, was.Rested.Requires = "t1", []Met{{"db", "on", true}}
	now.Rested.Requires = []Met{{"db", "off", false}}
	if got := strings.Join(was.Differences(now), "; "); got != "the id of Consul's tree was t1 and is t2; cluster db, which is required, was settled at on and is not settled, at off; "+
		`the windows were open and are closed: window "nights" is closed` {
		t.Errorf("%s", got)
	}
}
