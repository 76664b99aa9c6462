package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// moment is an instant of which events wait: something is about to be sent, or was just written.
func (w *world) moment(name, who string) {
	w.mu.Lock()
	i := slices.IndexFunc(w.armed, func(e Event) bool { return e.On == name })
	if i < 0 {
		w.mu.Unlock()
		return
	}
	due := w.armed[i]
	w.armed = slices.Delete(w.armed, i, i+1)
	w.mu.Unlock()
	w.count("moment " + name)
	w.happen(due, who)
}

// happen lets an event happen. It is who is in the moment, where there is one.
func (w *world) happen(e Event, it string) {
	host := e.Who
	switch e.Who {
	case "it":
		host, _, _ = strings.Cut(it, "#")
	case "leader":
		host = w.leader()
	}
	if host == "" && e.Who != "" {
		return // nobody leads, or nobody is in that moment
	}
	w.count(e.Do)
	m := w.on(host)
	switch e.Do {
	case "crash", "reboot", "off", "freeze process", "bad", "disk full", "reinstall":
		w.note(Note{Text: "FAULT " + e.String() + " (" + host + ")"})
		w.strike(e, host, m)
		w.again(e, m)
	case "cut", "cut in", "cut out", "refuse", "storm", "late", "slow", "deny":
		w.note(Note{Text: "FAULT " + e.String() + " (" + host + ")"})
		w.disturb(e, host)
		w.again(e, m)
	case "failover", "restore", "wipe", "garbage":
		w.note(Note{Text: "FAULT " + e.String()})
		w.corrupt(e)
	case "restart", "clock", "power", "end session":
		w.note(Note{Text: "FAULT " + e.String() + " (" + host + ")"})
		w.harm(e, host, m)
	case "maintain":
		w.note(Note{Text: "FAULT " + e.String()})
		if m != nil {
			m.maintain(e)
		}
	case "drift":
		w.note(Note{Text: "FAULT " + e.String()})
		if m != nil {
			m.drift()
		}
	case "relief": // everybody else is back while a leader is about to act on their silence
		w.note(Note{Text: "FAULT " + e.String() + " (" + host + ")"})
		w.relieve(e, host)
	case "twin":
		w.note(Note{Text: "FAULT " + e.String()})
		if m != nil && w.on(host+"-twin") == nil {
			w.start(host+"-twin", m.node, 0)
		}
	default:
		r := w.dice.throw("patience", uint64(e.At))
		if w.story.Told != "" {
			w.typing(e, waits)
			return
		}
		w.typing(e, pick(r, []time.Duration{between(r, 10*time.Second, 2*time.Minute), between(r, time.Minute, 5*time.Minute), between(r, 4*time.Minute, 15*time.Minute)}))
	}
}

// waits is how long whoever types waits in a story that was made by hand.
const waits = 15 * time.Minute

// leader is the host of whoever holds the lease.
func (w *world) leader() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owners[w.lease]
}

func (w *world) on(host string) *machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machines[host]
}

// relieve freezes one process for a while and mends whatever is wrong with all machines.
func (w *world) relieve(e Event, host string) {
	if l := w.of(host); l != nil {
		l.freeze()
		w.later(e.For, l.thaw)
	}
	for _, m := range w.all() {
		w.rewire(m.name, func(one *wire) { *one = wire{} })
		if l := w.of(m.name); l != nil && m.name != host {
			l.thaw()
		}
		if !m.powered() && m.name == m.node {
			m.power(true)
		}
	}
}

// of gives the process that runs on a host.
func (w *world) of(host string) *life {
	if m := w.on(host); m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.life
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lives[host]
}

// strike is what happens to processes and machines.
func (w *world) strike(e Event, host string, m *machine) {
	l := w.of(host)
	if l == nil {
		return
	}
	if m == nil && e.Do != "freeze process" { // a command: it is killed, whatever happens to its machine
		l.kill()
		return
	}
	switch e.Do {
	case "crash":
		m.crash()
	case "freeze process":
		l.freeze()
		w.later(e.For, l.thaw)
	case "reboot":
		m.power(false)
		m.power(true)
	case "off":
		m.power(false)
		w.later(e.For, func() { m.power(true) })
	case "bad":
		m.bad.Store(true)
		w.later(e.For, func() { m.bad.Store(false) })
	case "disk full":
		m.fill(true)
		w.later(e.For, func() { m.fill(false) })
	case "reinstall":
		m.reinstall()
	}
}

// again is what people do when a command does not answer, or a node does not: somebody types another.
func (w *world) again(e Event, m *machine) {
	r := w.dice.throw("again", uint64(e.At))
	if w.story.Told != "" {
		return
	}
	list := []string{"pause", "resume", "resume", "approve", "unhold", "retry", "abort", "rollback", "transition version 7 supersede", "transition converged supersede", "transition off supersede", "reconverge", "hold"}
	next, node := between(r, time.Second, 40*time.Second), "n1"
	switch {
	case m != nil && !strings.Contains(e.On, "claim"), r.IntN(4) == 0:
		return
	case m != nil: // whoever begins now is held up in the very moment
		list = []string{"pause", "abort", "freeze", "hold", "hold", "rollback", "transition version 7 supersede"}
		next, node = between(r, 0, 3*time.Second), m.node
	}
	do, arg, _ := strings.Cut(pick(r, list), " ")
	w.later(next, func() { w.happen(Event{At: e.At + 1, Do: do, Who: node, Arg: arg, For: 5 * time.Minute}, "") })
}

func (m *machine) fill(full bool) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.full = full
}

// later does something after a while, unless everything was mended by then.
func (w *world) later(wait time.Duration, do func()) {
	time.AfterFunc(wait, func() {
		if w.ctx.Err() == nil {
			do()
		}
	})
}

// disturb is what happens between a host and the store.
func (w *world) disturb(e Event, host string) {
	if e.Do == "deny" {
		p := w.newest(host)
		if p == nil {
			return
		}
		p.kv.Deny(clusterPrefix)
		w.later(e.For, func() { p.kv.Deny() })
		return
	}
	set := func(on bool) func() {
		chance, slow := 0.0, time.Duration(0)
		if on {
			chance, slow = 0.3, 4*time.Second
			if e.Arg == "surely" {
				chance = 1
			}
		}
		return func() {
			w.rewire(host, func(one *wire) {
				switch e.Do {
				case "cut":
					one.cutIn, one.cutOut = on, on
				case "cut in":
					one.cutIn = on
				case "cut out":
					one.cutOut = on
				case "refuse":
					one.refuse = on
				case "storm":
					one.lose, one.drop = chance, chance/2
				case "late":
					one.late = chance
				case "slow":
					one.slow = slow
				}
			})
		}
	}
	set(true)()
	w.later(e.For, set(false))
}

// newest gives the port of a host's process.
func (w *world) newest(host string) *port {
	w.mu.Lock()
	defer w.mu.Unlock()
	if list := w.ports[host]; len(list) > 0 {
		return list[len(list)-1]
	}
	return nil
}

// corrupt is what happens to the store itself.
func (w *world) corrupt(e Event) {
	switch e.Do {
	case "failover":
		w.kv.Down(true)
		w.later(between(w.dice.throw("failover", uint64(e.At)), 2*time.Second, 12*time.Second), func() {
			w.kv.Elect()
			w.kv.Down(false)
		})
	case "restore":
		w.restore(e.For)
	case "wipe":
		w.hush(true)
		for _, pair := range w.kv.All() {
			w.kv.Delete(pair.Key)
		}
		w.hush(false)
		w.reset("somebody deletes everything")
	case "garbage":
		w.hush(true)
		w.garble(e)
		w.hush(false)
		w.reset("somebody writes garbage over " + e.Arg)
	}
}

// numbers finds the counters of a document.
var numbers = regexp.MustCompile(`"(epoch|generation|journal)": [0-9]+`)

// garble spoils a document: it cannot be read any more, or its counters are at the end, or nearly so.
func (w *world) garble(e Event) {
	key, planted := strings.CutPrefix(e.Arg, "planted ")
	if !planted {
		w.kv.Put(clusterPrefix+key, "{ \"schema\": ")
		return
	}
	w.count("planted")
	number := pick(w.dice.throw("number", uint64(e.At)), []uint64{1 << 53, states.MostCounted(time.Now()) - 1_000_000})
	for _, pair := range w.kv.All() {
		if pair.Key == clusterPrefix+key {
			w.kv.Put(pair.Key, numbers.ReplaceAllString(string(pair.Value), fmt.Sprintf(`"$1": %d`, number)))
		}
	}
}

func (w *world) hush(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = on
}

// restore brings the newest snapshot back that is at least so old.
func (w *world) restore(age time.Duration) {
	w.mu.Lock()
	var found *save
	for i := range w.saves {
		if w.saves[i].at <= time.Since(w.began)-age {
			found = &w.saves[i]
		}
	}
	w.mu.Unlock()
	if found == nil {
		return
	}
	w.kv.Restore(found.snapshot)
	w.count("restored")
	w.reset("the snapshot of " + found.at.String() + " is restored")
}
