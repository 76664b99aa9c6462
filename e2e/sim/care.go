package sim

import (
	"context"
	"time"

	"orch/convergeagent"
	"orch/states"
)

// Care is how the machines of a story look after themselves.
type Care struct {
	Period time.Duration // after which a node at rest converges again; 0: never
	Look   time.Duration // between two checks; 0: there are none
	Repair bool          // what a check finds is to be repaired
}

// care makes that of a story, and the moments at which somebody breaks what a converge made.
func (t *teller) care() {
	r := dice{t.s.Seed}.throw("care", 0) // of its own: the rest of the story is the same without it
	if r.IntN(3) == 0 {
		t.s.Care.Period = between(r, time.Minute, 10*time.Minute)
	}
	if r.IntN(2) == 0 {
		return
	}
	t.s.Care.Look, t.s.Care.Repair = between(r, 5*time.Second, 2*time.Minute), r.IntN(3) > 0
	other := &teller{r: r, s: t.s}
	for range r.IntN(12) {
		other.add(Event{At: between(r, 30*time.Second, t.s.Length), Do: "drift", Who: other.node()})
	}
	for range r.IntN(4) {
		other.add(Event{At: between(r, time.Minute, t.s.Length), Do: "reconverge", Arg: "drifted", Who: other.node()})
	}
}

// cares has an agent look after its machine as the story says.
func (m *machine) cares(config *convergeagent.Config, l *life) {
	care := m.w.story.Care
	config.Period = convergeagent.Period{Every: care.Period} // chance that the agent throws itself would not be the seed's
	if care.Look > 0 {
		config.Checker = &checker{m, l}
	}
}

// drift breaks what a converge made.
func (m *machine) drift() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = true
}

// checker is what an agent's process can learn of its machine. It implements convergeagent.Checker.
type checker struct {
	*machine
	life *life
}

// Of implements convergeagent.Checker.
func (c *checker) Of(states.State) (convergeagent.Check, bool) {
	care := c.w.story.Care
	return convergeagent.Check{Every: care.Look, Timeout: 10 * time.Second, Repair: care.Repair}, true
}

// Look implements convergeagent.Checker. It dies with its agent.
func (c *checker) Look(ctx context.Context, task convergeagent.Task) convergeagent.Result {
	c.mu.Lock()
	c.looks++
	r := c.w.dice.throw("look "+c.name, c.looks)
	if len(c.procs) > 0 {
		c.w.note(Note{Who: c.life.name, Beside: "a check begins beside a run"})
	}
	c.looking = c.life
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.looking = nil
	}()
	c.w.count("look")
	if err := c.life.sleep(ctx, between(r, 10*time.Millisecond, 8*time.Second)); err != nil {
		return convergeagent.Result{Outcome: states.Interrupted, Exit: -1}
	}
	c.mu.Lock()
	broken := c.broken
	c.mu.Unlock()
	switch {
	case r.IntN(20) == 0:
		return convergeagent.Result{Outcome: states.TimedOut, Exit: -1}
	case broken:
		c.w.count("drift found")
		return convergeagent.Result{Outcome: states.ExitedBadly, Exit: 1}
	}
	return convergeagent.Result{Outcome: states.Succeeded}
}

// beside notes a run that begins while a check of a process that lives goes on; the lock is held.
func (m *machine) beside(l *life) {
	if m.looking != nil && !m.looking.isDead() {
		m.w.note(Note{Who: l.name, Beside: "a run begins beside a check"})
	}
}

// looked: no check goes on beside a run.
func looked(h *History) (all []Violation) {
	for i := range h.Notes {
		if n := &h.Notes[i]; n.Beside != "" {
			all = append(all, found(i, n, "%s", n.Beside))
		}
	}
	return all
}

// resting says why a run must not be a node's own idea where this lies in the store, or "".
func resting(run states.Run, f *Frame) string {
	switch {
	case !f.Desired.AtRest():
		return "it is its own idea, and the cluster is not at rest"
	case f.Record != nil && f.Record.Status != states.Done:
		return "it is its own idea, and the move is " + f.Record.Status
	case run.Under == states.UnderRepair && run.State.Serving:
		return "it repairs itself, and serves"
	}
	return ""
}

// itself tells whether a node that is at a state converges there again by its own idea now.
func (f *Frame) itself(node string, state states.State) bool {
	for _, p := range f.Running {
		if p.Node == node && p.Run.Own() && p.Run.State.Same(state) {
			return true
		}
	}
	return false
}
