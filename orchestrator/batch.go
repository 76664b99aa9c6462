package orchestrator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

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
	if len(missing) == 0 {
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
		node, _ := p.Node(name)
		done := node.Order.OK() && node.Order.Value.Run == runID(record.ID, batch.Seq, name)
		if done || p.excused(node) || !seen(node) || len(missing) == states.MaxNodesPerTransaction {
			continue
		}
		missing = append(missing, name)
	}
	return missing
}

// excused tells whether a node of a batch is not waited for any more, order or not.
func (p *planner) excused(node states.Node) bool {
	return forgotten(node) || held(node) || p.charged(node.Name)
}

// give writes the orders of the draft's batch for some of its nodes.
func (p *planner) give(d *draft, nodes []string) {
	hop, desired := d.record.Current(), p.Desired.Value
	for _, name := range nodes {
		node, _ := p.Node(name)
		order := states.Order{
			Transition: d.record.ID,
			Generation: desired.Generation,
			State:      hop.State.Short(),
			Instance:   node.Status.Value.Instance,
			Run:        runID(d.record.ID, d.record.Batch.Seq, name),
			Timeout:    hop.Policy.ConvergeTimeout,
			Again:      desired.Again,
		}
		order.Summary = orderSummary(order)
		d.order(name, order)
	}
}

// batchOver ends the batch when none of its orders stands any more.
func (p *planner) batchOver() *Decision {
	if !p.going() || len(p.standingOrders()) > 0 {
		return nil
	}
	d := p.draft(states.EventBatchDone, "batch %d of %s is over", p.record.Batch.Number, p.record.Current().State)
	d.closeBatch()
	return d.decide()
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
	d.record.Batch = batch
	batch.Nodes = nil // the history keeps counts
	d.record.Batches = append(d.record.Batches, batch)
	d.record.ProgressAt = d.planner.now
}

// standingOrders gives a reason for every node that the batch waits for.
func (p *planner) standingOrders() []Wait {
	var waits []Wait
	for _, name := range p.record.Batch.Nodes {
		node, _ := p.Node(name)
		node.Name = name
		if p.excused(node) {
			continue
		}
		if reason := p.pending(node); reason != "" {
			waits = append(waits, Wait{Kind: "run", Node: name, Reason: reason})
		}
	}
	return waits
}

// pending says what a node of the batch is waited for, or "".
func (p *planner) pending(node states.Node) string {
	status := node.Status.Value
	run := runID(p.record.ID, p.record.Batch.Seq, node.Name)
	if _, over := status.Ended(run); over || status.At(p.record.Current().State) {
		return ""
	}
	until := ", until " + clock(p.deadline())
	switch {
	case !seen(node):
		return "silent under run " + run + until
	case status.Run.ID == run && status.Run.Going():
		return fmt.Sprintf("converging, try %d of %d, run %s%s", status.Run.Attempt, status.Run.Tries, run, until)
	case status.Run.ID == run:
		return "tries again after a failure, run " + run + until
	case status.Run.Going():
		return "ends an older run first, " + status.Run.ID + until
	}
	return "has not taken its order yet, run " + run + until
}

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

func (p *planner) busyWaits(busy []string) []Wait {
	waits := make([]Wait, 0, len(busy))
	for _, name := range busy {
		node, _ := p.Node(name)
		waits = append(waits, Wait{Kind: "slot", Node: name,
			Reason: "fills a slot until its run " + node.Status.Value.Run.ID + " ends"})
	}
	return waits
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

// arriving says whom an opened hop waits for.
func (p *planner) arriving() *Decision {
	var waits []Wait
	for _, m := range p.record.Members {
		node, _ := p.Node(m.Node)
		node.Name = m.Node
		if held(node) || p.charged(m.Node) || node.Status.Value.At(p.record.Current().State) && node.Status.OK() {
			continue
		}
		reason := node.Status.Value.Reason
		if !seen(node) {
			reason = "silent since " + clock(m.MissingSince) + ", counts as lost from " + clock(p.missingUntil(m))
		}
		waits = append(waits, Wait{Kind: "open", Node: m.Node, Reason: reason})
	}
	return p.decisionOf(waits, p.openUntil())
}

// stuck says why nobody can be let go although somebody remains.
func (p *planner) stuck(rest []string) *Decision {
	var waits []Wait
	for _, name := range rest {
		node, _ := p.Node(name)
		if m, _ := p.member(name); !seen(node) {
			waits = append(waits, Wait{Kind: "missing", Node: name,
				Reason: "silent since " + clock(m.MissingSince) + ", counts as lost from " + clock(p.missingUntil(m))})
		}
	}
	return p.decisionOf(waits, time.Time{})
}

// decisionOf waits, until the first time at which waiting alone changes something.
func (p *planner) decisionOf(waits []Wait, wake time.Time) *Decision {
	earliest := func(t time.Time) {
		if t.After(p.now) && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	for _, m := range p.record.Members {
		if !m.MissingSince.IsZero() {
			earliest(p.missingUntil(m))
		}
		if node, _ := p.Node(m.Node); !node.Alive && p.runsStill(node) {
			run := node.Status.Value.Run
			earliest(run.Started.Add(run.Timeout.D() + states.Grace(run.Timeout).D()))
		}
	}
	if !wake.IsZero() {
		wake = wake.Add(10 * time.Millisecond) // deadlines are passed, not met
	}
	return &Decision{Waits: waits, Wake: wake, Reason: summarize(waits)}
}

func summarize(waits []Wait) string {
	texts := make([]string, 0, len(waits))
	for _, w := range waits {
		texts = append(texts, strings.TrimSpace(w.Node+" "+w.Reason))
	}
	return list(texts)
}

func union(a, b []string) []string {
	return append(slices.Clone(a), without(b, a)...)
}

// without gives what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
