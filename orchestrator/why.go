package orchestrator

import (
	"fmt"
	"slices"
	"time"

	"orch/states"
)

// Blockers gives every reason why a cluster does not move now, those included that would only hold
// it once another one is lifted: whoever is woken at night wants to hear all of it at once. Nothing
// holds a cluster that moves or rests. It asks the same questions as Plan; the snapshot's evidence
// says what the world outside is like, and what it does not say is taken from the record.
func Blockers(snapshot states.Snapshot, now time.Time) []Wait {
	p := newPlanner(snapshot, Leading{Who: "nobody", Epoch: snapshot.Desired.Value.Epoch}, now)
	if decision := p.broken(); decision != nil {
		return append(decision.Waits, p.undefined()...)
	}
	var waits []Wait
	if p.record.Status != states.Running {
		waits = p.rest().Waits
	}
	switch p.record.Status {
	case states.Running:
		waits = append(waits, p.underway()...)
	case states.Paused:
		resumed := *p
		resumed.record.Status, resumed.record.ResumedAt = states.Running, now // its clocks would begin anew
		waits = append(waits, resumed.onward()...)
		if why := p.tooFew(p.overridden(OverrideMembers, "")); why != "" && p.record.Cause != states.ByMembers {
			waits = append(waits, Wait{Kind: "members", Reason: why, Remedy: "bring them back, or --override members"})
		}
	default:
		waits = append(waits, p.ahead()...)
	}
	waits = append(waits, p.unled()...)
	return append(waits, p.undefined()...)
}

// underway is what a running move waits for.
func (p *planner) underway() []Wait {
	switch {
	case p.Desired.Value.Open:
		waits := p.arriving().Waits
		if len(waits) == 0 && p.over() {
			l := p.mayEnd()
			waits = l.all()
		}
		return append(waits, p.standstill()...)
	case p.going():
		l := p.mayBegin(p.record.Batch.Group)
		return append(p.standingOrders(), l.all()...)
	}
	return p.onward()
}

// standstill is what keeps agents from following an opened hop.
func (p *planner) standstill() []Wait {
	if p.frozen() == "" {
		return nil
	}
	return p.iced("")
}

// onward is what keeps the next batch from being let go.
func (p *planner) onward() []Wait {
	f := p.remaining()
	if len(f.movable) == 0 && p.allCharged(f.rest) {
		l := p.mayOpen()
		return l.all()
	}
	group, candidates := p.grouped(p.primaryLast(f.movable))
	l := p.mayBegin(group)
	p.clear(&l)
	waits := l.all()
	size := p.batchSize(p.batchNumber())
	if len(f.movable) == 0 {
		return append(waits, p.stuck(f.rest).Waits...)
	}
	if floor := p.floor(); len(p.choose(candidates, f.busy, size, floor.room)) == 0 {
		waits = append(waits, p.noRoom(candidates, f.busy, size, floor)...)
	}
	return waits
}

// all gives the reasons to wait, and the stop that is due as one of them.
func (l *leave) all() []Wait {
	if l.stop == nil {
		return l.waits
	}
	wait := Wait{Kind: "stop", Reason: l.stop.Reason}
	if change := l.stop.Change; change != nil && change.Record.Status == states.Paused {
		stopped := planner{Snapshot: states.Snapshot{Cluster: l.cluster}, record: change.Record}
		wait.Remedy = stopped.remedy()
	}
	return append(slices.Clone(l.waits), wait)
}

// ahead is what would keep the next move of a cluster at rest from beginning.
func (p *planner) ahead() (waits []Wait) {
	waits = p.iced("; nothing that serves can be moved")
	if hours := p.allowed(p.Definition.Value.Windows, nil); !hours.Open {
		waits = append(waits, Wait{Kind: states.AwaitWindow, Reason: hours.Why(p.now),
			Remedy: "wait, or add " + hours.Overrides() + " to that verb, which is recorded"})
	}
	return waits
}

// unled says that a step is due and that nobody is there to take it.
func (p *planner) unled() []Wait {
	if p.Led {
		return nil
	}
	decision := p.plan()
	if decision.Change == nil || decision.Change.Entry.Event == states.EventAwaits || decision.Change.Entry.Event == states.EventGate {
		return nil // it would only write down what it waits for
	}
	return []Wait{{Kind: "leader", Remedy: "orch resume " + p.Cluster,
		Reason: fmt.Sprintf("nobody leads %s; the next step would be: %s", p.Cluster, decision.Reason)}}
}

// undefined says that no move can begin, because nobody can tell what moves there are.
func (p *planner) undefined() []Wait {
	if !p.Desired.OK() || p.Definition.OK() {
		return nil
	}
	return []Wait{{Kind: "definition", Remedy: "orch apply PATH",
		Reason: fmt.Sprintf("the definition of %s cannot be used: %s; no move can begin", p.Cluster, p.problem())}}
}
