package states_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"orch/states"
	"orch/states/racetest"
)

const instance = "i-1"

var (
	off    = states.State{Name: "off"}
	v41    = states.State{Name: "version", Argument: "41", Serving: true}
	v42    = states.State{Name: "version", Argument: "42", Serving: true}
	v43    = states.State{Name: "version", Argument: "43", Serving: true}
	none   states.State
	ada    = states.Word{By: "ada@bastion", At: time.Date(2026, 1, 2, 2, 15, 31, 0, time.UTC)}
	delay  = states.Duration(15 * time.Second)
	minute = states.Duration(time.Minute)
)

// move is a cluster on its way from v41 to v42, closed: generation 5 of transition t-1.
func move(changes ...func(*states.Desired)) states.Desired {
	d := states.Desired{Mark: states.Mark{Epoch: 2, Generation: 5, Transition: "t-1"}, State: v42, Stable: v41,
		From: []states.State{v41}, Joiners: states.JoinersStable, Timeout: minute, Retries: 1, RetryDelay: delay}
	for _, change := range changes {
		change(&d)
	}
	return d
}

func open(d *states.Desired) { d.Open = true }

// paused is what pause, abort and a spent budget write.
func paused(d *states.Desired) {
	d.Generation, d.Open, d.Joiners = d.Generation+1, false, states.JoinersWait
}

func joiners(how string) func(*states.Desired) { return func(d *states.Desired) { d.Joiners = how } }

// ordered is an order for that move.
func ordered(changes ...func(*states.Order)) *states.Order {
	o := &states.Order{Transition: "t-1", Generation: 5, State: v42, Instance: instance, Run: "o-1", Timeout: minute}
	for _, change := range changes {
		change(o)
	}
	return o
}

// at is a node that reached a state.
func at(state states.State, changes ...func(*states.Self)) states.Self {
	s := states.Self{Instance: instance, State: state}
	for _, change := range changes {
		change(&s)
	}
	return s
}

// tried is a node whose last run, under that id and for that reason, was towards a state and failed.
func tried(state states.State, id, under string, terminal bool) func(*states.Self) {
	return func(s *states.Self) {
		s.Attempting = state
		s.Last = states.Run{ID: id, State: state, Transition: "t-1", Generation: 5, Under: under, Attempt: 1, Tries: 2,
			Outcome: states.ExitedBadly, Exit: 1, Terminal: terminal}
		if terminal {
			s.Failures = 1
		}
	}
}

// answer is what is wanted of the rule. Where it says Go, Phase is empty.
type answer struct {
	phase  states.Phase
	target states.State
	under  string
	run    string
	pause  time.Duration
	again  string
	report string
	says   string // part of the reason
}

func stays(phase states.Phase, target states.State, says string) answer {
	return answer{phase: phase, target: target, says: says}
}

func goes(target states.State, under, run string) answer {
	return answer{target: target, under: under, run: run}
}

func (a answer) after(pause time.Duration) answer { a.pause = pause; return a }
func (a answer) withAgain(id string) answer       { a.again = id; return a }
func (a answer) reporting(run string) answer      { a.report = run; return a }
func (a answer) check(t *testing.T, v states.Verdict) {
	t.Helper()
	got := answer{phase: v.Phase, target: v.Target, under: v.Under, run: v.Run, pause: v.Pause, again: v.Again, report: v.Report}
	same := got.phase == a.phase && got.target.Same(a.target) && got.under == a.under && got.run == a.run &&
		got.pause == a.pause && got.again == a.again && got.report == a.report
	if !same || v.Go != (a.phase == "") || !strings.Contains(v.Reason, a.says) {
		t.Errorf("want %+v\n got %+v, go %t, because %q", a, got, v.Go, v.Reason)
	}
}

// decision is a row: what a node is, what it sees, and what it does.
type decision struct {
	name string
	self states.Self
	view states.View
	want answer
}

func decide(t *testing.T, rows []decision) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { row.want.check(t, states.Decide(row.self, row.view)) })
	}
}

func TestRuleOfAnOperatorsWord(t *testing.T) {
	held := func(o *states.Order) { o.Held = &ada }
	forgotten := func(id string) func(*states.Order) {
		return func(o *states.Order) { word := ada; word.Instance = id; o.Forgotten = &word }
	}
	freeze := &states.Freeze{Word: ada}
	toOff := func(d *states.Desired) { d.State, d.Joiners = off, states.JoinersTarget }
	decide(t, []decision{
		{"held, though ordered and open", at(v41), states.View{Desired: move(open), Order: ordered(held)}, stays(states.Held, v42, "held by ada@bastion")},
		{"held at the target", at(v42), states.View{Desired: move(), Order: ordered(held)}, stays(states.Held, v42, "held")},
		{"forgotten, though open", at(v41), states.View{Desired: move(open), Order: ordered(forgotten(instance))}, stays(states.Held, v42, "forgotten by ada@bastion")},
		{"another instance was forgotten", at(v41), states.View{Desired: move(open), Order: &states.Order{Forgotten: &states.Word{Instance: "i-0"}}}, goes(v42, states.UnderOpen, "")},
		{"frozen under an order", at(v41), states.View{Desired: move(), Order: ordered(), Frozen: freeze}, stays(states.Frozen, v42, "frozen by ada@bastion")},
		{"frozen as a joiner", at(none), states.View{Desired: move(), Frozen: freeze}, stays(states.Frozen, v41, "frozen")},
		{"frozen, and the state serves nobody", at(v41), states.View{Desired: move(toOff, open), Frozen: freeze}, goes(off, states.UnderOpen, "")},
		{"frozen, and there already", at(v42), states.View{Desired: move(), Frozen: freeze}, stays(states.Settled, v42, "at version 42")},
		{"frozen, and it waits anyway", at(v41), states.View{Desired: move(), Frozen: freeze}, stays(states.Waiting, v42, "waits for its turn")},
		{"held beats a freeze", at(v41), states.View{Desired: move(toOff, open), Order: ordered(held), Frozen: freeze}, stays(states.Held, off, "held")},
		{"observing", at(v41, func(s *states.Self) { s.Observe = true }), states.View{Desired: move(open)}, stays(states.Observing, v42, "would converge")},
		{"frozen and observing", at(v41, func(s *states.Self) { s.Observe = true }), states.View{Desired: move(open), Frozen: freeze}, stays(states.Frozen, v42, "frozen")},
	})
}

func TestRuleThereAlready(t *testing.T) {
	again := func(d *states.Desired) { d.Again = "a-1" }
	done := func(s *states.Self) { s.AgainDone = "a-1" }
	decide(t, []decision{
		{"there", at(v42), states.View{Desired: move()}, stays(states.Settled, v42, "at version 42")},
		{"there, and ordered: success without a run", at(v42), states.View{Desired: move(), Order: ordered()}, stays(states.Settled, v42, "").reporting("o-1")},
		{"there, and the order is void", at(v42), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Void = "late" })}, stays(states.Settled, v42, "")},
		// A4: after a failed or interrupted run the old state is a memory, not a fact.
		{"back to where it was, after a failure", at(v42, tried(v43, "o-0", states.UnderOrder, true)), states.View{Desired: move(open)}, goes(v42, states.UnderOpen, "")},
		{"the same state with other attributes", at(v42), states.View{Desired: move(open, func(d *states.Desired) {
			d.State.Attributes = map[string]string{"artifact": "x"}
			d.State.Digest = states.Digest(d.State.Attributes)
		})}, answer{target: states.State{Name: "version", Argument: "42", Digest: states.Digest(map[string]string{"artifact": "x"})}, under: states.UnderOpen}},
		{"again, open", at(v42), states.View{Desired: move(open, again)}, goes(v42, states.UnderOpen, "").withAgain("a-1")},
		{"again, closed: in its turn", at(v42), states.View{Desired: move(again)}, stays(states.Waiting, v42, "waits for its turn")},
		{"again, done", at(v42, done), states.View{Desired: move(open, again)}, stays(states.Settled, v42, "")},
		{"again by order", at(v42), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Again = "a-2" })}, goes(v42, states.UnderOrder, "o-1").withAgain("a-2")},
		{"the order's again beats the cluster's", at(v42, done), states.View{Desired: move(again), Order: ordered(func(o *states.Order) { o.Again = "a-2" })}, goes(v42, states.UnderOrder, "o-1").withAgain("a-2")},
		{"an order's again, and the order is another generation's", at(v42), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Again, o.Generation = "a-2", 4 })}, stays(states.Settled, v42, "")},
	})
}

func TestRuleOpen(t *testing.T) {
	decide(t, []decision{
		{"everybody", at(v41), states.View{Desired: move(open)}, goes(v42, states.UnderOpen, "")},
		{"also the late", at(none), states.View{Desired: move(open)}, goes(v42, states.UnderOpen, "")},
		{"also when joiners wait", at(none), states.View{Desired: move(open, joiners(states.JoinersWait))}, goes(v42, states.UnderOpen, "")},
		{"straight, not through what it missed", at(off), states.View{Desired: move(open)}, goes(v42, states.UnderOpen, "")},
		{"its order stands: the same run", at(v41), states.View{Desired: move(open), Order: ordered()}, goes(v42, states.UnderOrder, "o-1")},
		{"its order failed: it waits", at(v41, tried(v42, "o-1", states.UnderOrder, true)), states.View{Desired: move(open), Order: ordered()}, stays(states.Failed, v42, "its order to version 42 failed: exit 1")},
		{"its order failed in an earlier generation of the hop", at(v41, tried(v42, "o-1", states.UnderOrder, true)),
			states.View{Desired: move(open, func(d *states.Desired) { d.Generation = 9 }), Order: ordered()}, stays(states.Failed, v42, "failed")},
		{"its order failed, void or not", at(v41, tried(v42, "o-1", states.UnderOrder, true)), states.View{Desired: move(open), Order: ordered(func(o *states.Order) { o.Void = "late" })}, stays(states.Failed, v42, "failed")},
		{"its order of another transition failed", at(v41, tried(v42, "o-1", states.UnderOrder, true)),
			states.View{Desired: move(open), Order: ordered(func(o *states.Order) { o.Transition = "t-0" })}, goes(v42, states.UnderOpen, "").after(delay.D())},
		{"its order of an earlier hop failed", at(v41, tried(v43, "o-1", states.UnderOrder, true)),
			states.View{Desired: move(open), Order: ordered(func(o *states.Order) { o.State = v43 })}, goes(v42, states.UnderOpen, "")},
		{"its own run failed: for ever", at(v41, tried(v42, "r-1", states.UnderOpen, true)), states.View{Desired: move(open)}, goes(v42, states.UnderOpen, "").after(delay.D())},
	})
}

func TestRuleOrdered(t *testing.T) {
	spent := func(s *states.Self) {
		s.State, s.Last = v42, states.Run{ID: "o-1", State: v42, Transition: "t-1", Outcome: states.Succeeded, Terminal: true}
	}
	decide(t, []decision{
		{"ordered", at(v41), states.View{Desired: move(), Order: ordered()}, goes(v42, states.UnderOrder, "o-1")},
		{"ordered, also where it would wait as a joiner", at(none), states.View{Desired: move(joiners(states.JoinersWait)), Order: ordered()}, goes(v42, states.UnderOrder, "o-1")},
		{"a try failed, another follows", at(v41, tried(v42, "o-1", states.UnderOrder, false)), states.View{Desired: move(), Order: ordered()}, goes(v42, states.UnderOrder, "o-1").after(delay.D())},
		{"the last try failed", at(v41, tried(v42, "o-1", states.UnderOrder, true)), states.View{Desired: move(), Order: ordered()}, stays(states.Failed, v42, "waits to be ordered again")},
		{"ordered again", at(v41, tried(v42, "o-1", states.UnderOrder, true)), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Run = "o-2" })}, goes(v42, states.UnderOrder, "o-2")},
		{"done", at(v41, spent), states.View{Desired: move(), Order: ordered()}, stays(states.Settled, v42, "").reporting("o-1")},
		// A7: a slot that was freed lets nobody go any more.
		{"void", at(v41), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Void = "silent past its deadline" })}, stays(states.Waiting, v42, "waits for its turn")},
		{"void between two tries", at(v41, tried(v42, "o-1", states.UnderOrder, false)), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Void = "late" })}, stays(states.Waiting, v42, "waits for its turn")},
		// A6: one write with another generation voids all orders.
		{"the cluster was paused since", at(v41), states.View{Desired: move(paused), Order: ordered()}, stays(states.Waiting, v42, "waits for its turn")},
		{"paused between two tries", at(v41, tried(v42, "o-1", states.UnderOrder, false)), states.View{Desired: move(paused), Order: ordered()}, stays(states.Waiting, v42, "waits for its turn")},
		// B8: after a restore, the same generation may lie there for something else.
		{"the same generation of another transition", at(v41), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Transition = "t-0" })}, stays(states.Waiting, v42, "waits for its turn")},
		// B10: a node that was made anew is not the one that was ordered.
		{"another instance", at(v41), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Instance = "i-0" })}, stays(states.Waiting, v42, "waits for its turn")},
		{"no run in it", at(v41), states.View{Desired: move(), Order: ordered(func(o *states.Order) { o.Run = "" })}, stays(states.Waiting, v42, "waits for its turn")},
	})
}

func TestRuleOfTheQueue(t *testing.T) {
	superseded := func(d *states.Desired) {
		d.Mark, d.State, d.From = states.Mark{Epoch: 2, Generation: 7, Transition: "t-2"}, v43, []states.State{v42, v41}
	}
	decide(t, []decision{
		{"its state is left", at(v41), states.View{Desired: move()}, stays(states.Waiting, v42, "waits for its turn")},
		{"what it attempted is left", at(off, tried(v41, "o-0", states.UnderOrder, true)), states.View{Desired: move()}, stays(states.Waiting, v42, "waits for its turn")},
		{"what it attempted is the target", at(v41, tried(v42, "o-0", states.UnderOrder, false)), states.View{Desired: move()}, stays(states.Waiting, v42, "waits for its turn")},
		{"no state is left, and it has none", at(none), states.View{Desired: move(func(d *states.Desired) { d.From = append(d.From, none) })}, stays(states.Waiting, v42, "waits for its turn")},
		{"no state is left, and it lost its own", at(off, tried(v43, "o-0", states.UnderOrder, true)), states.View{Desired: move(func(d *states.Desired) { d.From = append(d.From, none) })}, stays(states.Waiting, v42, "waits for its turn")},
		// A1: a new target in mid-transition lets nobody go by itself.
		{"new target, not moved yet", at(v41), states.View{Desired: move(superseded)}, stays(states.Waiting, v43, "waits for its turn")},
		{"new target, moved", at(v42), states.View{Desired: move(superseded)}, stays(states.Waiting, v43, "waits for its turn")},
		{"new target, failed on the way", at(v41, tried(v42, "o-1", states.UnderOrder, true)), states.View{Desired: move(superseded), Order: ordered()}, stays(states.Waiting, v43, "waits for its turn")},
		// A failure is not a place in the queue, though it has one.
		{"failed under an opened batch that was closed", at(v41, tried(v42, "r-1", states.UnderOpen, true)), states.View{Desired: move(paused)}, stays(states.Failed, v42, "its run to version 42 failed: exit 1")},
	})
}

func TestRuleOfJoiners(t *testing.T) {
	toOff := func(d *states.Desired) { d.State, d.Joiners = off, states.JoinersTarget }
	decide(t, []decision{
		// A2: no unproven version, no way round the batches.
		{"new", at(none), states.View{Desired: move()}, goes(v41, states.UnderJoiner, "")},
		{"from somewhere else", at(v43), states.View{Desired: move()}, goes(v41, states.UnderJoiner, "")},
		{"lost its state on the way to somewhere else", at(v42, tried(v43, "o-0", states.UnderOrder, true)), states.View{Desired: move()}, goes(v41, states.UnderJoiner, "")},
		{"there where joiners go", at(v41), states.View{Desired: move(func(d *states.Desired) { d.From = nil })}, stays(states.Waiting, v41, "late; at version 41")},
		{"to a state that serves nobody: it must not start", at(none), states.View{Desired: move(toOff)}, goes(off, states.UnderJoiner, "")},
		{"told to wait", at(none), states.View{Desired: move(joiners(states.JoinersWait))}, stays(states.Waiting, v42, "joiners wait")},
		{"a stop writes wait", at(none), states.View{Desired: move(paused)}, stays(states.Waiting, v42, "joiners wait")},
		{"an order is better", at(none), states.View{Desired: move(), Order: ordered()}, goes(v42, states.UnderOrder, "o-1")},
		// Its own try does not make it one of those that were there before.
		{"its try failed, another follows", at(none, tried(v41, "r-1", states.UnderJoiner, false)), states.View{Desired: move()}, goes(v41, states.UnderJoiner, "").after(delay.D())},
		{"its run failed, another follows", at(none, tried(v41, "r-1", states.UnderJoiner, true)), states.View{Desired: move()}, goes(v41, states.UnderJoiner, "").after(delay.D())},
		{"its try to the target failed", at(none, tried(off, "r-1", states.UnderJoiner, false)), states.View{Desired: move(toOff)}, goes(off, states.UnderJoiner, "").after(delay.D())},
		{"its run failed, and it was ordered since", at(none, tried(v41, "r-1", states.UnderJoiner, true)), states.View{Desired: move(), Order: ordered()}, goes(v42, states.UnderOrder, "o-1")},
		{"its run failed, and everything was stopped", at(none, tried(v41, "r-1", states.UnderJoiner, true)), states.View{Desired: move(paused)}, stays(states.Waiting, v42, "joiners wait")},
		{"its run failed in another transition", at(none, tried(v41, "r-1", states.UnderJoiner, true)),
			states.View{Desired: move(func(d *states.Desired) { d.Transition = "t-2" })}, stays(states.Waiting, v42, "waits for its turn")},
	})
}

func TestRuleOfPauses(t *testing.T) {
	failed := func(failures int, terminal bool) states.Self {
		return at(v41, tried(v42, "r-1", states.UnderOpen, terminal), func(s *states.Self) { s.Failures = failures })
	}
	none := func(d *states.Desired) { d.RetryDelay = 0 }
	for _, row := range []struct {
		name    string
		self    states.Self
		desired states.Desired
		want    time.Duration
	}{
		{"the first run", at(v41), move(open), 0},
		{"after a success", at(v41, func(s *states.Self) {
			s.Last = states.Run{ID: "r-0", State: v42, Transition: "t-1", Outcome: states.Succeeded, Terminal: true}
		}), move(open), 0},
		{"between two tries", failed(0, false), move(open), 15 * time.Second},
		{"after one failure", failed(1, true), move(open), 15 * time.Second},
		{"after two", failed(2, true), move(open), 30 * time.Second},
		{"after many", failed(1000, true), move(open), states.MaxBackoff},
		{"between two tries without a delay", failed(0, false), move(open, none), 0},
		{"for ever, and without a delay", failed(1, true), move(open, none), time.Second},
		{"for ever, and without a delay, later", failed(4, true), move(open, none), 8 * time.Second},
		{"towards something else", failed(3, true), move(open, func(d *states.Desired) { d.State = v43 }), 0},
		{"for another transition", failed(3, true), move(open, func(d *states.Desired) { d.Transition = "t-2" }), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := states.Decide(row.self, states.View{Desired: row.desired})
			if !v.Go || v.Pause != row.want || v.Tries != 2 {
				t.Errorf("want a pause of %s and 2 tries, got go %t, %s and %d", row.want, v.Go, v.Pause, v.Tries)
			}
		})
	}
}

// anything makes views and nodes of a universe so small that everything in it meets.
type anything struct{ *rand.Rand }

func one[T any](r anything, list ...T) T { return list[r.IntN(len(list))] }

func (r anything) state() states.State { return one(r, none, off, v41, v42, v43) }
func (r anything) named() states.State { return one(r, off, v41, v42, v43) }

func (r anything) self() states.Self {
	s := at(r.state())
	s.Attempting, s.AgainDone, s.Failures, s.Observe = one(r, none, none, r.state()), one(r, "", "a-1"), r.IntN(20), r.IntN(8) == 0
	if r.IntN(3) > 0 {
		s.Last = states.Run{ID: one(r, "o-1", "o-2", "r-1"), State: r.named(), Transition: one(r, "t-1", "t-2"), Generation: 5,
			Under:    one(r, states.UnderOrder, states.UnderOpen, states.UnderJoiner),
			Outcome:  one(r, states.Succeeded, states.ExitedBadly, states.TimedOut, states.Killed, states.Interrupted),
			Terminal: r.IntN(2) == 0}
	}
	return s
}

func (r anything) desired() states.Desired {
	return states.Desired{Mark: states.Mark{Epoch: 1, Generation: 4 + r.Uint64N(3), Transition: one(r, "t-1", "t-2")},
		State: r.named(), Stable: r.named(), From: []states.State{r.state(), r.state()}, Open: r.IntN(3) == 0,
		Joiners: one(r, states.JoinersStable, states.JoinersTarget, states.JoinersWait), Again: one(r, "", "", "a-1"),
		Timeout: minute, Retries: r.IntN(3), RetryDelay: one(r, 0, delay)}
}

func (r anything) view() states.View {
	v := states.View{Desired: r.desired()}
	if r.IntN(3) > 0 {
		v.Order = &states.Order{Transition: one(r, "t-1", "t-2"), Generation: 4 + r.Uint64N(3), State: r.named(),
			Instance: one(r, instance, instance, "i-0"), Run: one(r, "", "o-1", "o-2"), Timeout: minute, Again: one(r, "", "", "a-1", "a-2"),
			Void: one(r, "", "", "late"), Held: one(r, nil, nil, nil, &ada)}
		if r.IntN(6) == 0 {
			v.Order.Forgotten = &states.Word{By: "ada", Instance: one(r, instance, "i-0")}
		}
	}
	if r.IntN(5) == 0 {
		v.Frozen = &states.Freeze{Word: ada}
	}
	return v
}

// laws hold for every node in every view. Each says what is broken, or "".
var laws = map[string]func(states.Self, states.View, states.Verdict) bool{
	"a node that goes knows where, by what right and how often": func(_ states.Self, _ states.View, v states.Verdict) bool {
		return !v.Go || !v.Target.None() && v.Under != "" && v.Tries > 0 && v.Phase == ""
	},
	"a node that stays says what it is": func(_ states.Self, _ states.View, v states.Verdict) bool { return v.Go || v.Phase != "" },
	"there is always a reason":          func(_ states.Self, _ states.View, v states.Verdict) bool { return v.Reason != "" },
	"nobody who is held goes": func(_ states.Self, w states.View, v states.Verdict) bool {
		return !v.Go || w.Order == nil || w.Order.Held == nil
	},
	"nobody who is forgotten goes": func(_ states.Self, w states.View, v states.Verdict) bool {
		return !v.Go || w.Order == nil || w.Order.Forgotten == nil || w.Order.Forgotten.Instance != instance
	},
	"nobody who only observes goes": func(s states.Self, _ states.View, v states.Verdict) bool { return !v.Go || !s.Observe },
	"nobody starts serving in a freeze": func(_ states.Self, w states.View, v states.Verdict) bool {
		return !v.Go || w.Frozen == nil || !v.Target.Serving
	},
	"nobody goes elsewhere than to the target or what was reached last": func(_ states.Self, w states.View, v states.Verdict) bool {
		return !v.Go || v.Target.Same(w.Desired.State) || v.Target.Same(w.Desired.Stable)
	},
	"under open means it is open": func(_ states.Self, w states.View, v states.Verdict) bool {
		return v.Under != states.UnderOpen || w.Desired.Open && v.Target.Same(w.Desired.State) && v.Run == ""
	},
	"under an order means that this one is for it, now, and not used up": func(s states.Self, w states.View, v states.Verdict) bool {
		return v.Under != states.UnderOrder || w.Order != nil && w.Order.For(&w.Desired, instance) && v.Run == w.Order.Run &&
			v.Target.Same(w.Desired.State) && (s.Last.ID != v.Run || !s.Last.Terminal)
	},
	"a joiner goes where joiners go": func(_ states.Self, w states.View, v states.Verdict) bool {
		where := map[string]states.State{states.JoinersStable: w.Desired.Stable, states.JoinersTarget: w.Desired.State}
		to, may := where[w.Desired.Joiners]
		return v.Under != states.UnderJoiner || may && !w.Desired.Open && v.Target.Same(to) && v.Run == ""
	},
	"closed, nobody passes the batches who was there before": func(s states.Self, w states.View, v states.Verdict) bool {
		waits := s.Attempting.None() && s.State.In(w.Desired.From) ||
			!s.Attempting.None() && (s.Attempting.In(w.Desired.From) || s.Attempting.Same(w.Desired.State)) && s.Last.Under != states.UnderJoiner
		return !v.Go || w.Desired.Open || !waits || v.Under == states.UnderOrder
	},
	"stop means stop": func(_ states.Self, w states.View, v states.Verdict) bool {
		stopped := !w.Desired.Open && w.Desired.Joiners == states.JoinersWait && (w.Order == nil || !w.Order.For(&w.Desired, instance))
		return !v.Go || !stopped
	},
	"open, everybody goes whom nothing holds": func(s states.Self, w states.View, v states.Verdict) bool {
		free := w.Desired.Open && w.Order == nil && w.Frozen == nil && !s.Observe && !s.At(w.Desired.State)
		return !free || v.Go && v.Target.Same(w.Desired.State)
	},
	"whoever is there stays there, unless told again": func(s states.Self, w states.View, v states.Verdict) bool {
		again := w.Desired.Again != "" || w.Order != nil && w.Order.Again != ""
		return !v.Go || again || !s.At(w.Desired.State)
	},
	"settled means there, and success is only reported there": func(s states.Self, w states.View, v states.Verdict) bool {
		return v.Phase != states.Settled && v.Report == "" || v.Phase == states.Settled && s.At(w.Desired.State)
	},
	"who tries for ever rests in between, and not for ever": func(s states.Self, w states.View, v states.Verdict) bool {
		endless := v.Go && v.Run == "" && s.Last.Bad() && s.Last.State.Same(v.Target) && s.Last.Transition == w.Desired.Transition
		return v.Pause <= states.MaxBackoff && (!endless || v.Pause >= time.Second)
	},
}

func TestRuleHoldsItsLaws(t *testing.T) {
	const seed = 20260102
	r := anything{rand.New(rand.NewPCG(seed, 0))}
	went := map[string]int{}
	for range 100_000 / racetest.Every {
		self, view := r.self(), r.view()
		var order states.Order
		if view.Order != nil {
			order = *view.Order
		}
		verdict := states.Decide(self, view)
		for law, holds := range laws {
			if !holds(self, view, verdict) {
				t.Fatalf("%s:\nself %+v\ndesired %+v\norder %+v\nfrozen %v\nverdict %+v", law, self, view.Desired, order, view.Frozen, verdict)
			}
		}
		if view.Order != nil && !reflect.DeepEqual(*view.Order, order) {
			t.Fatalf("it changed the order that it was asked about: %+v, %+v", order, *view.Order)
		}
		if second := states.Decide(self, view); !reflect.DeepEqual(verdict, second) {
			t.Fatalf("asked twice, it says two things: %+v, %+v", verdict, second)
		}
		went[verdict.Under]++
		went[string(verdict.Phase)]++
	}
	for _, what := range []string{states.UnderOpen, states.UnderOrder, states.UnderJoiner, "settled", "waiting", "failed", "held", "frozen", "observing"} {
		if went[what] < 100/racetest.Every {
			t.Errorf("the walk came to %q %d times only: it proves nothing about it", what, went[what])
		}
	}
}
