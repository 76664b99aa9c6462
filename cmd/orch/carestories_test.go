package main

import (
	"time"

	"orch/states"
)

// Stories of moving carefully: what gates, approvals, floors and ways back look like.

// careful is the cluster of thirty, moved with everything that a policy can ask for.
func careful() states.Snapshot {
	s := running()
	record := s.Record.Value
	hop := &record.Hops[0]
	hop.Policy.MinHealthy, hop.Policy.Soak = states.Percent(75), states.Duration(30*time.Second)
	hop.Policy.Approve, hop.Policy.GroupBy = states.ApproveAfterFirstBatch, "rack"
	hop.Gates = []states.Gate{
		{Kind: states.GateConsulCheck, Name: "web-passing", Service: "web", Scope: states.ScopeBatch, At: states.AtBatch, Timeout: states.Duration(2 * time.Minute)},
		{Kind: states.GateHTTP, Name: "lb-error-rate", Timeout: states.Duration(time.Minute), DryRun: true},
	}
	hop.Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "converged"}, {Name: "version", Argument: "7"}}, Wait: states.Duration(10 * time.Minute)}}
	record.Approvals = []states.Approval{{Batch: 1, By: "deploy@bastion-1", Why: "looks good", At: at("02:15:31")}}
	record.Batches[0].Note = "canary"
	record.Batches[2].Note = "15 cut to 7 by min_healthy = 75% (23 of 30 must stay healthy)"
	for i := range record.Batches {
		record.Batches[i].Group = "r1"
	}
	record.Batch.Group = "r2"
	record.Gates = []states.Gauge{{Gate: "web-passing", Outcome: states.GatePass, Since: at("02:19:00"), Epoch: 9},
		{Gate: "lb-error-rate", Outcome: states.GateFail, Text: "0.2%", Since: at("02:19:00"), Epoch: 9}}
	s.Record = doc(record)
	s.Evidence = states.Evidence{
		Checks:    map[string]states.Checks{"web-passing": {At: at("02:19:12"), Checks: []states.Check{{Node: "web-eu-03", ID: "web", Status: "critical"}}}},
		Elsewhere: map[string]states.Elsewhere{"db": {There: true, State: release(7), Settled: true, At: at("02:19:12")}},
	}
	held := s.Nodes[19].Order
	held = doc(states.Order{Held: &states.Word{By: "bob@desk", Why: "disk swap", At: at("01:00:00"), Until: at("06:00:00")}})
	s.Nodes[19].Order = held
	return s
}

// awaiting is the same after its canary: nothing but an approval holds it, and nobody leads.
func awaiting() states.Snapshot {
	s := careful()
	record := s.Record.Value
	record.Approvals, record.Batches = nil, record.Batches[:1]
	record.Batch = record.Batches[0]
	record.Batch.Nodes = []string{"web-eu-01"}
	record.Awaiting = states.AwaitApproval
	record.Reason = "batch 1 is over, and the next waits for approval (approve = after_first_batch)"
	s.Record = doc(record)
	s.Nodes[19].Order = states.Doc[states.Order]{}
	for i := range s.Nodes[1:] {
		status := &s.Nodes[i+1].Status.Value
		status.State, status.Attempting, status.Run = release(42), states.State{}, states.Run{}
		status.Phase, status.Reason = states.Waiting, "waits for its turn to version 43"
		s.Nodes[i+1].Order = states.Doc[states.Order]{}
	}
	s.Led, s.Session = false, ""
	s.Leader.Value.Released = at("02:15:00")
	return s
}

// shut is the same, stopped by a gate.
func shut() states.Snapshot {
	s := awaiting()
	record := s.Record.Value
	record.Status, record.Cause, record.Awaiting, record.PausedAt = states.Paused, states.ByGate, "", at("02:20:00")
	record.Reason = `gate "web-passing" says no: web on web-eu-01 is critical, for 2m`
	record.Gates = []states.Gauge{{Gate: "web-passing", Outcome: states.GateFail, Text: "web on web-eu-01 is critical", Since: at("02:18:00"), Epoch: 9}}
	s.Record = doc(record)
	return s
}

// goingBack is the careful move, on its way back by itself: twelve nodes are to go back, three do.
func goingBack() states.Snapshot {
	s := careful()
	record := s.Record.Value
	record.ID, record.Undoes, record.Request, record.Start, record.Target = "t-9", "t-1", "", release(43), release(42)
	record.By, record.Why = "admin@bastion-2", `gate "web-passing" says no, for 2m`
	record.Reason = "batch 1: 3 nodes of 30 members may go to version 42"
	record.Hops = []states.Hop{{State: release(42), From: []states.State{release(43)}, Policy: policy(states.Percent(10))}}
	record.Batches, record.Approvals, record.Gates = nil, nil, nil
	record.Batch = states.Batch{Number: 1, Size: 3, Seq: 12, Count: 3, Nodes: []string{"web-eu-16", "web-eu-17", "web-eu-18"}, Ordered: at("02:23:31")}
	s.Record, s.Evidence = doc(record), states.Evidence{}
	s.Desired.Value.Mark = states.Mark{Epoch: 9, Generation: 18, Transition: "t-9"}
	s.Desired.Value.State, s.Desired.Value.From = release(42), []states.State{release(43), release(42)}
	for i := range s.Nodes {
		status := &s.Nodes[i].Status.Value
		status.Mark = s.Desired.Value.Mark
		s.Nodes[i].Order = states.Doc[states.Order]{}
		switch {
		case i < 15:
			status.Phase, status.Reason = states.Waiting, "waits for its turn to version 42"
		case i < 18:
			status.Attempting, status.Reason = release(42), "ordered to version 42"
			status.Run.ID, status.Run.Transition, status.Run.State = ordered("t-9", 12, s.Nodes[i].Name), "t-9", release(42)
			status.Run.Started = at("02:23:31")
		default:
			status.Phase, status.Reason = states.Settled, "at version 42, as it should be"
		}
	}
	return s
}

// onceMore is a cluster that converges once more where it is.
func onceMore() states.Snapshot {
	s := running()
	record := s.Record.Value
	record.ID, record.Again, record.Start, record.Target = "t-8", "t-8", release(43), release(43)
	record.Batches = record.Batches[:1]
	record.Batch = states.Batch{Number: 2, Size: 3, Seq: 12, Count: 3, Nodes: []string{"web-eu-02", "web-eu-03", "web-eu-04"}, Ordered: at("02:23:31")}
	record.Hops[0].From = []states.State{release(43)}
	s.Record = doc(record)
	s.Desired.Value.Mark, s.Desired.Value.Again = states.Mark{Epoch: 9, Generation: 18, Transition: "t-8"}, "t-8"
	for i := range s.Nodes {
		status := &s.Nodes[i].Status.Value
		status.Mark, status.State, status.Attempting, status.Run = s.Desired.Value.Mark, release(43), states.State{}, states.Run{}
		status.Phase, status.Reason = states.Waiting, "waits for its turn to version 43"
		s.Nodes[i].Order = states.Doc[states.Order]{}
	}
	s.Nodes[0].Status.Value.AgainDone, s.Nodes[0].Status.Value.Phase = "t-8", states.Settled
	run := states.Run{ID: ordered("t-8", 12, "web-eu-02"), State: release(43), Transition: "t-8", Generation: 18, Under: states.UnderOrder,
		Attempt: 1, Tries: 2, Started: at("02:23:31"), Timeout: record.Hops[0].Policy.ConvergeTimeout}
	s.Nodes[1].Status.Value.Run, s.Nodes[1].Status.Value.Attempting, s.Nodes[1].Status.Value.Phase = run, release(43), states.Converging
	return s
}

// frozen is the careful move under two freezes, in the middle of a batch; who led has let go.
func frozen() states.Snapshot {
	s := careful()
	s.Frozen, s.Freeze = frozenFor("incident 4711"), frozenFor("audit")
	s.Record.Value.Awaiting = states.AwaitThaw
	s.Led, s.Session = false, ""
	s.Leader.Value.Released = at("02:19:00")
	return s
}

// closed is the same between two batches, outside of its windows.
func closed() states.Snapshot {
	s := between()
	s.Record.Value.Windows, s.Record.Value.Awaiting = quiet(5*time.Hour, states.FinishBatch), states.AwaitWindow
	s.Led, s.Session = false, ""
	s.Leader.Value.Released = at("02:19:00")
	return s
}
