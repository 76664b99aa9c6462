package orchestrator

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// hindrances are things that hold a cluster, each of which can be there or not.
var hindrances = []struct {
	kind string
	put  func(w *world)
}{
	{"paused", func(w *world) { w.ask(states.Request{Kind: states.AskPause, Why: "lunch"}); w.plan() }},
	{"freeze", func(w *world) {
		w.snapshot.Freeze = states.Doc[states.Freeze]{Index: 1, Value: states.Freeze{Word: states.Word{By: "grace", Why: "audit"}}}
	}},
	{"window", func(w *world) { // the clock of these tests stands at two in the morning
		w.snapshot.Record.Value.Windows = states.Windows{{Name: "quiet", Deny: true, Schedule: "0 1 * * *", Duration: 300 * minute, TimeZone: "UTC", OnClose: "finish_batch"}}
	}},
	{"requires", func(w *world) {
		w.elsewhere = map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "off"}, Settled: true}}
	}},
	{"gate", func(w *world) { w.gates = map[string]string{"lb": states.GateFail} }},
	{"floor", func(w *world) { w.kill("n03"); w.kill("n04") }},
	{"approval", func(w *world) { w.snapshot.Record.Value.Hops[0].Policy.Approve = states.ApproveAfterEachBatch }},
	{"soak", func(w *world) { w.snapshot.Record.Value.Hops[0].Policy.Soak = 10 * minute }},
	{"primary", func(w *world) { w.snapshot.Record.Value.Hops[0].Primary = &states.Primary{Lock: "x"} }},
	{"leader", func(w *world) { w.snapshot.Led = false }},
	{"definition", func(w *world) {
		w.snapshot.Definition = states.Doc[states.Cluster]{Index: 1, Problem: "unexpected token"}
	}},
}

// Each of every set of hindrances is named, few or many: nobody has to lift one to hear of the next.
func TestWhyNamesEveryBlocker(t *testing.T) {
	for set := range 1 << len(hindrances) {
		if n := bits.OnesCount(uint(set)); n > 3 && n < len(hindrances)-1 {
			continue // up to three of them, and all, or all but one
		}
		w := toVersion2(t, 6, func(t *states.Transition) {
			t.Policy.MinHealthy = states.Nodes(5)
			t.Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "converged"}}, Wait: 10 * minute}}
			t.Gates = []states.Gate{{Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, Timeout: 5 * minute}}
		})
		w.snapshot.Led = true
		w.elsewhere = map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "converged"}, Settled: true}}
		w.gates = map[string]string{"lb": states.GatePass}
		w.over(1)
		var want []string
		for i, h := range hindrances {
			if set>>i&1 == 1 {
				h.put(w)
				want = append(want, h.kind)
			}
		}
		w.snapshot.Evidence = w.sense(AskFor(w.snapshot))
		w.snapshot.Evidence.Elsewhere = w.elsewhere
		if slices.Contains(want, "primary") {
			w.snapshot.Evidence.Primary = states.Primaries{Problem: "permission denied", At: w.now}
		}
		w.note()
		var got []string
		for _, wait := range Blockers(w.snapshot, w.now) {
			got = append(got, wait.Kind)
			if wait.Reason == "" {
				t.Fatalf("a blocker %q without a reason", wait.Kind)
			}
		}
		if missing := without(without(want, got), []string{"leader"}); len(missing) > 0 { // a step is only due where nothing else holds it
			t.Fatalf("with %s: %s is not named: %s", strings.Join(want, ", "), strings.Join(missing, ", "), strings.Join(got, ", "))
		}
		if len(want) == 1 && want[0] == "leader" && !slices.Contains(got, "leader") {
			t.Fatal("nobody leads, and nobody says so")
		}
		for _, kind := range got {
			if !slices.Contains(want, kind) && slices.ContainsFunc(hindrances, func(h struct {
				kind string
				put  func(w *world)
			}) bool {
				return h.kind == kind
			}) {
				t.Fatalf("with %s: %s is named, and is not there", strings.Join(want, ", "), kind)
			}
		}
	}
}

// note writes down what the gates say, as a leader would have before it left.
func (w *world) note() {
	p := newPlanner(w.snapshot, w.leading, w.now)
	p.record.Status = states.Running
	if d := p.gauge(); d != nil {
		w.snapshot.Record.Value.Gates = d.Change.Record.Gates
	}
}

func TestWhyOfAClusterAtRest(t *testing.T) {
	w := born(t, tier(), 3)
	if waits := Blockers(w.snapshot, w.now); len(waits) != 0 {
		t.Fatalf("%+v", waits)
	}
	w.snapshot.Frozen = states.Doc[states.Freeze]{Index: 1, Value: states.Freeze{Word: states.Word{By: "grace", Until: w.now.Add(time.Hour)}}}
	if waits := Blockers(w.snapshot, w.now); len(waits) != 1 || waits[0].Kind != "freeze" || !strings.Contains(fmt.Sprint(waits), "grace") {
		t.Fatalf("%+v", waits)
	}
}
