package orchestrator

import (
	"fmt"
	"slices"
	"time"

	"orch/states"
)

// What now: a batch by orders, all that remain by opening, or reasons to wait.

// next lets the next nodes go.
func (p *planner) next() *Decision {
	if p.Desired.Value.Open {
		return p.arriving()
	}
	if p.going() {
		return p.decisionOf(p.standingOrders(), p.deadline())
	}
	number := p.batchNumber()
	size := p.batchSize(number)
	f := p.remaining()
	if len(f.movable) == 0 && p.allCharged(f.rest) {
		return p.finish(number, size, f.rest)
	}
	group, candidates := p.grouped(p.primaryLast(f.movable))
	l := p.mayBegin(group)
	p.clear(&l)
	switch {
	case l.stop != nil:
		return l.stop
	case len(l.waits) > 0:
		return p.heldUp(l)
	}
	return p.release(number, size, group, candidates, f)
}

// clear waits until it is known who is primary and who is healthy, where that matters.
func (p *planner) clear(l *leave) {
	if why := p.unclearPrimary(); why != "" {
		l.wait("primary", "wait: it is asked again every second", "the primary goes last, and nobody can tell who it is: %s", why)
		l.until(p.now.Add(again))
	}
	if why := p.blind(); why != "" {
		l.wait("floor", "wait: it is asked again every second, or orch resume "+p.Cluster+" --override min_healthy", "min_healthy = %s, and nobody can tell who is healthy: %s", p.record.Current().Policy.MinHealthy, why)
		l.until(p.now.Add(again))
	}
}

// finish opens a hop in which nobody is left who was not tried, once the last batch has stood its tests.
func (p *planner) finish(number, size int, rest []string) *Decision {
	l := p.mayOpen()
	switch {
	case l.stop != nil:
		return l.stop
	case len(l.waits) > 0:
		return p.heldUp(l)
	}
	if names := p.unwilling(rest); len(names) > size || p.floor().room < p.healthyOf(names) {
		return p.stopFor(states.ByDoubt, "opening would let %s go at once that took no order in time, more than batch or floor allow: %s; order again: orch retry %s, leave out: orch hold %s NODE, then orch resume %s",
			states.Count(len(names), "live node"), list(names), p.Cluster, p.Cluster, p.Cluster)
	}
	return p.open(number, size, rest)
}

// unwilling lists the live nodes that were given up although nothing failed on them: opening lets them go.
func (p *planner) unwilling(rest []string) []string {
	return slices.DeleteFunc(slices.Clone(rest), func(name string) bool {
		node, _ := p.node(name)
		return !seen(node) || disabled(node) || p.chargedAs(name) == states.CountFailed
	})
}

func (p *planner) healthyOf(names []string) (n int) {
	for _, name := range names {
		if node, _ := p.node(name); p.healthy(node) {
			n++
		}
	}
	return n
}

// release lets the next batch go, as far as the floor and the runs that still fill slots let it.
func (p *planner) release(number, size int, group string, candidates []string, f field) *Decision {
	floor := p.floor()
	if p.openable(size, floor.room, candidates, f) {
		return p.open(number, size, f.rest)
	}
	if len(f.movable) == 0 {
		return p.stuck(f.rest)
	}
	chosen := p.choose(candidates, f.busy, size, floor.room)
	if len(chosen) > 0 {
		return p.batch(number, size, group, chosen, p.note(number, size, len(candidates), len(chosen), floor))
	}
	d := p.decisionOf(p.noRoom(candidates, f.busy, size, floor), time.Time{})
	if len(p.record.Current().Gates) > 0 {
		d.Wake = sooner(d.Wake, p.now.Add(again))
	}
	return d
}

// noRoom says why nobody fits into the next batch.
func (p *planner) noRoom(candidates, busy []string, size int, floor floor) []Wait {
	waits := p.busyWaits(busy)
	if len(p.choose(candidates, busy, size, len(candidates))) > 0 {
		waits = append(waits, Wait{Kind: "floor", Reason: floor.String(),
			Remedy: "more healthy nodes, or orch resume " + p.Cluster + " --override min_healthy"})
	}
	return waits
}

// openable tells whether all that remain are no more than the batch, of one group, none of them the
// primary beside others, and few enough for the floor.
func (p *planner) openable(size, room int, candidates []string, f field) bool {
	if p.record.Only != nil || p.deserted(&p.record) != "" || len(union(f.rest, f.busy)) > size || len(candidates) < len(f.movable) || slices.ContainsFunc(f.movable, p.spent) {
		return false
	}
	return p.healthyOf(f.rest) <= room
}

// spent tells whether a node's order of this hop ended badly: only another order lets it try again.
func (p *planner) spent(name string) bool {
	node, _ := p.node(name)
	if !node.Order.OK() || !node.Order.Value.OfHop(&p.Desired.Value) {
		return false
	}
	run, over := node.Status.Value.Ended(node.Order.Value.Run)
	return over && run.Bad()
}

// note says what a batch is, where it is not just a batch.
func (p *planner) note(number, size, candidates, chosen int, f floor) string {
	text := ""
	if number == 1 && chosen == 1 && len(p.record.Members) > 1 && p.record.Undoes == "" {
		text = "canary"
	}
	if wanted := min(size, candidates); chosen < wanted && f.room < wanted && f.policy != (states.Size{}) {
		text = fmt.Sprintf("%d cut to %d by min_healthy = %s (%d of %d must stay healthy)", wanted, chosen, f.policy, f.least, f.known)
	}
	return text
}

// batchNumber is that of the next batch of this hop, or of the one that goes.
func (p *planner) batchNumber() int { return p.record.Over() + 1 }

// batchSize is fixed when a batch begins: percentages are of the members alive then.
func (p *planner) batchSize(number int) int {
	alive := 0
	for i := range p.record.Members {
		if node, _ := p.seat(i); seen(node) && !p.held(node) {
			alive++
		}
	}
	return p.record.Current().Policy.Batch(number - 1).Of(alive)
}

func (p *planner) allCharged(nodes []string) bool {
	return !slices.ContainsFunc(nodes, func(n string) bool { return !p.charged(n) })
}

// batch lets some nodes go by orders.
func (p *planner) batch(number, size int, group string, nodes []string, note string) *Decision {
	d := p.draft(states.EventBatch, "batch %d: %s of %s may go to %s: %s", number, states.Count(len(nodes), "node"),
		states.Count(len(p.record.Members), "member"), p.record.Towards(), list(nodes))
	if note != "" {
		d.change.Entry.Reason += "; " + note
	}
	before, _ := p.health()
	d.record.Batch = states.Batch{Number: number, Hop: d.record.Hop, Size: size, Seq: d.record.Journal + 1,
		Note: note, Group: group, Before: before, Nodes: nodes, Count: len(nodes), Ordered: p.now}
	d.record.ProgressAt, d.record.Reason, d.record.Gates, d.record.Awaiting = p.now, d.change.Entry.Reason, nil, ""
	d.change.Settled = p.relied()
	d.change.Entry.Nodes = nodes
	p.give(d, p.unordered(d.record.Batch, d.record))
	return d.decide()
}

// open lets go whoever remains, in one write: they are no more than the batch, or all of them were
// tried and charged. Of those, a node that failed waits to be ordered again, and those that took no
// order in time while their agents lived, no more than a batch, go.
func (p *planner) open(number, size int, rest []string) *Decision {
	d := p.draft(states.EventOpened, "%s to go, no more than the batch of %d: everybody may go to %s",
		states.Count(len(rest), "node"), size, p.record.Towards())
	if len(rest) > 0 {
		d.change.Settled = p.relied()
	}
	if len(rest) > size {
		d.change.Entry.Reason = fmt.Sprintf("whoever is not at %s failed, and waits to be ordered again", p.record.Towards())
	}
	d.openFor(number, size, rest)
	return d.decide()
}

// openFor opens the hop of the draft.
func (d *draft) openFor(number, size int, rest []string) {
	before, _ := d.planner.health()
	d.rewrite().Open = true
	d.record.Gates, d.record.Awaiting = nil, ""
	d.record.Batch = states.Batch{Number: number, Hop: d.record.Hop, Size: size, Seq: d.record.Journal + 1,
		Opened: true, Before: before, Nodes: rest, Count: len(rest), Ordered: d.planner.now}
	d.record.OpenedAt, d.record.ProgressAt = d.planner.now, d.planner.now
	d.record.Reason = d.change.Entry.Reason
	d.change.Entry.Nodes = rest
}
