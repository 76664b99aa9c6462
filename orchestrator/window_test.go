package orchestrator

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

// The world begins at 02:00 UTC on a Sunday: this window is open until 03:00.
func nights(onClose string) states.Window {
	return states.Window{Name: "nights", Schedule: "0 2 * * *", Duration: 60 * minute, TimeZone: "UTC", OnClose: onClose}
}

// within is a cluster of n nodes at version 1 whose moves are bound by windows.
func within(t *testing.T, n int, edit func(*states.Transition), windows ...states.Window) *world {
	w := serving(t, rollout(edit), n)
	w.snapshot.Definition.Value.Windows = windows
	return w
}

func asIs(*states.Transition) {}

// clock sets the time of the day.
func (w *world) clock(hour, minute int) {
	w.now = time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC)
}

func TestOutsideOfAWindowNothingBegins(t *testing.T) {
	days := states.Window{Name: "days", Schedule: "0 9 * * *", Duration: 60 * minute, TimeZone: "Europe/Paris", OnClose: states.FinishBatch}
	audit := states.Window{Name: "audit", Deny: true, Schedule: "0 1 1 3 *", Duration: 180 * minute, TimeZone: "UTC", OnClose: states.FinishBatch}
	for _, c := range []struct {
		name    string
		windows []states.Window
		ask     states.Request
		said    []string
		refused string // empty: it is not
	}{
		{"in it", []states.Window{nights(states.FinishBatch)}, transition("version", "2"), nil, ""},
		{"outside", []states.Window{days}, transition("version", "2"), nil,
			`window "days" is closed since Sat 28 Feb 10:00 Europe/Paris; opens 09:00 Europe/Paris (08:00 UTC), in 6h; wait, or --override window=days, which is recorded`},
		{"to where nobody serves as well", []states.Window{days}, transition("off", ""), nil, `window "days" is closed`},
		{"to converge once more as well", []states.Window{days}, states.Request{Kind: states.AskReconverge}, nil, `window "days" is closed`},
		{"also some nodes", []states.Window{days}, states.Request{Kind: states.AskReconverge, Nodes: []string{"n00"}}, nil, `window "days" is closed`},
		{"in one of two", []states.Window{days, nights(states.FinishBatch)}, transition("version", "2"), nil, ""},
		{"denied", []states.Window{nights(states.FinishBatch), audit}, transition("version", "2"), nil, `window "audit" denies it; no move since Sat 28 Feb 03:00 UTC; opens Mon 2 Mar 02:00 UTC, in 24h`},
		{"overridden by name", []states.Window{days}, transition("version", "2"), []string{"window=days"}, ""},
		{"overridden altogether", []states.Window{days, audit}, transition("version", "2"), []string{"window"}, ""},
		{"one of two that allow is enough", []states.Window{days, {Name: "never", Schedule: "0 0 30 2 *", Duration: minute}}, transition("version", "2"), []string{"window=never"}, ""},
		{"another one is overridden", []states.Window{days}, transition("version", "2"), []string{"window=nights"}, `window "days" is closed`},
		{"both bars have to be", []states.Window{days, audit}, transition("version", "2"), []string{"window=days"}, `window "audit" denies it`},
		{"nothing to do is no move", []states.Window{days}, transition("version", "1"), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := within(t, 3, asIs, c.windows...)
			c.ask.Overrides = c.said
			preview := Foresee(w.snapshot, asked(w, c.ask), w.leading, w.now)
			answer := w.answer(w.ask(c.ask))
			if answer.Refused != (c.refused != "") || !strings.Contains(answer.Reason, c.refused) {
				t.Errorf("%+v", answer)
			}
			if (preview.Refused != "") != answer.Refused {
				t.Errorf("the preview says %q", preview.Refused)
			}
			if w.run(); !answer.Refused && w.record().Status != states.Done {
				w.fail("%s: %s", w.record().Status, w.record().Reason)
			}
		})
	}
}

// asked is a request as the world would file it.
func asked(w *world, request states.Request) states.Request {
	request.ID, request.By, request.At, request.Expires = "q-preview", "ada", w.now, w.now.Add(time.Hour)
	request.Transition, request.Generation = w.record().ID, w.snapshot.Desired.Value.Generation
	return request
}

func TestWindowClosesInTheMiddleOfAMove(t *testing.T) {
	middle := func(t *testing.T, windows ...states.Window) *world { // the first batch runs as it closes
		w := within(t, 5, func(t *states.Transition) { t.Policy.ProgressDeadline = 10 * minute }, windows...)
		w.clock(2, 59)
		w.move("version", "2")
		w.until("a run", func() bool { return len(w.went("version 2")) == 1 })
		w.clock(3, 0)
		return w
	}
	t.Run("finish_batch ends the batch, and goes on when it opens", func(t *testing.T) {
		w := middle(t, nights(states.FinishBatch))
		w.settle()
		if w.stands(states.Running, "", "window \"nights\" is closed since 03:00 UTC; opens Mon 2 Mar 02:00 UTC"); w.at("version 2") != 1 || w.record().Awaiting != states.AwaitWindow {
			w.fail("%d went, and it awaits %q", w.at("version 2"), w.record().Awaiting)
		}
		decision, _ := w.plan()
		if wait := w.waits(decision, "window"); !strings.Contains(wait.Remedy, "orch resume web --override window=nights") {
			t.Errorf("remedy: %s", wait.Remedy)
		}
		if opening := time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC); !decision.Wake.Equal(opening) {
			t.Errorf("it wakes at %s", decision.Wake)
		}
		if outcome, over := finished(states.Request{Kind: states.AskResume, ID: "q-x", Transition: w.record().ID}, resumedBy(w, "q-x"), false); !over || outcome.Record.Awaiting != states.AwaitWindow {
			t.Error("who leads without being watched waits for hours")
		}
		if w.run(); w.record().Status != states.Done || w.now.Day() != 2 {
			w.fail("%s at %s: %s", w.record().Status, w.now, w.record().Reason)
		}
	})
	t.Run("finish goes on to the end", func(t *testing.T) {
		w := middle(t, nights(states.FinishMove))
		if w.run(); w.record().Status != states.Done || w.now.Day() != 1 {
			w.fail("%s: %s", w.record().Status, w.record().Reason)
		}
		if answer := w.answer(w.move("version", "3")); !answer.Refused {
			t.Error("another move began outside of the window")
		}
	})
	t.Run("pause stops at once, and is resumed when it opens", func(t *testing.T) {
		w := middle(t, nights(states.PauseOnClose))
		w.run()
		if w.stands(states.Paused, states.ByWindow, "window \"nights\" is closed"); w.at("version 2") > 1 {
			w.fail("%d went", w.at("version 2"))
		}
		if answer := w.answer(w.ask(states.Request{Kind: states.AskResume})); !answer.Refused || !strings.Contains(answer.Reason, "--override window=nights") {
			t.Errorf("%+v", answer)
		}
		if answer := w.answer(w.ask(states.Request{Kind: states.AskRetry})); !answer.Refused {
			t.Errorf("%+v", answer)
		}
		w.clock(26, 30)
		w.ask(states.Request{Kind: states.AskResume})
		if w.run(); w.record().Status != states.Done {
			w.fail("%s: %s", w.record().Status, w.record().Reason)
		}
	})
	t.Run("pause, resumed all the same", func(t *testing.T) {
		w := middle(t, nights(states.PauseOnClose))
		w.run()
		id := w.ask(states.Request{Kind: states.AskResume, Overrides: []string{"window=nights"}})
		if answer := w.answer(id); answer.Refused {
			t.Fatalf("%+v", answer)
		}
		if w.run(); w.record().Status != states.Done || w.now.Day() != 1 {
			w.fail("%s: %s", w.record().Status, w.record().Reason)
		}
	})
	t.Run("what waits goes on where it is overridden", func(t *testing.T) {
		w := middle(t, nights(states.FinishBatch))
		w.settle()
		w.answer(w.ask(states.Request{Kind: states.AskResume, Overrides: []string{"window"}}))
		if w.record().Awaiting != "" {
			t.Errorf("it still awaits %q", w.record().Awaiting)
		}
		if w.run(); w.record().Status != states.Done || w.now.Day() != 1 {
			w.fail("%s: %s", w.record().Status, w.record().Reason)
		}
	})
	t.Run("one that denies counts by its own word", func(t *testing.T) {
		audit := states.Window{Name: "audit", Deny: true, Schedule: "0 3 * * *", Duration: 60 * minute, TimeZone: "UTC", OnClose: states.PauseOnClose}
		w := middle(t, nights(states.FinishMove), audit)
		w.run()
		w.stands(states.Paused, states.ByWindow, "window \"audit\" denies it")
	})
	t.Run("a way back is bound by none", func(t *testing.T) {
		w := middle(t, nights(states.PauseOnClose))
		w.run()
		if answer := w.answer(w.ask(states.Request{Kind: states.AskRollback})); answer.Refused {
			t.Fatalf("%+v", answer)
		}
		if w.run(); w.record().Status != states.Done || w.at("version 1") != 5 || w.now.Day() != 1 {
			w.fail("%d at version 1: %s", w.at("version 1"), w.record().Reason)
		}
	})
	t.Run("a file that is edited changes no move that runs", func(t *testing.T) {
		w := middle(t, nights(states.FinishMove))
		w.snapshot.Definition.Value.Windows = []states.Window{nights(states.PauseOnClose)}
		if w.run(); w.record().Status != states.Done {
			w.fail("%s: %s", w.record().Status, w.record().Reason)
		}
	})
	t.Run("an approval is asked for when it is open again", func(t *testing.T) {
		w := within(t, 3, func(t *states.Transition) { t.Policy.Approve = states.ApproveAfterFirstBatch }, nights(states.FinishBatch))
		w.move("version", "2")
		w.over(1)
		w.clock(3, 0)
		w.settle()
		if w.record().Awaiting != states.AwaitWindow || !strings.Contains(w.record().Reason, "waits for approval") {
			w.fail("%q: %s", w.record().Awaiting, w.record().Reason)
		}
		w.clock(26, 1)
		if w.settle(); w.record().Awaiting != states.AwaitApproval {
			w.fail("%q: %s", w.record().Awaiting, w.record().Reason)
		}
	})
}

// resumedBy is the snapshot after somebody's resume was answered.
func resumedBy(w *world, id string) states.Snapshot {
	snapshot := w.snapshot
	snapshot.Record.Value.Answers = []states.Answer{{Request: id, At: w.now}}
	return snapshot
}

// A move that is to stop as it closes is looked at then, and not only when a run ends.
func TestWindowThatClosesWakesTheLeader(t *testing.T) {
	w := within(t, 3, asIs, nights(states.PauseOnClose))
	w.clock(2, 59)
	w.move("version", "2")
	w.until("a run", func() bool { return len(w.went("version 2")) == 1 })
	if decision, _ := w.plan(); !decision.Wake.Equal(time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)) {
		t.Errorf("it wakes at %s", decision.Wake)
	}
}

func TestWhyNothingCanBegin(t *testing.T) {
	w := within(t, 2, asIs, nights(states.FinishBatch))
	if waits := Blockers(w.snapshot, w.now); len(waits) != 0 {
		t.Errorf("%+v", waits)
	}
	w.clock(3, 0)
	w.snapshot.Frozen = frozenUntil("grace", time.Time{})
	waits := Blockers(w.snapshot, w.now)
	if len(waits) != 2 || !strings.HasSuffix(waits[0].Remedy, "orch thaw") || !strings.Contains(waits[1].Remedy, "add --override window=nights") {
		t.Errorf("%+v", waits)
	}
}

// Between two hops it waits as between two batches, also where the next one would be let go at once.
func TestWindowClosesBetweenTwoHops(t *testing.T) {
	w := born(t, tier(), 3)
	w.snapshot.Definition.Value.Windows = []states.Window{nights(states.FinishBatch)}
	all := &w.snapshot.Definition.Value.Transitions[2].Policy
	all.Batches = []states.Size{states.Percent(100)}
	w.clock(2, 59)
	w.move("converged", "")
	w.until("waiting is nearly reached", func() bool { return len(w.went("waiting")) == 3 })
	w.clock(3, 0)
	w.settle()
	if w.at("waiting") != 3 || w.record().Awaiting != states.AwaitWindow || w.record().Hop != 1 {
		w.fail("%d at waiting, hop %d: %s", w.at("waiting"), w.record().Hop, w.record().Reason)
	}
	if w.run(); w.at("converged") != 3 || w.now.Day() != 2 {
		w.fail("%d at converged at %s", w.at("converged"), w.now)
	}
}

func frozenUntil(by string, until time.Time) states.Doc[states.Freeze] {
	return states.Doc[states.Freeze]{Index: 1, Value: states.Freeze{Schema: 1, Word: states.Word{By: by, Why: "restore", Until: until}}}
}

func TestFreezeRefusesWhatServes(t *testing.T) {
	for _, c := range []struct {
		name    string
		ask     states.Request
		refused bool
	}{
		{"a state that serves", transition("version", "2"), true},
		{"once more", states.Request{Kind: states.AskReconverge}, true},
		{"one node once more", states.Request{Kind: states.AskReconverge, Nodes: []string{"n00"}}, true},
		{"off", transition("off", ""), false},
		{"a way back", states.Request{Kind: states.AskRollback}, false},
		{"nothing to do", transition("version", "1"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := serving(t, rollout(asIs), 3)
			w.snapshot.Freeze = frozenUntil("grace", w.now.Add(time.Hour))
			c.ask.Overrides = []string{"freeze"} // there is no such thing
			answer := w.answer(w.ask(c.ask))
			if answer.Refused != c.refused || c.refused && !strings.Contains(answer.Reason, "frozen by grace since 00:00:00Z, until 2026-03-01 03:00Z: restore; agents obey a freeze too, so no move can override it: orch thaw web ends it") {
				t.Errorf("%+v", answer)
			}
		})
	}
}

func TestFreezeInTheMiddleOfAMove(t *testing.T) {
	began := func(t *testing.T) *world { // two of five have their order, one of them runs
		w := toVersion2(t, 5, func(t *states.Transition) {
			t.Policy.Batches, t.Policy.ProgressDeadline = []states.Size{states.Nodes(2)}, 10*minute
		})
		w.until("a run", func() bool { return len(w.went("version 2")) == 1 })
		return w
	}
	t.Run("leaders and agents stop, and go on when it is over", func(t *testing.T) {
		w := began(t)
		w.snapshot.Frozen = frozenUntil("grace", time.Time{})
		w.settle()
		if w.stands(states.Running, "", "frozen by grace"); len(w.went("version 2")) != 1 || w.at("version 2") != 1 || w.record().Awaiting != states.AwaitThaw {
			w.fail("%v went, and it awaits %q", w.went("version 2"), w.record().Awaiting)
		}
		w.now = w.now.Add(5 * time.Hour) // far beyond every deadline
		w.settle()
		w.snapshot.Frozen = states.Doc[states.Freeze]{}
		if w.run(); w.record().Status != states.Done || len(w.record().Counted) != 0 || w.at("version 2") != 5 {
			w.fail("%s, %v: %s", w.record().Status, w.record().Counted, w.record().Reason)
		}
	})
	t.Run("one with an end wakes everybody", func(t *testing.T) {
		w := began(t)
		end := w.now.Add(5 * time.Hour)
		w.snapshot.Frozen, w.snapshot.Freeze = frozenUntil("grace", end), frozenUntil("ada", end.Add(-time.Hour))
		w.settle()
		if decision, _ := w.plan(); decision.Wake.IsZero() || decision.Wake.After(end.Add(-time.Hour).Add(aMoment)) {
			t.Errorf("it wakes at %s", decision.Wake)
		}
		if w.run(); w.record().Status != states.Done || w.now.Before(end) {
			w.fail("%s at %s: %s", w.record().Status, w.now, w.record().Reason)
		}
	})
	t.Run("nobody can resume it", func(t *testing.T) {
		w := began(t)
		w.answer(w.ask(states.Request{Kind: states.AskPause}))
		w.snapshot.Frozen = frozenUntil("grace", time.Time{})
		if answer := w.answer(w.ask(states.Request{Kind: states.AskResume})); !answer.Refused || !strings.Contains(answer.Reason, "orch thaw ends it") {
			t.Errorf("%+v", answer)
		}
	})
	t.Run("to where nobody serves it goes on", func(t *testing.T) {
		w := born(t, tier(), 3)
		w.move("waiting", "")
		w.until("a run", func() bool { return len(w.went("waiting")) == 1 })
		w.snapshot.Freeze = frozenUntil("grace", time.Time{})
		if w.run(); w.record().Status != states.Done {
			w.fail("%s: %s", w.record().Status, w.record().Reason)
		}
	})
	t.Run("latecomers wait too, and repairs", func(t *testing.T) {
		w := serving(t, rollout(asIs), 3)
		w.snapshot.Freeze = frozenUntil("grace", w.now.Add(time.Hour))
		w.add("n99")
		w.agents["n00"].self.State = states.State{} // it has to be repaired
		w.settle()
		if w.at("version 1") != 2 {
			w.fail("%d at version 1 under a freeze", w.at("version 1"))
		}
		w.now = w.now.Add(time.Hour)
		if w.settle(); w.at("version 1") != 4 {
			w.fail("%d at version 1 after it", w.at("version 1"))
		}
	})
	t.Run("a freeze that cannot be read is one", func(t *testing.T) {
		w := serving(t, rollout(asIs), 3)
		w.snapshot.Freeze = states.Doc[states.Freeze]{Index: 1, Problem: "it is empty"}
		if answer := w.answer(w.move("version", "2")); !answer.Refused || !strings.Contains(answer.Reason, "it is empty") {
			t.Errorf("%+v", answer)
		}
	})
}
