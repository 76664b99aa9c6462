package orchestrator

import (
	"fmt"
	"slices"

	"orch/states"
)

// draft is a change in the making: copies of the documents that a step edits.
type draft struct {
	planner *planner
	record  states.Record
	desired *states.Desired // nil: not written
	change  states.Change
}

// draft begins a change. Its record shares nothing with the snapshot that is ever written to.
func (p *planner) draft(event, format string, args ...any) *draft {
	record := p.record
	record.Hops = slices.Clone(record.Hops)
	record.Members = slices.Clone(record.Members)
	record.Batches = slices.Clone(record.Batches)
	record.Counted = slices.Clone(record.Counted)
	record.Answers = slices.Clone(record.Answers)
	record.Overrides = slices.Clone(record.Overrides)
	record.Approvals = slices.Clone(record.Approvals)
	record.Gates = slices.Clone(record.Gates)
	record.Schema = states.Schema
	d := &draft{planner: p, record: record}
	d.change.Entry = states.Entry{Event: event, Reason: fmt.Sprintf(format, args...)}
	return d
}

// rewrite gives the desired state for editing, under the leader's epoch.
func (d *draft) rewrite() *states.Desired {
	if d.desired == nil {
		desired := d.planner.Desired.Value
		desired.Epoch = d.planner.leading.Epoch
		d.desired = &desired
	}
	return d.desired
}

// halt closes the cluster in one write that voids every order not claimed yet: a generation that
// no order has, nobody let go, late nodes waiting.
func (d *draft) halt(status, cause string) {
	desired := d.rewrite()
	desired.Generation++
	desired.Open = false
	desired.Joiners = states.JoinersWait
	d.record.Status, d.record.Cause = status, cause
	d.record.PausedAt = d.planner.now
	d.record.OpenedAt = d.record.EndedAt
	if status == states.Aborted {
		d.record.EndedAt = d.planner.now
	}
	d.record.Awaiting = ""
	if d.record.Batch.Ended.IsZero() { // an interrupted batch is begun again, at the same size
		went := d.planner.begun(d.record.Batch)
		d.record.Batch.Cut, d.record.Batch.Nodes, d.record.Batch.Count = true, went, len(went)
		d.closeBatch()
		if len(went) == 0 {
			d.record.Batch = states.Batch{}
		}
	} // one that is over, or went in part, keeps what is still to be asked of it
	d.record.Reason = d.change.Entry.Reason
}

// order adds an order for a node.
func (d *draft) order(node string, order states.Order) {
	if d.change.Orders == nil {
		d.change.Orders = map[string]states.Order{}
		d.change.Entry.Orders = map[string]string{}
	}
	order.Schema = states.Schema
	d.change.Orders[node] = order
	switch {
	case order.Forgotten != nil:
		d.change.Entry.Orders[node] = "forgotten"
	case order.Held != nil:
		d.change.Entry.Orders[node] = "held"
	case order.Void != "":
		d.change.Entry.Orders[node] = "void"
	default:
		d.change.Entry.Orders[node] = order.Run
	}
}

// answer notes what became of a request, and that this change handles it.
func (d *draft) answer(request states.Request, refused bool, reason string) {
	answer := states.Answer{Request: request.ID, Refused: refused, Reason: reason, At: d.planner.now}
	d.record.Answers = append(d.record.Answers, answer)
	if n := len(d.record.Answers); n > maxAnswers {
		d.record.Answers = slices.Clone(d.record.Answers[n-maxAnswers:])
	}
	d.change.Handled = request.ID
	entry := &d.change.Entry
	entry.Answer, entry.By, entry.Accessor = &answer, request.By, request.Accessor
	entry.Why, entry.Overrides = request.Why, request.Overrides
	if request.Plan != nil {
		entry.Plan = request.Plan.Plan
	}
	entry.Request, entry.Kind = request.ID, request.Kind
}

// maxAnswers is how many answers a record keeps for those who wait for one; the journal keeps all.
const maxAnswers = 16

// decide finishes the change.
func (d *draft) decide() *Decision {
	p, entry := d.planner, &d.change.Entry
	d.record.Journal++
	entry.Schema, entry.Seq, entry.At = states.Schema, d.record.Journal, p.now
	entry.Epoch, entry.Leader, entry.Transition = p.leading.Epoch, p.leading.Who, d.record.ID
	entry.Generation = p.Desired.Value.Generation
	entry.StatusBefore, entry.Status = p.Record.Value.Status, d.record.Status
	if d.desired != nil {
		if p.Desired.OK() {
			entry.Before = &p.Desired.Value
		}
		d.desired.Schema, d.desired.Cluster = states.Schema, p.Cluster
		d.desired.Summary = desiredSummary(*d.desired, d.record)
		entry.Desired, entry.Generation = d.desired, d.desired.Generation
		d.change.Desired = d.desired
	}
	d.record.Generation = entry.Generation
	entry.Summary = entrySummary(*entry)
	d.record.Summary = recordSummary(d.record)
	d.change.Record = d.record
	return &Decision{Change: &d.change, Reason: entry.Reason}
}
