package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"orch/states"
)

// story is a cluster in a situation worth a screen.
type story struct {
	name     string
	now      string
	node     string // for why
	all      bool
	json     bool
	snapshot states.Snapshot
}

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-03-14 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func doc[T any](value T) states.Doc[T] { return states.Doc[T]{Value: value, Index: 7} }

func release(n int) states.State {
	return states.State{Name: "version", Argument: fmt.Sprint(n), Serving: true}
}

func policy(sizes ...states.Size) states.Policy {
	p := states.BuiltIn()
	p.Batches, p.ConvergeTimeout, p.Retries = sizes, states.Duration(15*time.Minute), 1
	return p
}

func definition(name string, p states.Policy) states.Cluster {
	return states.Cluster{Name: name, Initial: "off",
		States: []states.StateDef{{Name: "off"}, {Name: "version", Serving: true, Argument: &states.Argument{Pattern: "[0-9]+"}}},
		Transitions: []states.Transition{
			{To: "off", From: []string{"*"}, Policy: policy(states.Percent(100))},
			{To: "version", From: []string{"off", "version"}, Policy: p},
		}}
}

// ordered is the run id that a leader gives to a node of a batch.
func ordered(transition string, seq uint64, node string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s", transition, seq, node))
	return "r-" + hex.EncodeToString(sum[:5])
}

func stories() []story {
	return []story{
		{name: "running", now: "02:19:12", node: "web-eu-16", json: true, snapshot: running()},
		{name: "paused", now: "03:08:23", node: "app-05", json: true, all: true, snapshot: paused()},
		{name: "settled", now: "03:08:23", node: "app-01", snapshot: settled()},
		{name: "born", now: "03:08:23", snapshot: born()},
		{name: "garbage", now: "03:08:23", node: "app-02", all: true, snapshot: garbage()},
		{name: "careful", now: "02:19:12", node: "web-eu-20", json: true, snapshot: careful()},
		{name: "awaiting", now: "02:19:12", json: true, snapshot: awaiting()},
		{name: "gate", now: "02:24:12", snapshot: shut()},
		{name: "back", now: "02:24:12", node: "web-eu-16", snapshot: goingBack()},
		{name: "again", now: "02:24:12", node: "web-eu-02", snapshot: onceMore()},
		{name: "drifted", now: "03:08:23", node: "app-03", json: true, snapshot: drifted()},
		{name: "frozen", now: "02:19:12", node: "web-eu-20", snapshot: frozen()},
		{name: "closed", now: "02:24:12", node: "web-eu-20", snapshot: closed()},
		{name: "unled", now: "02:19:12", node: "web-eu-19", snapshot: unled()},
	}
}

// running is a cluster of thirty in its fourth batch.
func running() states.Snapshot {
	p := policy(states.Nodes(1), states.Percent(10), states.Percent(25))
	p.MaxFailures = states.Percent(5)
	s := states.Snapshot{Cluster: "web-eu", Definition: doc(definition("web-eu", p)), Led: true, Session: "s-1"}
	s.Leader = doc(states.Leader{Who: "admin@bastion-2", Since: at("02:14:02"), Epoch: 9})
	mark := states.Mark{Epoch: 9, Generation: 17, Transition: "t-1"}
	s.Desired = doc(states.Desired{Mark: mark, State: release(43), Stable: release(42), From: []states.State{release(42)},
		Joiners: states.JoinersStable, Timeout: p.ConvergeTimeout, Retries: 1, RetryDelay: p.RetryDelay})
	record := states.Record{ID: "t-1", Request: "q-1", Status: states.Running, By: "admin@bastion-2", Why: "CHG-1234",
		Reason: "batch 4: 7 nodes of 30 members may go to version 43", Start: release(42), Target: release(43),
		Hops:      []states.Hop{{State: release(43), From: []states.State{release(42)}, Policy: p}},
		StartedAt: at("02:14:02"), HopAt: at("02:14:02"), ProgressAt: at("02:18:31"), Journal: 12}
	record.Batches = []states.Batch{
		{Number: 1, Size: 1, Count: 1, Ordered: at("02:14:03"), Ended: at("02:14:51")},
		{Number: 2, Size: 3, Count: 3, Ordered: at("02:14:52"), Ended: at("02:15:54")},
		{Number: 3, Size: 7, Count: 7, Ordered: at("02:15:55"), Ended: at("02:17:05")},
	}
	record.Batch = states.Batch{Number: 4, Size: 7, Seq: 12, Count: 7, Ordered: at("02:18:31")}
	for i := 1; i <= 30; i++ {
		name := fmt.Sprintf("web-eu-%02d", i)
		record.Members = append(record.Members, states.Member{Node: name})
		status := states.Status{Instance: "i-1", Mark: mark, State: release(42), Phase: states.Waiting,
			Reason: "waits for its turn to version 43", Since: at("02:14:02"), Meta: map[string]string{"rack": fmt.Sprintf("r%d", 1+i/8)}}
		order := states.Doc[states.Order]{}
		if i >= 12 && i <= 18 {
			record.Batch.Nodes = append(record.Batch.Nodes, name)
			order = doc(states.Order{Transition: "t-1", Generation: 17, Instance: "i-1", Run: ordered("t-1", 12, name), State: release(43), Timeout: p.ConvergeTimeout})
		}
		switch {
		case i <= 15:
			status.State, status.Phase, status.Reason = release(43), states.Settled, "at version 43, as it should be"
			status.Run = states.Run{ID: ordered("t-1", 3, name), State: release(43), Transition: "t-1", Generation: 17, Under: states.UnderOrder,
				Attempt: 1, Tries: 2, Outcome: states.Succeeded, Terminal: true, Seconds: 40 + float64(i)}
		case i <= 18:
			status.Phase, status.Attempting, status.Reason = states.Converging, release(43), "ordered to version 43"
			status.Run = states.Run{ID: ordered("t-1", 12, name), State: release(43), Transition: "t-1", Generation: 17, Under: states.UnderOrder,
				Attempt: 1, Tries: 2, Started: at("02:18:31"), Timeout: p.ConvergeTimeout, Tail: []string{"Notice: Applied catalog in 38.20 seconds \x1b[2J"}}
		}
		s.Nodes = append(s.Nodes, states.Node{Name: name, Alive: true, Status: doc(status), Order: order})
	}
	s.Record = doc(record)
	return s
}

// unled is the same with its leader gone.
func unled() states.Snapshot {
	s := running()
	s.Led, s.Session = false, ""
	return s
}

// paused is a cluster of eleven whose third batch failed.
func paused() states.Snapshot {
	p := policy(states.Nodes(1), states.Nodes(1), states.Nodes(2))
	s := states.Snapshot{Cluster: "app", Definition: doc(definition("app", p))}
	s.Leader = doc(states.Leader{Who: "admin@bastion-2", Since: at("02:58:02"), Epoch: 9, Released: at("03:02:11")})
	mark := states.Mark{Epoch: 9, Generation: 23, Transition: "t-2"}
	s.Desired = doc(states.Desired{Mark: mark, State: release(18), Stable: release(17), From: []states.State{release(17)},
		Joiners: states.JoinersWait, Timeout: p.ConvergeTimeout, Retries: 1, RetryDelay: p.RetryDelay})
	record := states.Record{ID: "t-2", Request: "q-2", Status: states.Paused, Cause: states.ByFailures, By: "admin@bastion-2", Why: "CHG-1240",
		Reason: "1 node failed, 0 allowed (max_failures = 0): app-05", Start: release(17), Target: release(18),
		Hops:      []states.Hop{{State: release(18), From: []states.State{release(17)}, Policy: p}},
		StartedAt: at("02:58:02"), HopAt: at("02:58:02"), ProgressAt: at("03:02:09"), PausedAt: at("03:02:11"), Journal: 9}
	record.Batches = []states.Batch{
		{Number: 1, Size: 1, Count: 1, Ordered: at("02:58:03"), Ended: at("02:58:55")},
		{Number: 2, Size: 1, Count: 1, Ordered: at("02:58:56"), Ended: at("02:59:51")},
	}
	record.Counted = []states.Counted{{Node: "app-05", Run: "r-9f2c", Kind: states.CountFailed, Reason: "exit 1 after 12s, try 2 of 2", At: at("03:02:09")}}
	for i := 1; i <= 11; i++ {
		name := fmt.Sprintf("app-%02d", i)
		status := states.Status{Instance: "i-1", Mark: mark, State: release(17), Phase: states.Waiting,
			Reason: "waits for its turn to version 18", Since: at("02:58:02")}
		order := states.Doc[states.Order]{}
		alive := i != 11
		if alive {
			record.Members = append(record.Members, states.Member{Node: name})
		}
		switch {
		case i <= 3:
			status.State, status.Phase, status.Reason = release(18), states.Settled, "at version 18, as it should be"
		case i == 5:
			status.Attempting, status.Phase, status.Since = release(18), states.Failed, at("03:02:09")
			status.Reason = "its order to version 18 failed: exit 1 after 12s; it waits to be ordered again"
			status.Run = states.Run{ID: "r-9f2c", State: release(18), Transition: "t-2", Generation: 22, Under: states.UnderOrder, Attempt: 2, Tries: 2,
				Started: at("03:01:57"), Ended: at("03:02:09"), Outcome: states.ExitedBadly, Terminal: true, Exit: 1, Seconds: 12,
				Log: "/var/lib/convergeagent/runs/r-9f2c.log",
				Tail: []string{"Error: Could not retrieve file metadata for puppet:///web/app-18.tgz",
					"Error: /Stage[main]/App/File[app.tgz]: Could not evaluate: 404 Not Found"}}
			status.Failed = status.Run
			order = doc(states.Order{Transition: "t-2", Generation: 22, Instance: "i-1", Run: "r-9f2c", State: release(18), Timeout: p.ConvergeTimeout})
		case i == 11:
			status.Generation, status.Since = 22, at("02:41:17")
		}
		s.Nodes = append(s.Nodes, states.Node{Name: name, Alive: alive, Status: doc(status), Order: order})
	}
	s.Record = doc(record)
	return s
}

// settled is the same cluster when everybody is there.
func settled() states.Snapshot {
	s := paused()
	record := s.Record.Value
	record.Status, record.Cause, record.Counted, record.Reason = states.Done, "", nil, "version 18 is reached"
	record.PausedAt, record.EndedAt = time.Time{}, at("03:05:00")
	s.Record = doc(record)
	desired := s.Desired.Value
	desired.Open, desired.Stable, desired.Previous = true, release(18), release(17)
	s.Desired = doc(desired)
	for i := range s.Nodes[:10] {
		status := s.Nodes[i].Status.Value
		status.State, status.Attempting, status.Phase, status.Reason = release(18), states.State{}, states.Settled, "at version 18, as it should be"
		status.Failed = states.Run{}
		s.Nodes[i].Status.Value = status
	}
	return s
}

// drifted is the same cluster later: two nodes are not any more what they reached.
func drifted() states.Snapshot {
	s := settled()
	for i, drift := range map[int]states.Drift{
		2: {Since: at("03:06:00"), Exit: 3, Said: []string{"2 files differ", "app.conf: checksum differs \x1b[2J"}, Repair: true},
		6: {Since: at("03:07:30"), Exit: 1},
	} {
		status := s.Nodes[i].Status.Value
		status.Phase, status.Since, status.Drift, status.Reason = states.Drifted, drift.Since, &drift, drift.String()
		s.Nodes[i].Status.Value = status
	}
	return s
}

// born is a cluster without a node, adopted in a state that serves.
func born() states.Snapshot {
	s := states.Snapshot{Cluster: "db", Definition: doc(definition("db", policy(states.Nodes(1))))}
	s.Desired = doc(states.Desired{Mark: states.Mark{Epoch: 1, Generation: 1, Transition: "t-3"}, State: release(7), Stable: release(7),
		Joiners: states.JoinersWait, Timeout: states.Duration(time.Minute)})
	s.Record = doc(states.Record{ID: "t-3", Status: states.Paused, Cause: states.ByBirth, By: "ada@bastion", Target: release(7),
		Reason: "born at version 7, which serves: nobody converges until orch resume db", PausedAt: at("03:00:00"), StartedAt: at("03:00:00"),
		Hops: []states.Hop{{State: release(7), Policy: states.BuiltIn()}}, Journal: 1})
	return s
}

// garbage is a cluster in whose keys somebody wrote.
func garbage() states.Snapshot {
	s := paused()
	s.Desired = states.Doc[states.Desired]{Index: 8, Problem: "invalid character 'x' looking for beginning of value"}
	s.Nodes[1].Status = states.Doc[states.Status]{Index: 8, Problem: `instance "\x1b[31m" is malformed`}
	s.Nodes[2].Order = states.Doc[states.Order]{Index: 8, Problem: "schema 9 is not known here"}
	s.Nodes[3].Status.Value.Refused = "epoch 3 is below 9, which this node accepted"
	return s
}
