package sim

import (
	"slices"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// ofCounts are the safeguards of failures.
func ofCounts() []Safeguard {
	return []Safeguard{
		{Alteration: Alteration{Name: "the budget", Loses: "a move stops when more failed than is tolerated", Engine: unlimited}, Check: "stopped",
			Story: made("a node fails", 3, time.Second, "batches = [1]", befalls(0, "bad", 1, time.Minute), types(1, "transition", "waiting"))},
		{Alteration: Alteration{Name: "a fresh budget after a stop", Loses: "a new move does not stop for an old one's failures", Engine: writing(func(s states.Snapshot, c states.Change) states.Change {
			if c.Record.ID != s.Record.Value.ID && s.Record.Value.Status == states.Paused {
				for _, one := range s.Record.Value.Counted {
					one.Hop = -1
					c.Record.Counted = append(c.Record.Counted, one)
				}
			}
			return c
		})}, Rule: "Budget", Check: "alive", Story: made("a node fails, and somebody moves on", 3, time.Second, "batches = [1]", befalls(0, "bad", 1, time.Minute), types(1, "transition", "waiting"),
			types(70, "transition", "converged"))},
	}
}

// unlimited tolerates every failure.
func unlimited(_ *world, e *orchestrator.Engine) {
	was := map[string]states.Size{}
	e.Store = alteredStore{Store: e.Store, show: func(s states.Snapshot) states.Snapshot {
		s.Record.Value.Hops = slices.Clone(s.Record.Value.Hops)
		for i := range s.Record.Value.Hops {
			h := &s.Record.Value.Hops[i]
			was[s.Record.Value.ID] = h.Policy.MaxFailures
			h.Policy.MaxFailures = states.Percent(100)
		}
		return s
	}, write: func(s states.Snapshot, c states.Change) states.Change {
		for i := range c.Record.Hops {
			if size, known := was[c.Record.ID]; known {
				c.Record.Hops[i].Policy.MaxFailures = size
			}
		}
		return c
	}}
}

// ofMoves are the safeguards of where nodes go, and of who asks for it.
func ofMoves() []Safeguard {
	return []Safeguard{
		{Alteration: Alteration{Name: "requests are bound to what was seen", Loses: "nothing is done to a move that its author did not see", Engine: showing(func(s states.Snapshot) states.Snapshot {
			s.Requests = slices.Clone(s.Requests)
			for i := range s.Requests {
				s.Requests[i].Value.Transition, s.Requests[i].Value.Generation = s.Record.Value.ID, s.Desired.Value.Generation
			}
			return s
		})}, Check: "asked", Story: made("an abort sleeps on its way, and another move begins meanwhile", 3, 20*time.Second, "batches = [1]", types(0, "transition", "waiting"),
			when(4, "before write requests", "freeze process", 10*time.Second), types(5, "abort", ""), types(10, "transition", "off supersede"))},
		{Alteration: Alteration{Name: "a list of states that are left", Loses: "who was left behind by an unfinished move waits too", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			if c.Desired != nil && len(c.Desired.From) > 1 {
				d := *c.Desired
				d.From = d.From[:1]
				c = redesired(c, d)
			}
			return c
		})}, Rule: "From", Check: "left", Story: made("another target in mid-move", 4, 5*time.Second, "batches = [1]", types(0, "transition", "waiting"), types(8, "transition", "converged supersede"))},
		{Alteration: Alteration{Name: "joiners go where everybody was", Loses: "nobody joins into a state that is not proven", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			if c.Desired != nil && c.Desired.Joiners == states.JoinersStable {
				d := *c.Desired
				d.Joiners = states.JoinersTarget
				c = redesired(c, d)
			}
			return c
		})}, Rule: "Join", Check: "joiners", Story: made("a machine is installed anew in mid-move", 4, 10*time.Second, "batches = [1]", types(0, "transition", "waiting"),
			types(90, "transition", "converged"), befalls(95, "reinstall", 4, 0))},
	}
}

// stopping changes what stops write.
func stopping(change func(d *states.Desired, was states.Desired)) func(*world, *orchestrator.Engine) {
	return writing(func(s states.Snapshot, c states.Change) states.Change {
		stop := c.Record.ID == s.Record.Value.ID && c.Record.Status != s.Record.Value.Status && c.Record.Status != states.Running && c.Record.Status != states.Done
		if stop && c.Desired != nil {
			d := *c.Desired
			change(&d, s.Desired.Value)
			c = redesired(c, d)
		}
		return c
	})
}

// ofStops are the safeguards of pauses, aborts and spent budgets.
func ofStops() []Safeguard {
	return []Safeguard{
		{Alteration: Alteration{Name: "a stop closes", Loses: "nobody goes any more by opening, or as a joiner", Engine: stopping(func(d *states.Desired, was states.Desired) {
			d.Open, d.Joiners = was.Open, was.Joiners
		})}, Rule: "Close", Check: "claimed", Story: made("a pause while all may go, and one comes back", 3, 20*time.Second, `batches = ["100%"]`,
			befalls(0, "off", 3, time.Minute), types(20, "transition", "waiting"), types(25, "pause", ""))},
		{Alteration: Alteration{Name: "a stop is a generation", Loses: "orders from before a stop mean nothing", Engine: stopping(func(d *states.Desired, was states.Desired) {
			d.Generation = was.Generation
		})}, Rule: "Bump", Check: "claimed", Story: made("a pause while a node is down that has an order", 3, time.Second, "batches = [1]",
			when(0, "before claim", "off", time.Minute), types(1, "transition", "waiting"), types(20, "pause", ""))},
	}
}
