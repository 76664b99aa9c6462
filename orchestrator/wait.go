package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// standingOrders gives a reason for every node that the batch waits for.
func (p *planner) standingOrders() []Wait {
	var waits []Wait
	for _, name := range p.record.Batch.Nodes {
		node, _ := p.node(name)
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
func (p *planner) pending(node *states.Node) string {
	status := node.Status.Value
	run := runID(p.record.ID, p.record.Batch.Seq, node.Name)
	if _, over := status.Ended(run); over || p.there(node) {
		return ""
	}
	until := ", until " + clock(p.deadline())
	begun := status.Run.ID == run && status.Run.Going()
	switch {
	case node.Order.Value.Run == run && node.Order.Value.Void != "" && !begun:
		return "" // taken back: it goes with another batch
	case !seen(node):
		return "silent under run " + run + until
	case begun:
		return fmt.Sprintf("converging, try %d of %d, run %s%s", status.Run.Attempt, status.Run.Tries, run, until)
	case status.Run.ID == run:
		return "tries again after a failure, run " + run + until
	case status.Run.Going():
		return "ends an older run first, " + status.Run.ID + until
	case node.Order.Value.Run != run && p.frozen() != "":
		return "has no order yet: " + p.frozen()
	case node.Order.Value.Run != run && p.floor().room == 0:
		return "has no order yet: " + p.floor().String()
	case node.Order.Value.Run != run:
		return "has no order yet"
	}
	return "has not taken its order yet, run " + run + until
}

func (p *planner) busyWaits(busy []string) []Wait {
	waits := make([]Wait, 0, len(busy))
	for _, name := range busy {
		node, _ := p.node(name)
		reason := "fills a slot until its run " + node.Status.Value.Run.ID + " ends"
		if !node.Alive {
			reason += ", and while it is silent until " + clock(p.silentUntil(node)) + " at the latest"
		}
		if until := p.elsewhereUntil(node); p.now.Before(until) {
			reason = fmt.Sprintf("fills a slot until %s: who had its name before may still execute run %s", clock(until), node.Order.Value.Run)
		}
		waits = append(waits, Wait{Kind: "slot", Node: name, Reason: reason})
	}
	return waits
}

// arriving says whom an opened hop waits for.
func (p *planner) arriving() *Decision {
	var waits []Wait
	var wake time.Time
	for _, m := range p.record.Members {
		node, _ := p.node(m.Node)
		if p.held(node) || p.charged(m.Node) || p.there(node) {
			continue
		}
		if until := p.openUntil(m); until.After(p.now) {
			wake = sooner(wake, until)
		}
		reason := node.Status.Value.Reason
		if !seen(node) {
			reason = "silent since " + clock(m.MissingSince) + ", counts as lost from " + clock(p.missingUntil(m))
		}
		waits = append(waits, Wait{Kind: "open", Node: m.Node, Reason: reason})
	}
	return p.decisionOf(waits, wake)
}

// stuck says why nobody can be let go although somebody remains.
func (p *planner) stuck(rest []string) *Decision {
	var waits []Wait
	for _, name := range rest {
		node, _ := p.node(name)
		if m, _ := p.member(name); !seen(node) {
			waits = append(waits, Wait{Kind: "missing", Node: name,
				Reason: "silent since " + clock(m.MissingSince) + ", counts as lost from " + clock(p.missingUntil(m))})
		}
	}
	return p.decisionOf(waits, time.Time{})
}

// heldUp waits for leave. Where nothing but a person's word or a window is missing, the record says
// so once, so that everybody sees it and nobody has to lead meanwhile.
func (p *planner) heldUp(l leave) *Decision {
	if awaits := awaited(l.waits); awaits != "" && p.record.Awaiting != awaits {
		d := p.draft(states.EventAwaits, "%s", summarize(l.waits))
		d.record.Awaiting, d.record.Reason = awaits, d.change.Entry.Reason
		return d.decide()
	}
	decision := p.decisionOf(l.waits, time.Time{})
	decision.Wake = sooner(decision.Wake, l.wake)
	return decision
}

// sooner gives the earlier of two times, of which none may be set.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// aMoment is added to deadlines, which are passed, not met.
const aMoment = 10 * time.Millisecond

// decisionOf waits, until the first time at which waiting alone changes something.
func (p *planner) decisionOf(waits []Wait, wake time.Time) *Decision {
	switch {
	case p.frozen() != "": // nobody is late meanwhile
		wake = p.thaws()
	case !wake.Add(aMoment).After(p.now): // it came, and changed nothing
		wake = time.Time{}
	}
	earliest := func(t time.Time) {
		if t.After(p.now) && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	for _, m := range p.record.Members {
		if !m.MissingSince.IsZero() {
			earliest(p.missingUntil(m))
		}
		node, _ := p.node(m.Node)
		earliest(p.elsewhereUntil(node))
		if order, stands := p.standing(node); stands {
			earliest(p.deadlineOf(order))
		}
	}
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if word := node.Order.Value.Held; node.Order.OK() && word != nil && !word.Until.IsZero() {
			earliest(word.Until)
		}
		if !node.Alive && p.runsStill(node) {
			earliest(p.silentUntil(node))
		}
	}
	if !wake.IsZero() {
		wake = wake.Add(aMoment)
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
