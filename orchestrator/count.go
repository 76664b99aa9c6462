package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// count charges nodes that failed or were lost. Each is charged once per transition. An order that
// is given up is voided in the same transaction that frees its slot, and only if the node has not
// said anything meanwhile.
func (p *planner) count() *Decision {
	if p.record.Status != states.Running && p.record.Status != states.Paused {
		return nil
	}
	var found []verdict
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if v, bad := p.judge(node); bad {
			found = append(found, v)
		}
	}
	for i := range p.record.Members { // whose status is gone altogether
		if node, there := p.seat(i); !there {
			if v, bad := p.judge(node); bad {
				found = append(found, v)
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return p.charge(found[:min(len(found), states.MaxNodesPerTransaction/2)])
}

// verdict is one node to be charged.
type verdict struct {
	node   *states.Node
	kind   string
	run    string
	reason string
	void   bool // its order is taken back
	broken bool // the run was interrupted, which says of the state no more than silence does
}

func (p *planner) charge(found []verdict) *Decision {
	texts := make([]string, 0, len(found))
	for _, v := range found {
		texts = append(texts, v.node.Name+" "+v.kind+": "+v.reason)
	}
	d := p.draft(states.EventCounted, "%s", strings.Join(texts, "; "))
	for _, v := range found {
		d.note(states.Counted{Node: v.node.Name, Run: v.run, Kind: v.kind, Hop: d.record.Hop, Batch: d.record.Batch.Seq, Reason: v.reason, At: p.now})
		d.change.Entry.Nodes = append(d.change.Entry.Nodes, v.node.Name)
		if v.void {
			order := v.node.Order.Value
			order.Void = v.reason
			order.Summary = orderSummary(order)
			d.order(v.node.Name, order)
			d.change.Unmoved = append(d.change.Unmoved, v.node.Name)
		}
	}
	d.record.Reason = d.change.Entry.Reason
	return d.decide()
}

// note takes what a node is charged for into the record. A failure takes the place of a skip in the same
// hop, in the batch that the node was part of.
func (d *draft) note(c states.Counted) {
	for i, was := range d.record.Counted {
		if was.Node == c.Node && was.Hop == c.Hop && was.Skips() {
			c.Batch = was.Batch
			d.record.Counted[i] = c
			return
		}
	}
	d.record.Counted = append(d.record.Counted, c)
}

// judge tells whether a node is to be charged, and for what. One that was skipped because nothing was
// heard of it can still say that its run failed: that is a failure, which the skip must not hide.
func (p *planner) judge(node *states.Node) (verdict, bool) {
	member, is := p.member(node.Name)
	kind := p.chargedAs(node.Name)
	if !is || p.held(node) || kind != "" && kind != states.CountSkipped {
		return verdict{}, false
	}
	v, bad := p.failed(node)
	if skipped := kind != ""; bad || skipped {
		return v, bad && !(skipped && v.broken)
	}
	if p.record.Status != states.Running || p.frozen() != "" || p.there(node) {
		return verdict{}, false // a frozen agent is not late
	}
	return p.lost(node, member)
}

// charged tells whether the node was charged in the hop in progress.
func (p *planner) charged(node string) bool {
	return slices.ContainsFunc(p.record.Counted, func(c states.Counted) bool {
		return c.Node == node && c.Hop == p.record.Hop && !c.Retried
	})
}

// failed finds a run that failed for good: the ordered one, or one under an opened batch. The runs
// of joiners, and those that were a node's own idea, are shown, and not charged.
func (p *planner) failed(node *states.Node) (verdict, bool) {
	if !node.Status.OK() {
		return verdict{}, false
	}
	status, desired := &node.Status.Value, &p.Desired.Value
	run := &status.Failed
	if node.Order.OK() && node.Order.Value.OfHop(desired) {
		if ended, over := status.Ended(node.Order.Value.Run); over {
			run = &ended
		} else if _, ordered := p.standing(node); ordered {
			return verdict{}, false // it has another chance already: what it ran before counts no more
		}
	}
	fits := run.Bad() && run.Under != states.UnderJoiner && !run.Own() &&
		run.Transition == p.record.ID && run.State.Same(desired.State)
	if !fits || p.forgiven(run.ID) {
		return verdict{}, false
	}
	return verdict{node: node, kind: states.CountFailed, run: run.ID, broken: run.Outcome == states.Interrupted,
		reason: fmt.Sprintf("%s, try %d of %d", run.Ending(), run.Attempt, run.Tries)}, true
}

// forgiven tells whether a run was charged before, in whatever hop, or its node was given another chance.
func (p *planner) forgiven(run string) bool {
	return slices.ContainsFunc(p.record.Counted, func(c states.Counted) bool { return c.Run == run && !c.Skips() })
}

// lost finds a node that did not answer in its time.
func (p *planner) lost(node *states.Node, member states.Member) (verdict, bool) {
	hop := p.record.Current()
	v := verdict{node: node, kind: states.CountLost}
	if hop.Policy.OnLost == states.SkipLost {
		v.kind = states.CountSkipped
	}
	switch order, ordered := p.standing(node); {
	case ordered:
		v.run, v.void = order.Run, true
		v.reason = p.overdue(node, order)
	case !member.MissingSince.IsZero() && p.now.After(p.missingUntil(member)):
		v.reason = "silent since " + clock(member.MissingSince)
	case p.Desired.Value.Open && p.now.After(p.openUntil(member)) && !seen(node):
		v.reason = "silent since " + clock(member.MissingSince) + ", and everybody may go since " + clock(p.record.OpenedAt)
	case p.Desired.Value.Open && p.now.After(p.openUntil(member)) && !node.Status.Value.Run.Going():
		v.reason = "did not arrive in the time since everybody may go, " + clock(p.record.OpenedAt)
	}
	return v, v.reason != ""
}

// standing gives the order that lets this node go now, as long as its run has not ended.
func (p *planner) standing(node *states.Node) (*states.Order, bool) {
	order := &node.Order.Value
	if !node.Order.OK() || !order.For(&p.Desired.Value, order.Instance) {
		return order, false
	}
	if _, over := node.Status.Value.Ended(order.Run); over && node.Status.OK() {
		return order, false
	}
	return order, true
}

// overdue says why an order that stands is given up, or "".
func (p *planner) overdue(node *states.Node, order *states.Order) string {
	until := p.deadlineOf(order)
	switch {
	case node.Status.OK() && node.Status.Value.Instance != order.Instance:
		return fmt.Sprintf("another instance of this node answers, %s; the order was for %s", node.Status.Value.Instance, order.Instance)
	case !p.now.After(until):
		return ""
	case !seen(node):
		return fmt.Sprintf("silent, and run %s had to end by %s", order.Run, clock(until))
	case node.Status.Value.Run.ID != order.Run:
		return fmt.Sprintf("did not take its order, which had to be done by %s: %s", clock(until), node.Status.Value.Reason)
	}
	return fmt.Sprintf("run %s had to end by %s and has not", order.Run, clock(until))
}

// deadline is when every order of the batch must be done.
func (p *planner) deadline() time.Time { return p.since(p.record.Batch.Ordered).Add(p.allowance()) }

// deadlineOf is when an order must be done. Its batch may have been cut short, and begun again without it.
func (p *planner) deadlineOf(order *states.Order) time.Time {
	for _, batch := range p.record.Batches {
		if batch.Seq == order.Batch && batch.Hop == p.record.Hop {
			return p.since(batch.Ordered).Add(p.allowance())
		}
	}
	return p.deadline()
}

// openUntil is when everybody must have arrived, once everybody may go.
func (p *planner) openUntil(member states.Member) time.Time {
	return latest(p.since(p.record.OpenedAt), p.inPlay(member)).Add(p.allowance())
}

// inPlay is since when a member can be asked to do anything: a hold may have ended by itself.
func (p *planner) inPlay(member states.Member) time.Time {
	node, _ := p.node(member.Node)
	if word := node.Order.Value.Held; node.Order.OK() && word != nil && word.Over(p.now) {
		return latest(member.Since, word.Until)
	}
	return member.Since
}

// missingUntil is how long a member may be missing before it counts as lost.
func (p *planner) missingUntil(member states.Member) time.Time {
	timeout := p.record.Current().Policy.ConvergeTimeout
	return latest(member.MissingSince, p.inPlay(member)).Add(timeout.D() + states.Grace(timeout).D())
}

func (p *planner) allowance() time.Duration {
	var drain states.Duration
	for _, d := range p.record.Current().Drains {
		drain = min(drain+d.Wait, states.MaxDuration)
	}
	return p.record.Current().Policy.Allowance(drain)
}

// budget stops the cluster when more failed than is tolerated, of all or of one batch.
func (p *planner) budget() *Decision {
	policy := p.record.Current().Policy
	if policy.OnFailure == states.ContinueOnFailure {
		return nil
	}
	if failures, budget := p.record.Failures(), p.record.Budget(); failures > budget {
		return p.stopFor(states.ByFailures, "%s failed, %d allowed (max_failures = %s): %s",
			states.Count(failures, "node"), budget, policy.MaxFailures, p.names(p.record.Counted))
	}
	batch := p.record.Batch
	if policy.BatchFailures == nil || batch.Number == 0 || !batch.Ended.IsZero() {
		return nil
	}
	var failed []states.Counted
	for _, c := range p.record.Counted {
		if c.Batch == batch.Seq && slices.Contains(batch.Nodes, c.Node) && c.Kind != states.CountSkipped && !c.Retried {
			failed = append(failed, c)
		}
	}
	if allowed := policy.BatchFailures.Floor(batch.Count); len(failed) > allowed {
		return p.stopFor(states.ByFailures, "%s of batch %d failed, %d allowed (batch_failures = %s): %s",
			states.Count(len(failed), "node"), batch.Number, allowed, *policy.BatchFailures, p.names(failed))
	}
	return nil
}

func (p *planner) names(counted []states.Counted) string {
	names := make([]string, 0, len(counted))
	for _, c := range counted {
		if !c.Retried && c.Kind != states.CountSkipped {
			names = append(names, c.Node)
		}
	}
	return list(names)
}

// list writes names, and only a few of many.
func list(names []string) string {
	const few = 8
	if len(names) > few {
		return strings.Join(names[:few], ", ") + fmt.Sprintf(" and %d more", len(names)-few)
	}
	return strings.Join(names, ", ")
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05Z") }
