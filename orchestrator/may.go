package orchestrator

import (
	"fmt"
	"slices"
	"time"

	"orch/states"
)

// May we: what stands between the cluster and its next batch, all of it at once. Whatever runs out
// of time here stops the move.

// again is how often the world outside is looked at while something waits for it: no store sends
// word of it.
const again = time.Second

// leave is the answer: the reasons to wait, or the stop that is due.
type leave struct {
	cluster string
	waits   []Wait
	wake    time.Time
	stop    *Decision
}

func (l *leave) wait(kind, remedy, format string, args ...any) {
	l.waits = append(l.waits, Wait{Kind: kind, Reason: fmt.Sprintf(format, args...), Remedy: remedy})
}

// until looks again then.
func (l *leave) until(t time.Time) {
	if l.wake.IsZero() || t.Before(l.wake) {
		l.wake = t
	}
}

func (l *leave) granted() bool { return l.stop == nil && len(l.waits) == 0 }

// mayBegin asks everything that the next batch of the hop needs.
func (p *planner) mayBegin(next string) leave {
	l := leave{cluster: p.Cluster}
	p.thawed(&l)
	p.inWindow(&l)
	p.required(&l)
	p.rested(&l, p.soak(next))
	p.gated(&l)
	p.approved(&l)
	return l
}

// mayEnd asks what has to hold once the last batch of a hop is over.
func (p *planner) mayEnd() leave {
	l := leave{cluster: p.Cluster}
	p.rested(&l, p.record.Current().Policy.Soak)
	p.gated(&l)
	return l
}

// mayOpen asks what has to hold before everybody may go, also whoever is silent now.
func (p *planner) mayOpen() leave {
	l := p.mayEnd()
	if why := p.deserted(&p.record); why != "" {
		l.wait("members", "bring them back, orch forget "+p.Cluster+" NODE, or orch resume "+p.Cluster+" --override members", "%s; whoever comes back takes its turn", why)
	}
	return l
}

// over tells whether there is a batch to look back at: one that has ended.
func (p *planner) over() bool {
	b := p.record.Batch
	return b.Hop == p.record.Hop && !b.Ended.IsZero() && p.tells(b)
}

// tells tells whether a batch is worth looking back at: it let somebody go, or it is all that there
// was. A move that finds everybody there already has not been asked about by anybody yet.
func (p *planner) tells(b states.Batch) bool {
	another := func(other states.Batch) bool { return other.Hop == b.Hop && other.Seq != b.Seq }
	return b.Number != 0 && (b.Count > 0 || p.record.Past == 0 && !slices.ContainsFunc(p.record.Batches, another))
}

// since is when a clock began to run: at some moment of the move, and anew when it was resumed.
func (p *planner) since(moment time.Time) time.Time {
	return latest(moment, p.record.ResumedAt)
}

// watched is since, and anew under a new leader: nobody saw what was before it.
func (p *planner) watched(moment time.Time) time.Time {
	if p.Led && p.Leader.OK() {
		moment = latest(moment, p.Leader.Value.Since)
	}
	return p.since(moment)
}

// began is the moment from which the questions before the next batch are asked.
func (p *planner) began() time.Time {
	if p.over() {
		return p.record.Batch.Ended
	}
	return p.record.HopAt
}

// overridden tells whether an operator said that a rule does not bind this move: "gate=web-passing",
// or "gate" for all of them.
func (p *planner) overridden(kind, name string) bool {
	return Overrides(p.record.Overrides, kind, name)
}

// Overrides tells whether somebody said that a rule does not hold: gate, or gate=canary.
func Overrides(said []string, kind, name string) bool {
	return slices.Contains(said, kind) || name != "" && slices.Contains(said, kind+"="+name)
}

// soak is how long the last batch has to be watched before nodes of some group go.
func (p *planner) soak(next string) states.Duration {
	policy, last := p.record.Current().Policy, p.record.Batch.Group
	if last == "" || next == last || !p.firstGroup(last) {
		return policy.Soak
	}
	return max(policy.Soak, policy.FirstGroupSoak)
}

// firstGroup tells whether a group is the only one that went so far.
func (p *planner) firstGroup(group string) bool {
	return !slices.ContainsFunc(p.record.Batches, func(b states.Batch) bool { return b.Hop == p.record.Hop && b.Group != group })
}

// rested waits for the soak, and looks then whether the cluster is worse than before: a node that
// falls over a minute after its converge is what a soak is for.
func (p *planner) rested(l *leave, soak states.Duration) {
	if p.over() && p.record.Batch.Cut {
		for _, name := range p.record.Batch.Nodes {
			if node, _ := p.node(name); p.runsStill(node) && !p.dreaming {
				l.wait("run", "", "%s of the batch that was cut short still runs %s", name, node.Status.Value.Run.ID)
				l.until(p.now.Add(again))
			}
		}
		if len(l.waits) > 0 {
			return
		}
	}
	if soak == 0 || !p.over() || p.record.Batch.Count == 0 || p.dreaming || p.overridden("soak", "") {
		return
	}
	if until := p.since(p.record.Batch.Ended).Add(soak.D()); p.now.Before(until) {
		l.wait("soak", "wait, or orch resume "+p.Cluster+" --override soak", "batch %d is watched until %s (soak = %s)", p.record.Batch.Number, clock(until), soak)
		l.until(until)
		return
	}
	healthy, known := p.health()
	if expected := p.record.Batch.Healthy; healthy < expected && p.record.Towards().Serving {
		l.stop = p.stopFor(states.ByHealth, "%d of %d nodes are healthy after the soak of batch %d, and %d were before: %s",
			healthy, known, p.record.Batch.Number, expected, p.unwell())
	}
}

// unwell names who is not healthy, and why.
func (p *planner) unwell() string {
	var names []string
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if !node.Status.There() || forgotten(node) || p.healthy(node) {
			continue
		}
		why := p.sick[node.Name]
		switch {
		case !seen(node):
			why = "silent"
		case why == "":
			why = string(node.Status.Value.Phase)
		}
		names = append(names, node.Name+" ("+why+")")
	}
	return list(names)
}

// approved waits for somebody's word.
func (p *planner) approved(l *leave) {
	batch, needed := p.unapproved()
	if !needed || p.dreaming {
		return
	}
	what := fmt.Sprintf("batch %d is over, and the next waits for approval", batch)
	if batch == 0 {
		what = "the first batch waits for approval"
	}
	l.wait("approval", "orch approve "+p.Cluster, "%s (approve = %s)", what, p.record.Current().Policy.Approve)
}

// unapproved gives the batch that is over and needs an approval that nobody gave.
func (p *planner) unapproved() (batch int, needed bool) {
	batch = p.batchNumber() - 1
	switch p.record.Current().Policy.Approve {
	case states.ApproveBeforeStart:
		needed = batch == 0
	case states.ApproveAfterFirstBatch:
		needed = batch == 1
	case states.ApproveAfterEachBatch:
		needed = batch > 0
	}
	if _, given := p.record.Approved(p.record.Hop, batch); given {
		return batch, false
	}
	return batch, needed
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
