package orchestrator

import (
	"slices"

	"orch/states"
)

// Windows: when moves may be made. They bind whoever begins a move or lets it go on, and no agent: a
// node that catches up has been waited for long enough. A way back is bound by none.

// ruleWindow is what an operator overrides to move while windows are closed.
const ruleWindow = "window"

// allowed is what some windows say now, less those that were overridden.
func (p *planner) allowed(windows states.Windows, said []string) states.Hours {
	return windows.Without(func(name string) bool { return Overrides(said, ruleWindow, name) }).At(p.now)
}

// outside tells whether windows keep the record's next nodes from going, and what they say. One that
// lets a move finish does, where the move ran as it closed.
func (p *planner) outside(record states.Record) (states.Hours, bool) {
	if record.Undoes != "" {
		return states.Hours{}, false
	}
	hours := p.allowed(record.Windows, record.Overrides)
	if !hours.Open && hours.By.OnClose == states.FinishMove && caught(record, hours) {
		return hours, false
	}
	return hours, !hours.Open
}

// caught tells whether a move was begun before it closed, and not only let go on since then.
func caught(record states.Record, hours states.Hours) bool {
	return !hours.Since.IsZero() && record.StartedAt.Before(hours.Since)
}

// inWindow waits until it opens.
func (p *planner) inWindow(l *leave) {
	hours, closed := p.outside(p.record)
	if !closed {
		return
	}
	l.wait(states.AwaitWindow, "wait, or orch resume "+p.Cluster+" "+hours.Overrides()+", which is recorded", "%s", hours.Why(p.now))
	if !hours.Until.IsZero() {
		l.until(hours.Until)
	}
}

// closing stops a move at once whose window wants that, where it ran as it closed.
func (p *planner) closing() *Decision {
	hours, closed := p.outside(p.record)
	if !closed || hours.By.OnClose != states.PauseOnClose || !caught(p.record, hours) {
		return nil
	}
	d := p.draft(states.EventHalted, "%s (on_close = %s)", hours.Why(p.now), states.PauseOnClose)
	d.halt(states.Paused, states.ByWindow)
	return d.decide()
}

// tillClosed looks again when the window of a move closes that is to stand still then.
func (p *planner) tillClosed(decision *Decision) *Decision {
	if decision.Change != nil || p.record.Status != states.Running || len(p.record.Windows) == 0 || p.record.Undoes != "" {
		return decision
	}
	if hours := p.allowed(p.record.Windows, p.record.Overrides); hours.Open && !hours.Until.IsZero() {
		decision.Wake = sooner(decision.Wake, hours.Until)
	}
	return decision
}

// lifted lets a move go on that waited for a window or for the end of a freeze. All of its clocks
// stood still meanwhile: nobody was late who was not allowed to go.
func (p *planner) lifted() *Decision {
	if p.record.Status != states.Running {
		return nil
	}
	reason := ""
	switch p.record.Awaiting {
	case states.AwaitWindow:
		if _, closed := p.outside(p.record); closed {
			return nil
		}
		reason = "the window is open; it goes on"
	case states.AwaitThaw:
		if p.frozen() != "" {
			return nil
		}
		reason = "the freeze is over; it goes on"
	default:
		return nil
	}
	d := p.draft(states.EventResumed, "%s", reason)
	d.record.Reason = reason
	d.askAnew()
	return d.decide()
}

// askAnew forgets that the move awaits a window or the end of a freeze: who asks finds out whether it
// still does.
func (d *draft) askAnew() {
	record, now := &d.record, d.planner.now
	if record.Awaiting != states.AwaitWindow && record.Awaiting != states.AwaitThaw {
		return
	}
	record.Awaiting, record.Gates = "", nil
	record.ProgressAt, record.ResumedAt = now, now
	for i, m := range record.Members {
		if !m.MissingSince.IsZero() {
			record.Members[i].MissingSince = now
		}
	}
}

// awaited gives what a move awaits where nothing else holds it than a person's word or a window.
func awaited(waits []Wait) string {
	is := func(kind string) func(Wait) bool { return func(w Wait) bool { return w.Kind == kind } }
	window := slices.ContainsFunc(waits, is(states.AwaitWindow))
	for _, w := range waits {
		if w.Kind != states.AwaitApproval && w.Kind != states.AwaitWindow {
			return ""
		}
	}
	switch {
	case window:
		return states.AwaitWindow
	case len(waits) > 0:
		return states.AwaitApproval
	}
	return ""
}
