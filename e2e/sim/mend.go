package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// Bounds of what takes how long once nothing goes wrong any more.
const (
	aloneWithin  = 15 * time.Minute // for open clusters, with nobody who leads: sessions, the longest pause between tries, a run
	mendedWithin = 90 * time.Minute // with somebody who does what the verbs say
)

// mend puts right whatever is wrong with hosts, wires and machines, and lets everybody arrive: first
// alone, then with an operator who does what orch says is to be done.
func (w *world) mend() {
	w.heal()
	w.note(Note{Text: "CALM: nothing goes wrong any more", Calm: "alone"})
	time.Sleep(aloneWithin)
	w.note(Note{Text: "CALM: an operator comes", Calm: "operator"})
	w.operate(time.Now().Add(mendedWithin))
}

func (w *world) heal() {
	w.mu.Lock()
	w.calm, w.armed = true, nil
	clear(w.wires)
	for host, c := range w.clocks { // what was seen on them before can still come in
		w.clocks[host] = clock{was: c.off, set: time.Since(w.began)}
	}
	var lives []*life
	for _, l := range w.lives {
		lives = append(lives, l)
	}
	ports := w.ports
	w.mu.Unlock()
	w.kv.Down(false)
	for _, list := range ports {
		for _, p := range list {
			p.kv.Deny()
		}
	}
	for _, l := range lives { // whoever leads still is let go on; the rest went home
		l.thaw()
	}
	for _, m := range w.all() {
		if m.name != m.node { // a twin is put to other work
			m.power(false)
			continue
		}
		m.bad.Store(false)
		m.fill(false)
		m.mu.Lock()
		l, down := m.life, m.down
		m.mu.Unlock()
		if l != nil {
			l.thaw()
		}
		if down {
			m.power(true)
		}
	}
}

// operate is what a sane operator does until the cluster stands: every state that it can be in has a verb.
func (w *world) operate(until time.Time) {
	var did, why string
	for n := 1; n <= 60 && time.Now().Before(until) && w.ctx.Err() == nil; n++ {
		c := w.command()
		ctx, cancel := context.WithDeadline(c.life.ctx, until)
		snapshot, err := c.store.Snapshot(ctx, cluster)
		if err == nil {
			e, over := remedy(snapshot, time.Now(), did)
			if over {
				w.note(Note{Text: "CALM: it stands", Calm: "stands"})
				cancel()
				c.leave()
				return
			}
			if e.Do != did {
				w.note(Note{Who: c.life.name, Text: "the operator types " + e.Do + " " + e.Who + " " + e.Arg})
			}
			did = e.Do
			why = ""
			for _, wait := range orchestrator.Plan(snapshot, orchestrator.Leading{Who: "nobody", Epoch: snapshot.Desired.Value.Epoch + 1}, time.Now()).Waits {
				why += "; " + wait.Kind + " " + wait.Node + ": " + wait.Reason
			}
			limit, end := context.WithTimeout(ctx, 10*time.Minute)
			_ = c.do(limit, e)
			end()
		}
		cancel()
		c.leave()
		time.Sleep(time.Duration(n) * time.Second)
	}
	if w.ctx.Err() != nil {
		return
	}
	w.note(Note{Text: fmt.Sprintf("CALM: it does not stand, the last verb was %s%s", did, why), Calm: "never"})
}

// remedy is the verb for what a cluster is in.
func remedy(s states.Snapshot, now time.Time, did string) (e Event, over bool) {
	record := s.Record.Value
	to := s.Desired.Value.State
	switch {
	case len(orchestrator.Broken(s, now)) > 0:
		if to.None() {
			to = states.State{Name: "off"}
		}
		return Event{Do: "recover", Arg: to.String()}, false
	case s.Freeze.There():
		return Event{Do: "thaw"}, false
	}
	for _, n := range s.Nodes {
		if word := n.Order.Value.HeldAt(now); word != nil {
			return Event{Do: "unhold", Who: n.Name}, false
		}
	}
	switch {
	case record.Awaiting == states.AwaitApproval && record.Status == states.Running:
		return Event{Do: "approve"}, false
	case record.Status == states.Running && did == "resume": // something holds it: nodes that failed, or a rule
		return Event{Do: "retry"}, false
	case record.Status == states.Running && did == "retry":
		return Event{Do: "resume", Arg: "override min_healthy soak members"}, false
	case record.Status == states.Running:
		return Event{Do: "resume"}, false
	case record.Status == states.Paused && (record.Failures() > record.Budget() || did == "resume"):
		return Event{Do: "retry"}, false
	case record.Status == states.Paused:
		return Event{Do: "resume", Arg: "accept override members" + floor(s, now)}, false
	case record.Status == states.Aborted && did == "transition": // no legal way leads there
		return Event{Do: "rollback"}, false
	case record.Status == states.Aborted:
		return Event{Do: "transition", Arg: to.String() + " override members"}, false
	}
	for _, n := range s.Nodes {
		forgotten := n.Order.OK() && n.Order.Value.Forgotten != nil && n.Order.Value.Forgotten.Instance == n.Status.Value.Instance
		if n.Alive && !forgotten && (!n.Status.OK() || !n.Status.Value.At(to)) {
			return Event{Do: "transition", Arg: to.String()}, false
		}
	}
	return Event{}, true
}

// floor is what to add where orch says that min_healthy holds a move, as it does one that leaves too few who serve.
func floor(s states.Snapshot, now time.Time) string {
	if slices.ContainsFunc(orchestrator.Blockers(s, now), func(w orchestrator.Wait) bool { return w.Kind == "floor" }) {
		return " min_healthy"
	}
	return ""
}
