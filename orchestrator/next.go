package orchestrator

import (
	"fmt"
	"slices"
	"time"

	"orch/states"
)

// next lets the next nodes go: a batch by orders, or all that remain by opening.
func (p *planner) next() *Decision {
	if p.Desired.Value.Open {
		return p.arriving()
	}
	if p.going() {
		return p.decisionOf(p.standingOrders(), p.deadline())
	}
	if why := p.frozen(); why != "" {
		return p.wait(Wait{Kind: "freeze", Reason: why, Remedy: "wait until the freeze is lifted"})
	}
	hop := p.record.Current()
	number := p.batchNumber()
	size := p.batchSize(number)
	rest, movable, busy := p.remaining(hop.State)
	switch {
	case len(union(rest, busy)) <= size, len(movable) == 0 && p.allCharged(rest):
		return p.open(number, size, rest)
	case len(movable) == 0:
		return p.stuck(rest)
	}
	chosen := choose(movable, busy, size)
	if len(chosen) == 0 {
		return p.decisionOf(p.busyWaits(busy), time.Time{})
	}
	return p.batch(number, size, chosen)
}

// choose takes as many nodes, in their order, as fit beside those that still run something. A node
// that itself still runs something fills its slot already.
func choose(movable, busy []string, size int) []string {
	var chosen []string
	taken := len(busy)
	if taken > size { // more than the batch run already, from when the cluster was open
		return nil
	}
	for _, name := range movable {
		switch {
		case len(chosen) == size:
			return chosen
		case slices.Contains(busy, name):
		case taken < size:
			taken++
		default:
			continue
		}
		chosen = append(chosen, name)
	}
	return chosen
}

// batchNumber counts the batches of this hop that ended; one that a stop cut short is begun again.
func (p *planner) batchNumber() int {
	n := 1
	for _, b := range p.record.Batches {
		if b.Hop == p.record.Hop && !b.Cut {
			n++
		}
	}
	return n
}

// batchSize is fixed when a batch begins: percentages are of the members alive then.
func (p *planner) batchSize(number int) int {
	alive := 0
	for _, m := range p.record.Members {
		if node, _ := p.Node(m.Node); seen(node) && !held(node) {
			alive++
		}
	}
	return p.record.Current().Policy.Batch(number - 1).Of(alive)
}

// remaining sorts the members that are not at the state: rest are all of them but the lost, movable
// those who can be ordered now, busy whoever still runs something that counts in the bound.
func (p *planner) remaining(state states.State) (rest, movable, busy []string) {
	var fresh []string
	for _, m := range p.record.Members {
		node, _ := p.Node(m.Node)
		node.Name = m.Node
		if held(node) {
			continue
		}
		if p.runsStill(node) {
			busy = append(busy, m.Node)
		}
		if node.Status.OK() && node.Status.Value.At(state) {
			continue
		}
		kind := p.chargedAs(m.Node)
		if (kind == states.CountLost || kind == states.CountSkipped) && !seen(node) {
			continue
		}
		rest = append(rest, m.Node)
		switch {
		case kind != "" || !seen(node):
		case !node.Status.Value.State.None() && node.Status.Value.Attempting.None():
			fresh = append(fresh, m.Node)
		default: // unhealthy first: at no state
			movable = append(movable, m.Node)
		}
	}
	return rest, append(movable, fresh...), busy
}

// chargedAs gives what a node was charged as in this hop, or "".
func (p *planner) chargedAs(node string) string {
	for _, c := range p.record.Counted {
		if c.Node == node && c.Hop == p.record.Hop {
			return c.Kind
		}
	}
	return ""
}

// runsStill tells whether a run of a node fills a slot, of whatever generation. A silent one stops
// doing so after its own time and grace.
func (p *planner) runsStill(node states.Node) bool {
	run := node.Status.Value.Run
	if !node.Status.OK() || !run.Going() || run.Under == states.UnderJoiner {
		return false
	}
	return node.Alive || p.now.Before(run.Started.Add(run.Timeout.D()+states.Grace(run.Timeout).D()))
}

func (p *planner) allCharged(nodes []string) bool {
	return !slices.ContainsFunc(nodes, func(n string) bool { return !p.charged(n) })
}

// batch lets some nodes go by orders.
func (p *planner) batch(number, size int, nodes []string) *Decision {
	d := p.draft(states.EventBatch, "batch %d: %s of %s may go to %s: %s", number, states.Count(len(nodes), "node"),
		states.Count(len(p.record.Members), "member"), p.record.Current().State, list(nodes))
	d.record.Batch = states.Batch{Number: number, Hop: d.record.Hop, Size: size, Seq: d.record.Journal + 1,
		Nodes: nodes, Count: len(nodes), Ordered: p.now}
	d.record.ProgressAt, d.record.Reason = p.now, d.change.Entry.Reason
	d.change.Entry.Nodes = nodes
	p.give(d, p.unordered(d.record.Batch, d.record))
	return d.decide()
}

// open lets go whoever remains, in one write: they are no more than the batch, or all of them were
// tried and charged. Of those, a node that failed waits to be ordered again, and one that was lost
// while its agent lived (it took no order in time) goes with the rest.
func (p *planner) open(number, size int, rest []string) *Decision {
	d := p.draft(states.EventOpened, "%s to go, no more than the batch of %d: everybody may go to %s",
		states.Count(len(rest), "node"), size, p.record.Current().State)
	if len(rest) > size {
		d.change.Entry.Reason = fmt.Sprintf("whoever is not at %s failed, and waits to be ordered again", p.record.Current().State)
	}
	d.openFor(number, size, rest)
	return d.decide()
}

// openFor opens the hop of the draft.
func (d *draft) openFor(number, size int, rest []string) {
	d.rewrite().Open = true
	d.record.Batch = states.Batch{Number: number, Hop: d.record.Hop, Size: size, Seq: d.record.Journal + 1,
		Opened: true, Nodes: rest, Count: len(rest), Ordered: d.planner.now}
	d.record.OpenedAt, d.record.ProgressAt = d.planner.now, d.planner.now
	d.record.Reason = d.change.Entry.Reason
	d.change.Entry.Nodes = rest
}
