package orchestrator

import (
	"slices"
	"time"

	"orch/states"
)

// Clocks: a leader notes when things happened by its own clock. Where that was fast, what it noted lies in
// the future for the next one, and whatever is measured from there would take as long as it was wrong.

// slack is how far two clocks may be apart that somebody keeps.
const slack = time.Minute

// turnBack counts from now whatever lies ahead of this leader's clock.
func (p *planner) turnBack() *Decision {
	if p.dreaming || p.record.Status != states.Running && p.record.Status != states.Paused {
		return nil
	}
	furthest := time.Duration(0)
	p.record.Stamps(func(at *time.Time) { furthest = max(furthest, at.Sub(p.now)) })
	if furthest <= slack {
		return nil
	}
	d := p.draft(states.EventClock, "what was noted by a clock that is fast by %s counts from now", furthest.Round(time.Second))
	d.record.Unmet = slices.Clone(d.record.Unmet)
	d.record.Stamps(func(at *time.Time) {
		if at.After(p.now) {
			*at = p.now
		}
	})
	return d.decide()
}
