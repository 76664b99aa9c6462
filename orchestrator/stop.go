package orchestrator

import (
	"fmt"
	"time"

	"orch/states"
)

// stopFor ends a move that went wrong, or that nobody can answer for: it stands still, or goes back
// where the policy says so. What nobody can tell is no failure, and never goes back by itself.
func (p *planner) stopFor(cause, format string, args ...any) *Decision {
	reason := fmt.Sprintf(format, args...)
	if states.CauseFailed(cause) && p.record.Current().Policy.OnFailure == states.RollbackOnFailure && p.record.Undoes == "" {
		if back, ok := p.backFrom(); ok {
			return p.goBack(back, reason)
		}
		reason += "; nothing to roll back to"
	}
	d := p.draft(states.EventHalted, "%s", reason)
	d.halt(states.Paused, cause)
	return d.decide()
}

// inTime stops a move that waits and has made no progress for too long. Waiting for a person, for a
// freeze, a window or another cluster is not the move's fault.
func (p *planner) inTime(decision *Decision) *Decision {
	limit := p.record.Current().Policy.ProgressDeadline
	if decision.Change != nil || p.record.Status != states.Running || limit == 0 || p.dreaming || p.frozen() != "" {
		return decision
	}
	for _, wait := range decision.Waits {
		switch wait.Kind {
		case "approval", "freeze", "window", "requires":
			return decision
		}
	}
	until := p.progress().Add(limit.D())
	if p.now.After(until) {
		return p.stopFor(states.ByDeadline, "no progress for %s (progress_deadline): %s", limit, decision.said())
	}
	if decision.Wake.IsZero() || until.Before(decision.Wake) {
		decision.Wake = until.Add(aMoment)
	}
	return decision
}

// progress is when something last went on: a step of the leader, or the end of a run of a member.
func (p *planner) progress() (last time.Time) {
	last = p.watched(p.record.ProgressAt)
	if p.over() { // a batch that is watched takes its time
		last = latest(last, p.since(p.record.Batch.Ended).Add(max(p.record.Current().Policy.Soak, p.record.Current().Policy.FirstGroupSoak).D()))
	}
	for _, m := range p.record.Members {
		node, _ := p.node(m.Node)
		run := &node.Status.Value.Run
		if run.Transition == p.record.ID && run.OK() && !run.Ended.After(p.now) {
			last = latest(last, run.Ended)
		}
	}
	return last
}

// said gives the reasons of a decision in one line.
func (d Decision) said() string {
	if d.Reason != "" {
		return d.Reason
	}
	return summarize(d.Waits)
}
