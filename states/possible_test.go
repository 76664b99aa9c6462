package states_test

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

func possibleRecord() states.Record {
	on := states.State{Name: "on", Serving: true}
	return states.Record{ID: "t-1", Status: states.Running, Start: on, Target: on, Journal: 7,
		Hops: []states.Hop{{State: on, From: []states.State{{}}, Policy: states.BuiltIn(), Drains: []states.Drain{{Service: "web", Wait: 1}},
			Gates: []states.Gate{{Name: "g"}}, Requires: []states.Requirement{{Cluster: "db"}}}},
		Members: []states.Member{{Node: "web-1"}, {Node: "web-2"}}, Counted: []states.Counted{{Node: "web-1", Kind: states.CountLost}},
		Batch: states.Batch{Number: 1, Size: 1, Nodes: []string{"web-1"}, Count: 1}}
}

// What no leader writes is named by its field: whoever leads next does not go on from there.
func TestImpossibleRecords(t *testing.T) {
	if err := possibleRecord().Validate(); err != nil {
		t.Fatal(err)
	}
	for says, spoil := range map[string]func(*states.Record){
		`id ""`:                          func(r *states.Record) { r.ID = "" },
		`status is "halfway"`:            func(r *states.Record) { r.Status = "halfway" },
		"hop is -1":                      func(r *states.Record) { r.Hop = -1 },
		"hop is 1, and there are 1":      func(r *states.Record) { r.Hop = 1 },
		"hop is 0, and there are 0":      func(r *states.Record) { r.Hops = nil },
		"journal":                        func(r *states.Record) { r.Journal = 1 << 63 },
		"accepted":                       func(r *states.Record) { r.Accepted = -1 },
		"past 2000000":                   func(r *states.Record) { r.Past = 2_000_000 },
		"hop 0: state must be named":     func(r *states.Record) { r.Hops[0].State = states.State{} },
		`state name "../on"`:             func(r *states.Record) { r.Target.Name = "../on" },
		`argument "-rf"`:                 func(r *states.Record) { r.Hops[0].From[0] = states.State{Name: "on", Argument: "-rf"} },
		`members: node name "../x"`:      func(r *states.Record) { r.Members[0].Node = "../x" },
		`members: node "web-1" is there`: func(r *states.Record) { r.Members[1].Node = "web-1" },
		"counted":                        func(r *states.Record) { r.Counted[0].Kind = "lucky" },
		"2 nodes in a batch of 1":        func(r *states.Record) { r.Batch.Nodes = []string{"web-1", "web-2"} },
		`batch: node name ""`:            func(r *states.Record) { r.Batch.Nodes[0] = "" },
		"batch: -3":                      func(r *states.Record) { r.Batch.Size = -3 },
		"size -1":                        func(r *states.Record) { r.Hops[0].Policy.Batches = []states.Size{states.Nodes(-1)} },
		"size 101%":                      func(r *states.Record) { r.Hops[0].Policy.MaxFailures = states.Percent(101) },
		"size 2000000":                   func(r *states.Record) { r.Hops[0].Policy.MinHealthy = states.Nodes(2_000_000) },
		"duration -1s":                   func(r *states.Record) { r.Hops[0].Policy.Soak = states.Duration(-time.Second) },
		"converge_timeout must":          func(r *states.Record) { r.Hops[0].Policy.ConvergeTimeout = 0 },
		`on_failure is "explode"`:        func(r *states.Record) { r.Hops[0].Policy.OnFailure = "explode" },
		`approve is ""`: func(r *states.Record) {
			r.Hops[0].Rollback = &states.Policy{ConvergeTimeout: 1, NodeOrder: states.OrderName}
		},
		`drain "web"`:      func(r *states.Record) { r.Hops[0].Drains[0].Wait = -1 },
		`gate "g"`:         func(r *states.Record) { r.Hops[0].Gates[0].Timeout = 1 << 62 },
		`requires "../db"`: func(r *states.Record) { r.Hops[0].Requires[0].Cluster = "../db" },
	} {
		r := possibleRecord()
		spoil(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %q in it", err, says)
		}
	}
}

func TestImpossibleEntries(t *testing.T) {
	good := states.Entry{Seq: 1, Event: states.EventBorn, Generation: 1, Epoch: 1}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for says, spoil := range map[string]func(*states.Entry){
		"seq":           func(e *states.Entry) { e.Seq = 0 },
		"from":          func(e *states.Entry) { e.From = 1 << 60 },
		"generation":    func(e *states.Entry) { e.Generation = 1 << 63 },
		"what happened": func(e *states.Entry) { e.Event = "" },
	} {
		e := good
		spoil(&e)
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %q in it", err, says)
		}
	}
}

// However long the times of a policy are, their sum is no time that is over already.
func TestAllowanceNeverRunsOver(t *testing.T) {
	for _, retries := range []int{0, 1, 39, 40, 41, states.MaxNodes} {
		p := states.Policy{ConvergeTimeout: states.MaxDuration, RetryDelay: states.MaxDuration, Retries: retries}
		if got := p.Allowance(states.MaxDuration); got < states.MaxDuration.D() {
			t.Errorf("%d retries: %s", retries, got)
		}
	}
}
