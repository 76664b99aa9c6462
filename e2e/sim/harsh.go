package sim

import (
	"fmt"
	"slices"
	"time"

	"orch/orchestrator"
	"orch/states/store"
)

// Sky is what a story's servers and clocks are like.
type Sky struct {
	LockDelay time.Duration // of sessions; a millisecond is what orch asks for
	Early     bool          // sessions end anywhere between one and two TTLs, and not after two
	Skewed    bool          // clocks are wrong from the start
}

// harder are faults that came later than the others. They have a lane of their own, so that the rest of
// a story is the same without them.
var harder = []string{"restart", "clock", "clock", "power", "power"}

// beside is what must have taken place where many stories were played, besides what is thrown by name.
var beside = []string{"moment renamed", "maintain", "drain", "undrain", "gate says pass", "gate says fail", "gate says unknown", "checks unknown"}

// harsh makes a story's sky, and what goes wrong under it.
func (t *teller) harsh() {
	r := dice{t.s.Seed}.throw("harsh", 0)
	t.s.Sky = Sky{LockDelay: pick(r, []time.Duration{time.Millisecond, time.Millisecond, 2 * time.Second, 15 * time.Second}), Early: r.IntN(3) > 0, Skewed: r.IntN(3) == 0}
	other, near := &teller{r: r, s: t.s}, slices.Clone(t.s.Events)
	for range r.IntN(6) {
		e := Event{At: near[r.IntN(len(near))].At + between(r, 0, 2*time.Minute), Do: pick(r, harder), Who: other.node()}
		switch e.Do {
		case "clock":
			e.Arg = pick(r, []string{"1h", "-1h", "87600h", "-87600h"})
			e.Who = pick(r, []string{e.Who, "leader"})
			if r.IntN(2) == 0 {
				e.For = between(r, 10*time.Second, 10*time.Minute)
			}
			if r.IntN(3) == 0 {
				e.On, e.Who = pick(r, slices.Concat(moments, leading)), "it"
			}
		case "power":
			e.On, e.Who = pick(r, []string{"renamed", "renamed", "before save", "after save"}), "it"
		}
		other.add(e)
	}
}

// clock is one host's.
type clock struct {
	off time.Duration // what it shows too much
	was time.Duration // before somebody set it
	set time.Duration // when that was
}

// show gives a host's clock, as its processes see it.
func (w *world) show(host string) func() time.Time {
	return func() time.Time { return time.Now().Add(w.off(host)).Round(0) }
}

// off is what a host's clock shows too much.
func (w *world) off(host string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clocks[host].off
}

// turn sets a host's clock.
func (w *world) turn(host string, off time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clocks[host] = clock{off: off, was: w.clocks[host].off, set: time.Since(w.began)}
}

// lately is how long what a process saw on its clock before somebody set it can come in.
const lately = 20 * time.Second

// shown is what the clock of whoever did something showed too much, at the most, and whether somebody has
// just set it; the lock is held.
func (w *world) shown(who string, at time.Duration) (most time.Duration, set bool) {
	c := w.clocks[hostOf(who)]
	if c.set > 0 && at < c.set+lately {
		return max(c.off, c.was), true
	}
	return c.off, false
}

// wrong throws what a clock shows too much from the start.
func (w *world) wrong(host string) {
	r := w.dice.throw("clock "+host, 0)
	if w.story.Sky.Skewed && !w.calm && r.IntN(3) == 0 {
		w.clocks[host] = clock{off: pick(r, []time.Duration{between(r, -time.Hour, time.Hour), between(r, -time.Hour, time.Hour), 87600 * time.Hour, -87600 * time.Hour})}
	}
}

// harm is what happens by an event of this file.
func (w *world) harm(e Event, host string, m *machine) {
	switch e.Do {
	case "restart":
		w.kv.Down(true)
		w.later(between(w.dice.throw("restart servers", uint64(e.At)), 3*time.Second, 15*time.Second), func() {
			w.kv.Restart()
			w.kv.Down(false)
		})
	case "clock":
		off, err := time.ParseDuration(e.Arg)
		must("", err)
		w.turn(host, off)
		if e.For > 0 {
			w.later(e.For, func() { w.turn(host, 0) })
		}
	case "end session": // of an agent, by hand
		for _, pair := range w.kv.All() {
			if pair.Key == keys.Status(cluster, host) && pair.Session != "" {
				_ = w.kv.Client().DestroySession(w.ctx, pair.Session)
			}
		}
	case "power":
		if m != nil {
			m.power(false)
			m.power(true)
		}
	}
}

// spans lets sessions end as early as Consul promises, or as late as it does.
func (w *world) spans() {
	w.kv.LockDelay(w.story.Sky.LockDelay)
	if w.story.Sky.Early {
		w.kv.Span(func(id string, n int, ttl time.Duration) time.Duration {
			return ttl + between(w.dice.throw("span "+id, uint64(n)), 0, ttl)
		})
	}
}

// audit replays the journal against what lies there, as `orch fsck` does.
func (w *world) audit() {
	ledger, err := store.New(w.kv, keys, parse).Ledger(w.ctx, cluster)
	if err != nil {
		return // a story that was cut short
	}
	for _, f := range orchestrator.Fsck(ledger, time.Now()) {
		if f.Wrong() {
			w.count("found by fsck")
			w.note(Note{Found: &f})
		}
	}
}

// whole: where nobody but leaders wrote what leaders write, nothing is found in the journal.
func wholeJournal(h *History) (all []Violation) {
	for i := range h.Notes {
		n := &h.Notes[i]
		if n.Reset {
			return nil
		}
		if n.Found != nil {
			all = append(all, found(i, n, "%s", fmt.Sprintf("fsck: %s %s: %s", n.Found.Kind, n.Found.Key, n.Found.Text)))
		}
	}
	return all
}
