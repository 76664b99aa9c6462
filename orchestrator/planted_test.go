package orchestrator

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// planting writes a number into one of the places that somebody may write to who has a token.
var planting = map[string]func(w *world, n uint64){
	"epoch of desired":      func(w *world, n uint64) { w.snapshot.Desired.Value.Epoch = n },
	"generation of desired": func(w *world, n uint64) { w.snapshot.Desired.Value.Generation = n },
	"a pair": func(w *world, n uint64) {
		w.snapshot.Desired.Value.Epoch, w.snapshot.Desired.Value.Generation, w.snapshot.Record.Value.Generation = n, n, n
	},
	"another desired state": func(w *world, n uint64) {
		w.snapshot.Desired.Value.Mark = states.Mark{Epoch: n, Generation: n, Transition: "t-planted"}
	},
	"journal of the record": func(w *world, n uint64) { w.snapshot.Record.Value.Journal = n },
	"lease": func(w *world, n uint64) {
		w.snapshot.Leader = states.Doc[states.Leader]{Value: states.Leader{Epoch: n}, Index: 3}
	},
	"status of a node": func(w *world, n uint64) {
		w.node("n01").Status.Value.Mark = states.Mark{Epoch: n, Generation: n, Transition: "t-x"}
	},
	"order of a node": func(w *world, n uint64) {
		w.node("n01").Order = states.Doc[states.Order]{Value: states.Order{Generation: n}, Index: 3}
	},
}

// Whatever number anybody plants, at whatever place, and whether or not agents follow it: what a
// recovery writes is followed by all of them, has room above it, and the cluster moves on.
func TestPlantedNumbersAreNotTheEnd(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 11))
		w := serving(t, tier(), 3)
		most := states.MostCounted(w.now)
		n := pick(r, []uint64{1 << 53, most, most + 1, most - 1, most + 1e9, 1 << 40, 1 << 60})
		places := slices.Sorted(maps.Keys(planting))
		for range 1 + r.IntN(3) {
			planting[pick(r, places)](w, n)
		}
		if r.IntN(3) == 0 { // the attack goes on while somebody mends it
			w.settle()
			planting["a pair"](w, states.MostCounted(w.now))
		}
		for _, name := range w.names() {
			w.verdict(name) // who can, follows it
			w.report(name)
		}
		w.now = w.now.Add(10 * time.Millisecond)
		wanted := recovery("converged", "")
		wanted.Healthy = true
		change, err := Recover(w.snapshot, wanted, w.leading, w.now)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if change.Entry.Seq > states.MostEntries(w.now) {
			t.Errorf("seed %d: the journal goes on at %d", seed, change.Entry.Seq)
		}
		w.goesOn(change)
	}
}

// Nobody leads on from a number that nobody counted to, nor from two documents that are no pair; the
// reason names them and says what helps. A node's word about itself is a fault of that node.
func TestPlantedAndTornAreNotLed(t *testing.T) {
	const far = 1 << 53
	for name, row := range map[string]struct {
		do   func(w *world)
		kind string // empty: it is led on
		says string
	}{
		"generation of desired": {func(w *world) { planting["a pair"](w, far) }, "planted", `the key "desired"`},
		"journal of the record": {func(w *world) { planting["journal of the record"](w, far) }, "planted", "entries of the journal"},
		"lease":                 {func(w *world) { planting["lease"](w, far) }, "", ""},
		"status of a node":      {func(w *world) { planting["status of a node"](w, far) }, "", ""},
		"another transition":    {func(w *world) { w.snapshot.Desired.Value.Transition = "t-other" }, "torn", "the one is of t-other"},
		"an older desired":      {func(w *world) { w.snapshot.Desired.Value.Generation-- }, "torn", "generation"},
		"a newer desired":       {func(w *world) { w.snapshot.Desired.Value.Generation++ }, "torn", "generation"},
		"an older record": {func(w *world) {
			w.snapshot.Record.Value.Generation--
			w.snapshot.Record.Value.Journal--
		}, "torn", "generation"},
		"another state":                  {func(w *world) { w.snapshot.Desired.Value.State = states.State{Name: "off"} }, "torn", "the one wants off"},
		"another hop":                    {func(w *world) { w.snapshot.Record.Value.Hops[0].State = states.State{Name: "off"} }, "torn", "is on its way to off"},
		"a record of an older version":   {func(w *world) { w.snapshot.Record.Value.Generation = 0 }, "", ""},
		"an older version's, and edited": {func(w *world) { w.snapshot.Record.Value.Generation, w.snapshot.Record.Value.ID = 0, "t-9" }, "torn", "t-9"},
	} {
		w := serving(t, tier(), 3)
		w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "7"}})
		row.do(w)
		decision := Plan(w.snapshot, w.leading, w.now)
		broken := Broken(w.snapshot, w.now)
		if row.kind == "" {
			if decision.Change == nil || broken != nil {
				t.Errorf("%s: nobody leads on: %v", name, broken)
			}
			continue
		}
		if decision.Change != nil || len(broken) == 0 || broken[0].Kind != row.kind || !strings.Contains(broken[0].Reason, row.says) || broken[0].Remedy != "orch recover "+w.snapshot.Cluster {
			t.Errorf("%s: want %s: %q, got %+v", name, row.kind, row.says, broken)
		}
		w.now = w.now.Add(time.Second)
		change, err := Recover(w.snapshot, recovery("version", "7"), w.leading, w.now)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w.goesOn(change)
	}
}

// A move that stands between two hops, because too few were alive for the next, is a pair all the same,
// also when it is given up there.
func TestBetweenTwoHopsIsNotTorn(t *testing.T) {
	w := serving(t, tier(), 4)
	for _, s := range []states.Record{
		{Status: states.Paused, Cause: states.ByMembers}, {Status: states.Aborted}} {
		p := newPlanner(w.snapshot, w.leading, w.now)
		p.record.Status, p.record.Cause, p.record.Hop = s.Status, s.Cause, len(p.record.Hops)
		p.record.Hops = append(slices.Clone(p.record.Hops), states.Hop{State: states.State{Name: "off"}})
		if why := p.torn(); why != "" {
			t.Error(fmt.Sprint(s.Status, ": ", why))
		}
		p.record.Status = states.Running
		if why := p.torn(); why == "" {
			t.Error("a hop that began without its desired state is a pair")
		}
	}
}
