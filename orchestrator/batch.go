package orchestrator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"orch/states"
)

// runID derives the id of an ordered run, so that any leader derives the same orders from the same
// batch: the journal's number makes a batch that is begun again a new one.
func runID(transition string, seq uint64, node string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s", transition, seq, node))
	return "r-" + hex.EncodeToString(sum[:5])
}

// going tells whether a batch was let go and is not over.
func (p *planner) going() bool {
	batch := p.record.Batch
	return batch.Number != 0 && !batch.Opened && batch.Ended.IsZero()
}

// orders writes the orders that the batch in progress lacks. The record names the nodes first, so
// a batch of any size is ordered in as many transactions as it takes, by any leader.
func (p *planner) orders() *Decision {
	if !p.going() {
		return nil
	}
	missing := p.unordered(p.record.Batch, p.record)
	missing = p.choose(missing, nil, len(missing), p.floor().room) // somebody may have fallen over since the batch began
	if len(missing) == 0 || p.frozen() != "" {
		return nil
	}
	d := p.draft(states.EventOrders, "batch %d: order %s", p.record.Batch.Number, list(missing))
	p.give(d, missing)
	return d.decide()
}

// unordered lists the nodes of a batch without their order, as many as one transaction takes.
func (p *planner) unordered(batch states.Batch, record states.Record) []string {
	var missing []string
	for _, name := range batch.Nodes {
		node, _ := p.node(name)
		done := node.Order.OK() && node.Order.Value.Run == runID(record.ID, batch.Seq, name)
		if done || p.excused(node) || !seen(node) || len(missing) == states.MaxNodesPerTransaction {
			continue
		}
		missing = append(missing, name)
	}
	return missing
}

// excused tells whether a node of a batch is not waited for any more, order or not.
func (p *planner) excused(node *states.Node) bool {
	return forgotten(node) || p.held(node) || p.charged(node.Name)
}

// give writes the orders of the draft's batch for some of its nodes.
func (p *planner) give(d *draft, nodes []string) {
	hop, desired := d.record.Current(), p.Desired.Value
	for _, name := range nodes {
		node, _ := p.node(name)
		order := states.Order{
			Transition: d.record.ID,
			Generation: desired.Generation,
			State:      hop.State.Short(),
			Instance:   node.Status.Value.Instance,
			Run:        runID(d.record.ID, d.record.Batch.Seq, name),
			Timeout:    hop.Policy.ConvergeTimeout,
			Again:      d.record.Again,
			Batch:      d.record.Batch.Seq,
		}
		order.Summary = orderSummary(order)
		d.order(name, order)
	}
}

// batchOver ends the batch when none of its orders stands any more; one that was let go by opening,
// when everybody is there and something is still to be asked of the world.
func (p *planner) batchOver() *Decision {
	batch := p.record.Batch
	switch {
	case p.going() && len(p.standingOrders()) == 0 && p.unproven(batch):
		d := p.draft(states.EventReplaced, "nobody of batch %d arrived or failed: held, lost or forgotten; it is begun again", batch.Number)
		d.record.Batch.Cut = true
		d.closeBatch()
		d.record.Batch = states.Batch{}
		return d.decide()
	case p.going() && len(p.standingOrders()) == 0:
	case batch.Opened && batch.Ended.IsZero() && p.tells(batch) && p.Desired.Value.Open && p.looksBack() && p.everybodyThere():
	default:
		return nil
	}
	d := p.draft(states.EventBatchDone, "batch %d of %s is over", batch.Number, p.record.Towards())
	d.closeBatch()
	return d.decide()
}

// unproven tells whether a batch that is over says nothing about the state that it was to go to: a
// canary that was held, or was lost and skipped, is not one. Whoever was lost is charged, and does
// not come twice.
func (p *planner) unproven(batch states.Batch) bool {
	return !slices.ContainsFunc(batch.Nodes, func(name string) bool {
		node, _ := p.node(name)
		kind := p.chargedAs(name)
		return p.there(node) || kind == states.CountFailed || kind == states.CountLost
	})
}

// begun lists those of a batch who are there, or ran towards it.
func (p *planner) begun(batch states.Batch) []string {
	var names []string
	for _, name := range batch.Nodes {
		node, _ := p.node(name)
		run := node.Status.Value.Run
		if p.there(node) || run.Transition == p.record.ID && run.State.Same(p.record.Towards()) {
			names = append(names, name)
		}
	}
	return names
}

// looksBack tells whether something is asked of the world after a batch.
func (p *planner) looksBack() bool {
	hop := p.record.Current()
	return hop.Policy.Soak > 0 || slices.ContainsFunc(hop.Gates, func(g states.Gate) bool { return g.At != states.AtStart })
}

// closeBatch notes the end of the batch among those that ended.
func (d *draft) closeBatch() {
	batch := d.record.Batch
	if batch.Number == 0 || !batch.Ended.IsZero() {
		return
	}
	batch.Ended = d.planner.now
	for _, name := range batch.Nodes {
		if d.planner.charged(name) {
			batch.Failed++
		}
	}
	healthy, _ := d.planner.health()
	batch.Healthy = max(healthy, batch.Before-batch.Failed)
	d.record.Batch, d.record.Gates = batch, nil
	batch.Nodes = nil // the history keeps counts
	d.record.Batches = append(d.record.Batches, batch)
	d.record.Trim()
	d.record.ProgressAt = d.planner.now
}
