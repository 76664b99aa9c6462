package states_test

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

// rest makes a move one that everybody made.
func rest(d *states.Desired) { d.Open, d.Reached, d.Stable = true, d.Generation, d.State }

func to(state states.State) func(*states.Desired) { return func(d *states.Desired) { d.State = state } }

// drifted is what a node's check found.
func drifted(repair bool, repairs int) func(*states.Self) {
	return func(s *states.Self) {
		s.Drift = &states.Drift{Since: ada.At, Exit: 3, Said: []string{"first", "web.conf differs"}, Repair: repair, Repairs: repairs}
	}
}

func due(s *states.Self)     { s.Due = true }
func watches(s *states.Self) { s.Observe = true }

// What a node that is where it should be does of its own accord. Where a row has no `under` it stays.
func TestRuleOfDrift(t *testing.T) {
	freeze := &states.Freeze{Word: ada}
	for _, row := range []struct {
		name  string
		self  states.Self
		view  states.View
		phase states.Phase
		under string
		pause time.Duration
		says  string
	}{
		{"reported only, and it serves", at(v42, drifted(false, 0)), states.View{Desired: move(rest)}, states.Drifted, "", 0, "its check says exit 3: web.conf differs"},
		{"reported only, and it serves nobody", at(off, drifted(false, 0)), states.View{Desired: move(to(off), rest)}, states.Drifted, "", 0, "web.conf differs"},
		{"to be repaired, and it serves", at(v42, drifted(true, 0)), states.View{Desired: move(rest)}, states.Drifted, "", 0, "asks for its turn"},
		{"to be repaired, and it serves nobody", at(off, drifted(true, 0)), states.View{Desired: move(to(off), rest)}, states.Drifted, states.UnderRepair, 0, "repairs itself"},
		{"in a cluster that is closed", at(off, drifted(true, 0)), states.View{Desired: move(to(off))}, states.Drifted, "", 0, "once the cluster is at rest"},
		{"open, and not reached yet", at(off, drifted(true, 0)), states.View{Desired: move(to(off), open)}, states.Drifted, "", 0, "once the cluster is at rest"},
		{"paused since", at(off, drifted(true, 0)), states.View{Desired: move(to(off), rest, paused)}, states.Drifted, "", 0, "once the cluster is at rest"},
		{"the repair changed nothing", at(off, drifted(true, 1)), states.View{Desired: move(to(off), rest)}, states.Drifted, states.UnderRepair, time.Minute, ""},
		{"nor did the third", at(off, drifted(true, 3)), states.View{Desired: move(to(off), rest)}, states.Drifted, states.UnderRepair, 4 * time.Minute, ""},
		{"nor did any", at(off, drifted(true, 1<<40)), states.View{Desired: move(to(off), rest)}, states.Drifted, states.UnderRepair, time.Hour, ""},
		{"a freeze lets a node off", at(off, drifted(true, 0)), states.View{Desired: move(to(off), rest), Frozen: freeze}, states.Drifted, states.UnderRepair, 0, ""},
		{"it only watches", at(off, drifted(true, 0), watches), states.View{Desired: move(to(off), rest)}, states.Drifted, "", 0, "repairs itself, but not now: observe only"},
		{"held", at(off, drifted(true, 0)), states.View{Desired: move(to(off), rest), Order: ordered(func(o *states.Order) { o.Held = &ada })}, states.Held, "", 0, "held by ada"},
		{"wanted elsewhere", at(v41, drifted(true, 0)), states.View{Desired: move()}, states.Waiting, "", 0, "waits for its turn"},
		{"the time is over", at(v42, due), states.View{Desired: move(rest)}, states.Settled, states.UnderPeriod, 0, "its period is over"},
		{"drifted, reported only, and the time is over", at(v42, due, drifted(false, 0)), states.View{Desired: move(rest)}, states.Drifted, states.UnderPeriod, 0, ""},
		{"in the middle of a move", at(v42, due), states.View{Desired: move(open)}, states.Settled, "", 0, "as it should be"},
		{"frozen", at(v42, due), states.View{Desired: move(rest), Frozen: freeze}, states.Settled, "", 0, "its period is over, but not now: frozen by ada"},
		{"watching when the time is over", at(v42, due, watches), states.View{Desired: move(rest)}, states.Settled, "", 0, "observe only"},
		{"waiting when the time is over", at(v41, due), states.View{Desired: move()}, states.Waiting, "", 0, "waits for its turn"},
		{"the order of a batch that is long over lets nobody go", at(v42), states.View{Desired: move(rest), Order: ordered()}, states.Settled, "", 0, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := states.Decide(row.self, row.view)
			if v.Go != (row.under != "") || v.Phase != row.phase || v.Under != row.under || v.Pause != row.pause || !strings.Contains(v.Reason, row.says) || v.Report != "" {
				t.Errorf("%+v", v)
			}
		})
	}
}

// A run of its own that fails leaves the node at no state. It tries again as one that nobody let go,
// longer apart each time, and an order of an earlier batch has no say in it.
func TestRuleAfterAnOwnRunThatFailed(t *testing.T) {
	for _, under := range []string{states.UnderRepair, states.UnderPeriod} {
		self := at(v42, tried(v42, "r-own", under, true))
		v := states.Decide(self, states.View{Desired: move(rest), Order: ordered()})
		if !v.Go || v.Under != under || v.Run != "" || v.Pause != delay.D() || v.Tries != 2 {
			t.Errorf("%s: %+v", under, v)
		}
		if v := states.Decide(self, states.View{Desired: move(paused)}); v.Go || v.Phase != states.Failed {
			t.Errorf("%s, and the cluster is closed: %+v", under, v)
		}
		if v := states.Decide(self, states.View{Desired: move(open)}); !v.Go || v.Under != states.UnderOpen {
			t.Errorf("%s, and the move lets everybody go who is left: %+v", under, v)
		}
		next := move(rest)
		next.Transition, next.Generation, next.Reached = "t-2", 6, 6
		if v := states.Decide(self, states.View{Desired: next}); !v.Go || v.Under != states.UnderOpen || v.Pause != 0 {
			t.Errorf("%s, and the next move lets everybody go: %+v", under, v)
		}
		run := states.Run{Under: under}
		if !run.Own() {
			t.Errorf("%s is not its own", under)
		}
	}
	if states.RepairPause(0) != 0 || states.RepairPause(-1) != 0 {
		t.Error("the first repair waits")
	}
}
