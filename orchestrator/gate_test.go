package orchestrator

import (
	"testing"
	"time"

	"orch/states"
)

func webGate(edit func(*states.Gate)) states.Gate {
	gate := states.Gate{Kind: states.GateConsulCheck, Name: "web-passing", Service: "web", Scope: states.ScopeBatch, At: states.AtBatch, Timeout: 2 * minute}
	if edit != nil {
		edit(&gate)
	}
	return gate
}

func TestGatePassesForAWhileCountedFromTheLastFlap(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.PassingFor = states.Duration(10 * time.Second) })}
	})
	w.until("the canary is over", func() bool {
		return !w.record().Batch.Ended.IsZero() && w.record().Hop == 0 && len(w.record().Gates) > 0
	})
	decision, _ := w.plan()
	w.waits(decision, "gate")
	w.now = w.now.Add(8 * time.Second)
	w.ill = map[string]bool{"n00": true}
	w.settle()
	flapped := w.now
	w.ill = nil
	w.settle()
	w.until("the next batch", func() bool { return w.record().Batch.Number == 2 })
	if waited := w.now.Sub(flapped); waited < 10*time.Second {
		w.fail("went on %s after a flap, and passing_for is 10s", waited)
	}
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestGateOutcomes(t *testing.T) {
	for name, test := range map[string]struct {
		gate          states.Gate
		answer        string
		onFailure     string
		status, cause string
	}{
		"pass":                        {states.Gate{Kind: states.GateHTTP, URL: states.Template{"http://x"}}, states.GatePass, "", states.Done, ""},
		"no":                          {states.Gate{Kind: states.GateHTTP, URL: states.Template{"http://x"}}, states.GateFail, "", states.Paused, states.ByGate},
		"no, and continue":            {states.Gate{Kind: states.GateHTTP, URL: states.Template{"http://x"}}, states.GateFail, states.ContinueOnFailure, states.Paused, states.ByGate},
		"don't know":                  {states.Gate{Kind: states.GateCommand}, states.GateUnknown, "", states.Paused, states.ByDoubt},
		"don't know never rolls back": {states.Gate{Kind: states.GateCommand}, states.GateUnknown, states.RollbackOnFailure, states.Paused, states.ByDoubt},
		"no answer":                   {states.Gate{Kind: states.GateCommand}, "", "", states.Paused, states.ByDoubt},
		"dry run":                     {states.Gate{Kind: states.GateHTTP, URL: states.Template{"http://x"}, DryRun: true}, states.GateFail, "", states.Done, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := toVersion2(t, 3, func(tr *states.Transition) {
				test.gate.Name, test.gate.Timeout = "lb", minute
				tr.Gates = []states.Gate{test.gate}
				if test.onFailure != "" {
					tr.Policy.OnFailure = test.onFailure
				}
			})
			w.gates = map[string]string{"lb": test.answer}
			w.run()
			w.stands(test.status, test.cause, "")
			if test.status == states.Paused && w.at("version 2") != 1 {
				w.fail("%d nodes went behind a gate that did not hold", w.at("version 2")-1)
			}
		})
	}
}

func TestGateThatHeldForAnotherBatchIsNoAnswer(t *testing.T) {
	gate := states.Gate{Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, Timeout: minute}
	w := toVersion2(t, 3, func(t *states.Transition) { t.Gates = []states.Gate{gate} })
	w.over(1)
	w.snapshot.Evidence.Gates = map[string]states.Reading{"lb": {Outcome: states.GatePass, At: w.record().Batch.Ended.Add(-time.Second)}}
	w.waits(Plan(w.snapshot, w.leading, w.now), "gate")
}

func TestGateAtStartIsAskedBeforeTheFirstBatchAndOverridden(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.At, g.Scope = states.AtStart, states.ScopeService })}
	})
	w.ill = map[string]bool{"n02": true}
	w.run()
	w.stands(states.Paused, states.ByGate, "n02 is critical")
	if len(w.went("version 2")) != 0 {
		w.fail("somebody went before the gate held")
	}
	w.ask(states.Request{Kind: states.AskResume, Overrides: []string{"gate=web-passing"}})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestNewLeaderCountsAGateAnew(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.PassingFor = minute })}
	})
	w.until("it passes for a while", func() bool { return len(w.record().Gates) > 0 })
	w.now, w.leading = w.now.Add(59*time.Second), Leading{Who: "bob", Epoch: 9}
	decision, _ := w.plan()
	if decision.Change == nil || decision.Change.Entry.Event != states.EventGate {
		w.fail("want the gate noted anew, got %+v", decision)
	}
	w.now = w.now.Add(30 * time.Second)
	decision, _ = w.plan()
	w.waits(decision, "gate")
}

func TestLastBatchStandsItsTestsToo(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Policy.Batches = []states.Size{states.Percent(100)}
		t.Gates = []states.Gate{webGate(nil)}
	})
	w.ill = map[string]bool{"n00": true, "n01": true, "n02": true}
	w.run()
	w.stands(states.Paused, states.ByGate, "web on n00 is critical")
	w.ill = nil
	w.ask(states.Request{Kind: states.AskResume})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestTheSameMoveTypedAgainIsNoWayRoundAGate(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Policy.Batches = []states.Size{states.Percent(100)}
		t.Gates = []states.Gate{{Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, Timeout: minute}}
	})
	w.gates = map[string]string{"lb": states.GateFail}
	w.run()
	w.stands(states.Paused, states.ByGate, "lb")
	w.move("version", "2")
	w.run()
	w.stands(states.Paused, states.ByGate, "lb")
	w.gates["lb"] = states.GatePass
	w.move("version", "2")
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestRollbackAsksNoGateThatLooksAtTheWhole(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {
		t.Policy.OnFailure, t.Policy.Approve = states.RollbackOnFailure, states.ApproveAfterFirstBatch
		t.Gates = []states.Gate{{Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, Timeout: minute}}
	})
	w.gates = map[string]string{"lb": states.GateFail}
	w.run()
	w.stands(states.Done, "", "version 1 is reached")
}

// Who failed and is given another chance is asked about after that, and not before: its checks cannot pass
// before it has gone.
func TestAGateDoesNotKeepWhoFailedFromTryingAgain(t *testing.T) {
	for _, scope := range []string{states.ScopeBatch, states.ScopeService} {
		w := toVersion2(t, 3, func(t *states.Transition) {
			t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.Scope = scope })}
		})
		w.agents["n00"].bad, w.ill = true, map[string]bool{"n00": true}
		w.run()
		w.stands(states.Paused, states.ByFailures, "")
		w.agents["n00"].bad = false
		w.ask(states.Request{Kind: states.AskRetry})
		w.until("it goes once more", func() bool { return w.record().Batch.Seq > 1 && w.record().Batch.Ended.IsZero() })
		w.until("it is there", func() bool { return w.agents["n00"].self.State.Argument == "2" })
		w.settle()
		decision, _ := w.plan()
		w.waits(decision, "gate")
		w.ill = nil
		w.run()
		w.stands(states.Done, "", "reached")
	}
}

// A stop in the middle of a batch whose node then failed a try, of which it has more, is no dead end: that node
// goes once more before a gate asks about it.
func TestAGateDoesNotKeepACutBatchFromGoingOn(t *testing.T) {
	for _, scope := range []string{states.ScopeBatch, states.ScopeService} {
		w := toVersion2(t, 3, func(t *states.Transition) {
			t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.Scope = scope })}
		})
		first := w.agents["n00"]
		w.until("it runs", func() bool { return first.self.Last.Going() && first.self.Last.State.Argument == "2" })
		w.ask(states.Request{Kind: states.AskPause})
		w.plan()
		first.self.Last.Outcome, first.self.Due, w.ill = states.ExitedBadly, false, map[string]bool{"n00": true}
		w.report("n00")
		w.run()
		w.stands(states.Paused, states.ByOperator, "")
		w.ask(states.Request{Kind: states.AskResume})
		w.until("it goes once more", func() bool { return first.self.Last.Going() })
		w.ill = nil
		w.run()
		w.stands(states.Done, "", "reached")
	}
}

// Nor is a hold in the middle of a batch that is taken back before its gate has passed: who was held goes in a batch
// to come, and is asked about after that.
func TestAGateDoesNotKeepWhoWasHeldFromGoing(t *testing.T) {
	for _, scope := range []string{states.ScopeBatch, states.ScopeService} {
		w := toVersion2(t, 4, func(t *states.Transition) {
			t.Policy.Batches = []states.Size{states.Nodes(2)}
			t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.Scope, g.PassingFor = scope, minute })}
		})
		w.ill = map[string]bool{"n00": true}
		for w.record().Towards().Argument != "2" || w.record().Batch.Number == 0 {
			w.plan()
		}
		w.ask(states.Request{Kind: states.AskHold, Node: "n00"})
		w.plan()
		w.until("its batch is over without it", func() bool { return w.record().Batch.Number == 1 && !w.record().Batch.Ended.IsZero() })
		w.ask(states.Request{Kind: states.AskPause}) // its order is worth nothing after that
		w.run()
		w.ask(states.Request{Kind: states.AskUnhold, Node: "n00"})
		w.ask(states.Request{Kind: states.AskResume})
		w.until("it is there", func() bool { return w.agents["n00"].self.State.Argument == "2" })
		w.settle()
		decision, _ := w.plan()
		w.waits(decision, "gate")
		w.ill = nil
		w.run()
		w.stands(states.Done, "", "reached")
	}
}
