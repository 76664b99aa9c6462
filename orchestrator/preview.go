package orchestrator

import (
	"slices"
	"time"

	"orch/states"
)

// Preview is what a request would do to the cluster as it is now, if every run succeeds.
type Preview struct {
	Refused string // why it would be refused; empty: it would not
	Nothing bool   // the cluster is there already
	Record  states.Record
	Batches []states.Batch // with the names of their nodes
	Held    string         // why it would stand still on the way; empty: it would not
}

// Foresee runs the same planner forward on a snapshot to the end. Nothing is written.
func Foresee(snapshot states.Snapshot, request states.Request, leading Leading, now time.Time) Preview {
	snapshot.Requests = []states.Doc[states.Request]{{Value: request, Index: 1}}
	var preview Preview
	snapshot, last := dream(snapshot, leading, now, func(change states.Change) bool { preview.note(change); return true })
	if last.Change == nil && !last.Idle {
		preview.Held = last.Reason + waitReason(last)
	}
	preview.Record = snapshot.Record.Value
	return preview
}

// dream runs the planner forward while somebody wants to see more, every run succeeding at once. It gives
// how the cluster would be then, and the last decision.
func dream(snapshot states.Snapshot, leading Leading, now time.Time, more func(states.Change) bool) (states.Snapshot, Decision) {
	snapshot.Nodes = slices.Clone(snapshot.Nodes)
	p, decision := newPlanner(snapshot, leading, now), Decision{}
	for range maxForesight {
		p = p.later(snapshot, now)
		p.dreaming = true
		if decision = p.plan(); decision.Change == nil || !more(*decision.Change) {
			break
		}
		p.land(&snapshot, *decision.Change)
		imagine(snapshot, now)
	}
	return snapshot, decision
}

// Refusal says why a request would be refused, or "". It looks no further than the answer.
func Refusal(snapshot states.Snapshot, request states.Request, leading Leading, now time.Time) string {
	snapshot.Requests = []states.Doc[states.Request]{{Value: request, Index: 1}}
	_, last := dream(snapshot, leading, now, func(change states.Change) bool { return change.Entry.Answer == nil })
	if last.Change != nil && last.Change.Entry.Answer != nil && last.Change.Entry.Answer.Refused {
		return last.Change.Entry.Answer.Reason
	}
	return ""
}

// maxForesight bounds a preview; a rollout takes a few steps per batch.
const maxForesight = 10000

func waitReason(decision Decision) string {
	if decision.Reason == "" && len(decision.Waits) > 0 {
		return decision.Waits[0].Reason
	}
	return ""
}

// note collects what a change would be seen to do.
func (p *Preview) note(change states.Change) {
	if answer := change.Entry.Answer; answer != nil {
		if answer.Refused {
			p.Refused = answer.Reason
		} else if before := change.Entry.Before; change.Desired == nil || before != nil && before.Generation == change.Desired.Generation { // or signed anew
			p.Nothing = true
		}
	}
	batch := change.Record.Batch
	if batch.Number != 0 && batch.Seq == change.Entry.Seq {
		p.Batches = append(p.Batches, batch)
	}
}

// After gives the snapshot as it will be once a change is committed.
func After(snapshot states.Snapshot, change states.Change) states.Snapshot {
	snapshot = written(snapshot, change)
	snapshot.Nodes = slices.Clone(snapshot.Nodes)
	for i := range snapshot.Nodes {
		if order, written := change.Orders[snapshot.Nodes[i].Name]; written {
			snapshot.Nodes[i].Order = states.Doc[states.Order]{Value: order, Index: snapshot.Record.Index}
		}
	}
	return snapshot
}

// written is After but for the orders.
func written(snapshot states.Snapshot, change states.Change) states.Snapshot {
	version := snapshot.Record.Index + 1
	snapshot.Record = states.Doc[states.Record]{Value: change.Record, Index: version}
	if change.Desired != nil {
		snapshot.Desired = states.Doc[states.Desired]{Value: *change.Desired, Index: version}
	}
	snapshot.Requests = slices.DeleteFunc(slices.Clone(snapshot.Requests), func(r states.Doc[states.Request]) bool {
		return r.Value.ID == change.Handled || slices.Contains(change.Dropped, r.Value.ID)
	})
	return snapshot
}

// imagine lets every agent that may go succeed at once, in nodes that are the caller's own.
func imagine(snapshot states.Snapshot, now time.Time) {
	desired := &snapshot.Desired.Value
	for i := range snapshot.Nodes {
		node := &snapshot.Nodes[i]
		if node.Status.Value.Run.Going() && (node.Alive || !isMember(&snapshot.Record.Value, node.Name)) { // it ends some time
			node.Status.Value.Run = states.Run{}
		}
		ordered := node.Order.OK() && node.Order.Value.For(desired, node.Status.Value.Instance)
		if !node.Status.OK() || !node.Alive || node.Order.Value.HeldAt(now) != nil || !(desired.Open || ordered) {
			continue
		}
		status := &node.Status.Value
		if ordered && node.Order.Value.Again != "" {
			status.AgainDone = node.Order.Value.Again
		} else if desired.Again != "" {
			status.AgainDone = desired.Again
		}
		status.State, status.Attempting, status.Mark = desired.State.Short(), states.State{}, desired.Mark
	}
}
