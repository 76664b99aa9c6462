package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// between is the careful move between two batches, with everything as it should be: nothing holds it.
func between() states.Snapshot {
	s := careful()
	record := s.Record.Value
	record.Batch.Ended, record.Batch.Healthy = at("02:19:12"), 0
	record.Batches = append(slices.Clone(record.Batches), record.Batch)
	record.Hops = slices.Clone(record.Hops)
	record.Hops[0].Policy.Soak = 0 // it would begin anew after a pause
	s.Record = doc(record)
	var checks []states.Check
	for _, n := range s.Nodes {
		checks = append(checks, states.Check{Node: n.Name, ID: "web", Status: "passing"})
	}
	s.Evidence.Checks = map[string]states.Checks{"web-passing": {At: at("02:24:12"), Checks: checks}}
	s.Nodes[19].Order = states.Doc[states.Order]{}
	for i := 15; i < 18; i++ {
		status := &s.Nodes[i].Status.Value
		status.State, status.Attempting, status.Phase, status.Reason = release(43), states.State{}, states.Settled, "at version 43, as it should be"
		status.Run.Outcome, status.Run.Terminal, status.Run.Ended, status.Run.Seconds = states.Succeeded, true, at("02:19:11"), 40
	}
	return s
}

// hindrance is one thing that holds a cluster or a node, and the words by which whoever asks must hear of it.
type hindrance struct {
	name  string
	words string
	put   func(s *states.Snapshot)
}

func word(why string) states.Word { return states.Word{By: "bob@desk", Why: why, At: at("01:00:00")} }

func frozenFor(why string) states.Doc[states.Freeze] { return doc(states.Freeze{Word: word(why)}) }

// ofCluster holds the whole cluster.
var ofCluster = []hindrance{
	{"a freeze of all", "incident 1", func(s *states.Snapshot) { s.Frozen = frozenFor("incident 1") }},
	{"a freeze", "incident 2", func(s *states.Snapshot) { s.Freeze = frozenFor("incident 2") }},
	{"a window", `window "quiet" denies it`, func(s *states.Snapshot) {
		s.Record.Value.Windows = states.Windows{{Name: "quiet", Deny: true, Schedule: "0 2 * * *", Duration: states.Duration(5 * time.Hour), TimeZone: "UTC"}}
	}},
	{"a requirement", "requires db settled at", func(s *states.Snapshot) {
		s.Evidence.Elsewhere = map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "off"}, Settled: true}}
	}},
	{"a gate, with its value", "web is critical, 503", func(s *states.Snapshot) {
		s.Record.Value.Gates = []states.Gauge{{Gate: "web-passing", Outcome: states.GateFail, Text: "web is critical, 503", Since: at("02:24:00"), Epoch: 9}}
	}},
	{"the floor", "min_healthy", func(s *states.Snapshot) {
		for i := 20; i < 29; i++ {
			s.Nodes[i].Alive = false
			s.Record.Value.Members[i].MissingSince = at("02:24:00")
		}
	}},
	{"an approval", "waits for approval", func(s *states.Snapshot) { s.Record.Value.Hops[0].Policy.Approve = states.ApproveAfterEachBatch }},
	{"a soak", "is watched until", func(s *states.Snapshot) { s.Record.Value.Hops[0].Policy.Soak = states.Duration(time.Hour) }},
	{"no lease", "nobody leads", func(s *states.Snapshot) { s.Led, s.Session = false, "" }},
	{"no definition", "unexpected token", func(s *states.Snapshot) {
		s.Definition = states.Doc[states.Cluster]{Index: 1, Problem: "unexpected token"}
	}},
	{"no primary", "who that is, nobody knows", func(s *states.Snapshot) {
		s.Record.Value.Hops[0].Primary = &states.Primary{Lock: "x"}
		s.Evidence.Primary = states.Primaries{Problem: "who that is, nobody knows", At: at("02:24:12")}
	}},
}

// stops are why a move is paused. There is one at most.
var stops = []hindrance{
	{"nothing", "", func(*states.Snapshot) {}},
	{"the budget", "web-eu-22 failed, web-eu-23 lost, and 1 are allowed", func(s *states.Snapshot) {
		paused := pausedBy(states.ByFailures, "2 nodes failed, 1 allowed")
		paused(s)
		s.Record.Value.Counted = []states.Counted{{Node: "web-eu-22", Kind: states.CountFailed, Reason: "exit 1"}, {Node: "web-eu-23", Kind: states.CountLost, Reason: "silent"}}
	}},
	{"a deadline", "no progress for 45m", pausedBy(states.ByDeadline, "no progress for 45m (progress_deadline)")},
	{"somebody", "says carol", pausedBy(states.ByOperator, "paused, says carol")},
}

func pausedBy(cause, reason string) func(*states.Snapshot) {
	return func(s *states.Snapshot) {
		record := &s.Record.Value
		record.Status, record.Cause, record.Reason, record.PausedAt = states.Paused, cause, reason, at("02:20:00")
	}
}

// ofNode holds web-eu-20 alone.
var ofNode = []hindrance{
	{"a hold", "disk swap", func(s *states.Snapshot) {
		w := word("disk swap")
		s.Nodes[19].Order = doc(states.Order{Held: &w})
	}},
	{"no order", "it has no order", func(*states.Snapshot) {}},
	{"a disabled agent", "bad fan", func(s *states.Snapshot) {
		w := word("bad fan")
		s.Nodes[19].Status.Value.Disabled = &w
	}},
	{"a value that is refused", "epoch 3 is below 9", func(s *states.Snapshot) { s.Nodes[19].Status.Value.Refused = "epoch 3 is below 9" }},
	{"an agent that cannot reach the store", "its agent is not alive", func(s *states.Snapshot) { s.Nodes[19].Alive = false }},
	{"an order that cannot be read", "schema 9 is not known", func(s *states.Snapshot) {
		s.Nodes[19].Order = states.Doc[states.Order]{Index: 8, Problem: "schema 9 is not known"}
	}},
	{"a failure", "exit 7", func(s *states.Snapshot) {
		s.Record.Value.Counted = append(s.Record.Value.Counted, states.Counted{Node: "web-eu-20", Kind: states.CountFailed, Reason: "exit 7", At: at("02:20:00")})
	}},
}

// exclusive are pairs of which the second is not told where the first is: the order of a node that is
// held, failed or cannot be read is not what it waits for.
func exclusive(a, b hindrance) bool {
	pair := func(x, y string) bool { return a.name == x && b.name == y || a.name == y && b.name == x }
	return pair("a hold", "no order") || pair("a hold", "an order that cannot be read") ||
		pair("no order", "an order that cannot be read") || pair("no order", "a failure")
}

// with puts hindrances in the way, and gives what why says of the cluster and of web-eu-20.
func with(stop hindrance, others ...hindrance) (cluster, node []blocker) {
	s := between()
	stop.put(&s)
	for _, h := range others {
		h.put(&s)
	}
	v := look(s, place{}, at("02:24:12"))
	return v.blockers(), v.nodeBlockers(*find(v, "web-eu-20"))
}

func told(blockers []blocker, words string) (n int) {
	for _, b := range blockers {
		now, _, _ := strings.Cut(b.Reason, "; on return:") // what comes later holds nothing now
		if strings.Contains(now, words) {
			n++
		}
	}
	return n
}

func together(hindrances ...hindrance) string {
	var names []string
	for _, h := range hindrances {
		names = append(names, h.name)
	}
	return strings.Join(names, " and ")
}

func TestNothingHoldsWhatIsAsItShouldBe(t *testing.T) {
	if cluster, _ := with(stops[0]); len(cluster) != 0 {
		t.Fatalf("%+v", cluster)
	}
}

// Whatever pair of things holds a cluster, under whatever pause: why names both, to the cluster and to
// the node that waits, once each, and none of the others.
func TestWhyNamesEveryPair(t *testing.T) {
	for _, stop := range stops {
		for i, a := range ofCluster {
			for _, b := range ofCluster[i+1:] {
				cluster, node := with(stop, a, b)
				for _, h := range append([]hindrance{stop}, ofCluster...) {
					want := 0
					if h.words == "" || h.name == a.name || h.name == b.name || h.name == stop.name {
						want = 1
					}
					if n := told(cluster, h.words); h.words != "" && n != want {
						t.Errorf("%s: why of the cluster tells of %s %d times: %+v", together(stop, a, b), h.name, n, cluster)
					}
					if n := told(node, h.words); h.words != "" && n != want {
						t.Errorf("%s: why of a node tells of %s %d times: %+v", together(stop, a, b), h.name, n, node)
					}
				}
			}
		}
	}
}

// Whatever holds a node, and whatever holds its cluster besides: why of the node names both.
func TestWhyOfANodeNamesEveryPair(t *testing.T) {
	for i, a := range ofNode {
		for _, b := range slices.Concat(ofNode[i+1:], ofCluster) {
			if exclusive(a, b) {
				continue
			}
			_, node := with(stops[0], a, b)
			for _, h := range []hindrance{a, b} {
				if told(node, h.words) != 1 {
					t.Errorf("%s: %s is told %d times: %+v", together(a, b), h.name, told(node, h.words), node)
				}
			}
			for _, blocker := range node {
				if blocker.Remedy == "" && !strings.Contains("run slot", blocker.Kind) {
					t.Errorf("%s: nothing is said to change this: %+v", together(a, b), blocker)
				}
			}
		}
	}
}
