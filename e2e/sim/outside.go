package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// Outside is what a story's moves ask of the world beside the cluster.
type Outside struct {
	Gate  string        // its kind; empty: there is none
	Drain time.Duration // after which a drained service has no traffic; 0: none is drained
	Moody float64       // how often a gate says no, or nothing, or that nobody can tell
}

// outside makes that of a story, in a lane of its own.
func (t *teller) outside() {
	r := dice{t.s.Seed}.throw("outside", 0)
	o := &t.s.Outside
	o.Gate = pick(r, []string{"", "", "", states.GateHTTP, states.GateConsulCheck})
	o.Moody = pick(r, []float64{0, 0.1, 0.3})
	var blocks string
	switch o.Gate {
	case states.GateHTTP:
		blocks += fmt.Sprintf("    gate \"http\" \"canary\" {\n      url     = \"http://canary/${argument}\"\n      timeout = %q\n    }\n", pick(r, []string{"1m", "5m"}))
	case states.GateConsulCheck:
		blocks += fmt.Sprintf("    gate \"consul_check\" \"web-passing\" {\n      service     = \"web\"\n      passing_for = %q\n      timeout     = \"5m\"\n    }\n", pick(r, []string{"1s", "10s"}))
	}
	if r.IntN(3) == 0 {
		o.Drain = pick(r, []time.Duration{2 * time.Second, 20 * time.Second})
		blocks += fmt.Sprintf("    drain \"web\" { wait = %q }\n", o.Drain)
		near := t.s.Events
		for range r.IntN(3) {
			t.add(Event{At: near[r.IntN(len(near))].At + between(r, 0, time.Minute), Do: "maintain", Who: fmt.Sprintf("n%d", 1+r.IntN(t.s.Nodes)), For: between(r, 5*time.Second, 5*time.Minute)})
		}
		if r.IntN(2) == 0 {
			t.add(Event{At: near[r.IntN(len(near))].At, On: pick(r, draining), Who: "it", Do: pick(r, []string{"crash", "crash", "reboot", "clock", "freeze process"}), Arg: "1h", For: between(r, 5*time.Second, time.Minute)})
		}
	}
	t.s.Text = strings.Replace(t.s.Text, plainVersion, "transition \"version\" {\n    from = [\"converged\", \"version\"]\n"+blocks+"  }", 1)
}

// plainVersion is the move that asks something of the world outside, where it does not.
const plainVersion = `transition "version" { from = ["converged", "version"] }`

// draining are moments of a node that drains.
var draining = []string{"before drain", "after drain", "after drain", "before undrain", "after undrain"}

// senses are what a leader finds out of the world outside. It implements orchestrator.Senses.
type senses struct {
	c    *command
	said map[string]string
}

// Sensed is what a gate said to a leader.
type Sensed struct {
	Gate       string
	Transition string
	Hop, Batch int
	Outcome    string
}

// Sense implements orchestrator.Senses.
func (s *senses) Sense(_ context.Context, ask orchestrator.Ask, _ chan<- struct{}) states.Evidence {
	e := states.Evidence{Gates: map[string]states.Reading{}, Checks: map[string]states.Checks{}}
	if s.c.life.pass() != nil {
		return e
	}
	now := s.c.engine.Clock()
	for _, gate := range ask.Gates {
		outcome := s.c.w.mood(gate.Name)
		if outcome == "" {
			continue // it is still being asked
		}
		e.Gates[gate.Name] = states.Reading{Outcome: outcome, At: now}
		said := Sensed{gate.Name, ask.Transition, ask.Hop, ask.Batch, outcome}
		if key := fmt.Sprint(said); s.said[gate.Name] != key {
			s.said[gate.Name] = key
			s.c.w.count("gate says " + outcome)
			s.c.w.note(Note{Who: s.c.life.name, Sensed: &said})
		}
	}
	for _, gate := range ask.Checks {
		e.Checks[gate.Name] = s.c.w.checks(now)
	}
	return e
}

// mood is what a gate says at the moment; "": nothing yet.
func (w *world) mood(gate string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.dice.throw("gate "+gate, uint64(time.Since(w.began)/(15*time.Second)))
	if w.calm || r.Float64() >= w.story.Outside.Moody {
		return states.GatePass
	}
	return pick(r, []string{states.GateFail, states.GateFail, states.GateUnknown, ""})
}

// checks are those of the service on every machine: it passes where a converge left it well.
func (w *world) checks(now time.Time) states.Checks {
	if w.mood("checks") != states.GatePass {
		w.count("checks unknown")
		return states.Checks{Problem: "nobody can tell", At: now}
	}
	list := states.Checks{At: now}
	for _, m := range w.all() {
		m.mu.Lock()
		status := "passing"
		switch {
		case m.down || len(m.procs) > 0 || m.real.None():
			status = "critical"
		case m.out != "":
			status = "maintenance"
		}
		m.mu.Unlock()
		if m.name == m.node {
			list.Checks = append(list.Checks, states.Check{Node: m.node, ID: "web", Status: status})
		}
	}
	return list
}

// gated: no batch is left before every gate of its hop has passed for it, unless somebody said so.
func gated(h *History) (all []Violation) {
	heard := map[string]Sensed{} // by process and gate
	h.replay(func(i int, n *Note, before, after *Frame) {
		if n.Sensed != nil {
			heard[n.Who+" "+n.Sensed.Gate] = *n.Sensed
		}
		if n.Write == nil || n.Reset || n.Who == "" || before.Record == nil || before.Record.Batch.Count == 0 || before.Record.Status != states.Running {
			return
		}
		r := before.Record
		for _, doc := range n.Write.Docs {
			if doc.Entry == nil || doc.Entry.Event != states.EventBatch && doc.Entry.Event != states.EventHop && doc.Entry.Event != states.EventDone {
				continue
			}
			for _, gate := range r.Current().Gates {
				said := heard[n.Who+" "+gate.Name]
				passed := said.Outcome == states.GatePass && said.Transition == r.ID && said.Hop == r.Hop && said.Batch == r.Batch.Number
				if gate.Kind == states.GateHTTP && !passed && !orchestrator.Overrides(r.Overrides, "gate", gate.Name) {
					all = append(all, found(i, n, "%s after batch %d, and gate %s said %q", doc.Entry.Event, r.Batch.Number, gate.Name, said.Outcome))
				}
			}
		}
	})
	return all
}
