package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orch/states"
)

// drainer takes a machine's service out of the traffic, and back, as an agent's process asks for it. It
// implements convergeagent.Drainer.
type drainer struct {
	*machine
	life *life
	n    uint64
}

// Instances implements convergeagent.Drainer.
func (d *drainer) Instances(ctx context.Context, service string) ([]states.ServiceInstance, error) {
	if err := d.call(ctx); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return []states.ServiceInstance{{ID: service + "-1", Maintenance: d.out != "", Reason: d.out}}, nil
}

// Drain implements convergeagent.Drainer.
func (d *drainer) Drain(ctx context.Context, _, reason string) error {
	return d.change(ctx, "drain", func() {
		if d.out == "" {
			d.out, d.since, d.clock = reason, time.Since(d.w.began), d.w.off(d.name)
		}
	})
}

// Restore implements convergeagent.Drainer.
func (d *drainer) Restore(ctx context.Context, _ string) error {
	return d.change(ctx, "undrain", func() { d.out = "" })
}

// call is one to the Consul agent of the machine, which does not answer now and then.
func (d *drainer) call(ctx context.Context) error {
	d.n++
	r := d.w.dice.throw("drain "+d.life.name, d.n)
	if err := d.life.sleep(ctx, between(r, time.Millisecond, 20*time.Millisecond)); err != nil {
		return errDead
	}
	if wire := d.w.wire(d.name); wire.refuse || r.Float64() < wire.drop {
		return fmt.Errorf("%w: the Consul agent of this node", states.ErrUnavailable)
	}
	return nil
}

// change changes something, and loses the answer where the machine's wire loses them.
func (d *drainer) change(ctx context.Context, what string, do func()) error {
	if err := d.call(ctx); err != nil {
		return err
	}
	d.w.moment("before "+what, d.life.name)
	if d.life.isDead() {
		return errDead
	}
	d.mu.Lock()
	do()
	d.mu.Unlock()
	d.w.count(what)
	d.w.note(Note{Who: d.life.name, Text: what})
	d.w.moment("after "+what, d.life.name)
	if d.w.dice.throw("undrained "+d.life.name, d.n).Float64() < d.w.wire(d.name).lose {
		return fmt.Errorf("%w: no answer", states.ErrUnknownOutcome)
	}
	return nil
}

// maintain lets a person take the service out of the traffic for a while, if nobody did.
func (m *machine) maintain(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.out != "" {
		return
	}
	m.out, m.since = "a person", time.Since(m.w.began)
	m.w.later(e.For, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.out == "a person" {
			m.out, m.meddled = "", true
		}
	})
}

// traffic says what is wrong with a run that begins now by the traffic of its service, or ""; the lock is held.
func (m *machine) traffic(run states.Run) string {
	meddled := m.meddled
	m.meddled = false
	switch wait := m.w.story.Outside.Drain; {
	case run.Drain == 0 || meddled || m.out == "a person" || m.clock != m.w.off(m.name): // an agent that starts anew goes by the clock
	case m.out == "":
		return "its service has traffic"
	case time.Since(m.w.began) < m.since+wait:
		return fmt.Sprintf("its service is out of the traffic for %s, and not for %s", time.Since(m.w.began)-m.since, wait)
	}
	return ""
}

// undrained notes what is left out of the traffic in the end.
func (w *world) undrained() {
	for _, m := range w.all() {
		m.mu.Lock()
		out := m.out
		m.mu.Unlock()
		if strings.HasPrefix(out, "orch run") && m.name == m.node {
			w.note(Note{Who: m.name, Left: out})
		}
	}
}

// drained: who is to be out of the traffic while it runs is, for long enough, and comes back to it.
func drained(h *History) (all []Violation) {
	h.replay(func(i int, n *Note, before, after *Frame) {
		switch {
		case n.Start != nil && n.Start.Traffic != "":
			all = append(all, found(i, n, "%s runs %s, and %s", n.Start.Machine, n.Start.Run.ID, n.Start.Traffic))
		case n.Left != "":
			if s := after.Statuses[n.Who]; s.Status != nil && s.Session != "" && s.Status.Phase == states.Settled {
				all = append(all, found(i, n, "%s is settled, and its service stays in maintenance: %s", n.Who, n.Left))
			}
		}
	})
	return all
}
