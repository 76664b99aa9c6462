package orchestrator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/states"
)

const minute = states.Duration(time.Minute)

// toVersion2 starts the move that these tests are about.
func toVersion2(t *testing.T, n int, edit func(*states.Transition)) *world {
	w := serving(t, rollout(edit), n)
	w.move("version", "2")
	return w
}

func (w *world) stands(status, cause, reason string) {
	w.t.Helper()
	if r := w.record(); r.Status != status || r.Cause != cause || !strings.Contains(r.Reason, reason) {
		w.fail("want %s %s (%s), got %s %s: %s", status, cause, reason, r.Status, r.Cause, r.Reason)
	}
}

func (w *world) waits(decision Decision, kind string) Wait {
	w.t.Helper()
	for _, wait := range decision.Waits {
		if wait.Kind == kind {
			return wait
		}
	}
	w.fail("want a wait for %s, got %+v", kind, decision.Waits)
	return Wait{}
}

// over waits until the n-th batch of the move is over.
func (w *world) over(n int) {
	w.t.Helper()
	w.until("the batch is over", func() bool {
		return w.record().Target.Argument == "2" && w.record().Batch.Number == n && !w.record().Batch.Ended.IsZero()
	})
}

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

func TestFloorCutsBatches(t *testing.T) {
	w := toVersion2(t, 6, func(t *states.Transition) {
		t.Policy.Batches, t.Policy.MinHealthy = []states.Size{states.Nodes(3)}, states.Percent(75)
	})
	w.until("the first batch", func() bool { return w.record().Batch.Number == 1 })
	batch := w.record().Batch
	if batch.Count != 1 || !strings.Contains(batch.Note, "cut to 1 by min_healthy = 75% (5 of 6 must stay healthy)") {
		w.fail("want one node of three, got %d: %q", batch.Count, batch.Note)
	}
	t.Run("a node that dies in mid-batch leaves no room for the next", func(t *testing.T) {
		w.kill("n05")
		w.over(1)
		decision := w.stepless()
		wait := w.waits(decision, "floor")
		if !strings.Contains(wait.Reason, "5 of 6 are healthy, and 5 must stay so") {
			w.fail("floor: %s", wait.Reason)
		}
	})
	t.Run("and back it goes on", func(t *testing.T) {
		w.agents["n05"].up = true
		w.report("n05")
		w.run()
		w.stands(states.Done, "", "reached")
	})
}

// stepless plans until there is no step to take, and gives the reasons.
func (w *world) stepless() Decision {
	for range 100 {
		if decision, stepped := w.plan(); !stepped {
			return decision
		}
	}
	w.fail("steps without end")
	return Decision{}
}

func TestFloorCountsOnlyTheHealthy(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches, t.Policy.MinHealthy, t.Policy.MaxFailures = []states.Size{states.Nodes(4)}, states.Nodes(3), states.Nodes(9)
	}), 4)
	for _, name := range []string{"n02", "n03"} { // they fell over some time ago
		w.agents[name].self.Attempting = states.State{Name: "version", Argument: "1", Serving: true}
		w.report(name)
	}
	w.move("version", "2")
	w.until("the first batch", func() bool { return w.record().Batch.Number == 1 })
	if got := w.record().Batch.Nodes; !slices.Equal(got, []string{"n02", "n03"}) {
		w.fail("nodes that are not healthy cost nothing, healthy ones are too few: %v", got)
	}
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestFloorThatCanNeverBeKeptIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		least  states.Size
		target string
		want   string
	}{
		"all must stay":       {states.Percent(100), "version", "all 4 known nodes must stay healthy"},
		"more than there are": {states.Nodes(5), "version", "5 must stay healthy, and 4 nodes are known"},
		"to where none serve": {states.Nodes(1), "off", "off serves nobody"},
		"one may go":          {states.Nodes(3), "version", ""},
	} {
		t.Run(name, func(t *testing.T) {
			definition := tier()
			for i := range definition.Transitions {
				definition.Transitions[i].Policy.MinHealthy = test.least
			}
			w := serving(t, definition, 4)
			argument := ""
			if test.target == "version" {
				argument = "2"
			}
			id := w.move(test.target, argument)
			w.run()
			if answer := w.answered(id); answer.Refused != (test.want != "") || !strings.Contains(answer.Reason, test.want) {
				w.fail("%+v", answer)
			}
		})
	}
}

func TestSoakLooksAgain(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {
		t.Policy.Soak = states.Duration(30 * time.Second)
		t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.Scope, g.Timeout = states.ScopeBatch, 10*minute })}
	})
	w.over(1)
	ended := w.now
	w.waits(w.stepless(), "soak")
	w.ill = map[string]bool{"n00": true} // the canary, half a minute after its converge
	w.run()
	w.stands(states.Paused, states.ByHealth, "3 of 4 nodes are healthy after the soak of batch 1, and 4 were before: n00 (web is critical)")
	if w.now.Sub(ended) < 30*time.Second || w.at("version 2") != 1 {
		w.fail("it did not wait for the soak, or went on: %s, %d", w.now.Sub(ended), w.at("version 2"))
	}
	w.ill = nil
	w.ask(states.Request{Kind: states.AskResume})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestApprovalIsForTheBatchThatWasLookedAt(t *testing.T) {
	w := toVersion2(t, 5, func(t *states.Transition) { t.Policy.Approve = states.ApproveAfterEachBatch })
	decision := w.run()
	w.waits(decision, "approval")
	if w.record().Awaiting != states.AwaitApproval || w.at("version 2") != 1 {
		w.fail("awaiting %q with %d at version 2", w.record().Awaiting, w.at("version 2"))
	}
	early := w.ask(states.Request{Kind: states.AskApprove, Batch: 2})
	w.run()
	if answer := w.answered(early); !answer.Refused || !strings.Contains(answer.Reason, "batch 2") {
		w.fail("a batch that nobody saw was approved: %+v", answer)
	}
	w.ask(states.Request{Kind: states.AskApprove, Batch: 1, Why: "looks good"})
	w.run()
	if w.at("version 2") != 3 {
		w.fail("%d at version 2", w.at("version 2"))
	}
	late := w.ask(states.Request{Kind: states.AskApprove, Batch: 1})
	w.run()
	if w.at("version 2") != 3 || w.answered(late).Refused {
		w.fail("an approval counted twice")
	}
	w.ask(states.Request{Kind: states.AskApprove, Batch: 2})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestApprovalBeforeTheStart(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) { t.Policy.Approve = states.ApproveBeforeStart })
	w.run()
	if len(w.went("version 2")) != 0 {
		w.fail("somebody went")
	}
	w.ask(states.Request{Kind: states.AskApprove})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestStepAsksAfterEveryBatch(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 3)
	w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "2"}, Step: true})
	w.run()
	if w.record().Awaiting == "" || w.at("version 2") != 1 {
		w.fail("it did not ask")
	}
}

func TestCanaryThatDiesIsReplaced(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {})
	w.until("the canary has its order", func() bool { return w.record().Batch.Number == 1 })
	canary := w.record().Batch.Nodes[0]
	w.kill(canary)
	w.until("another goes", func() bool { return len(w.went("version 2")) > 0 })
	if w.record().Batch.Number != 1 || w.node(canary).Order.Value.Void == "" || w.went("version 2")[0] == canary {
		w.fail("batch %+v", w.record().Batch)
	}
	w.bound()
	t.Run("and runs nothing on its return but what it is ordered", func(t *testing.T) {
		w.agents[canary].up = true
		w.report(canary)
		if v := w.verdict(canary); v.Go {
			w.fail("it goes: %s", v.Reason)
		}
	})
}

func TestOrderOfNodes(t *testing.T) {
	rack := func(w *world) {
		for i, name := range w.names() {
			w.agents[name].group = map[string]string{"rack": "r" + string('1'+rune(i%2))}
			w.report(name)
		}
	}
	one := func(edit func(*states.Transition)) func(*states.Transition) {
		return func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)}; edit(t) }
	}
	for name, test := range map[string]struct {
		edit  func(*states.Transition)
		world func(*world)
		want  string
	}{
		"by name": {one(func(t *states.Transition) { t.Policy.NodeOrder = states.OrderName }), func(w *world) {
			w.agents["n03"].self.Attempting = states.State{Name: "version", Argument: "1"}
			w.report("n03")
		}, "n00 n01 n02 n03 n04"},
		"unhealthy first": {one(func(t *states.Transition) {}), func(w *world) {
			w.agents["n03"].self.Attempting = states.State{Name: "version", Argument: "1"}
			w.report("n03")
		}, "n03 n00 n01 n02 n04"},
		"sick before well": {one(func(t *states.Transition) {
			t.Gates = []states.Gate{webGate(func(g *states.Gate) { g.Timeout = 60 * minute })}
		}), func(w *world) { w.ill = map[string]bool{"n02": true} }, "n02"},
		"random, by a seed": {one(func(t *states.Transition) { t.Policy.NodeOrder, t.Policy.Seed = states.OrderRandom, 4 }), nil, "n01 n00 n02 n03 n04"},
		"one group at a time": {func(t *states.Transition) {
			t.Policy.Batches, t.Policy.GroupBy = []states.Size{states.Nodes(2)}, "rack"
		}, rack, "n00 n02 n04 n01 n03"},
		"the primary last": {one(func(t *states.Transition) { t.Primary = &states.Primary{Lock: "db/leader"} }), func(w *world) { w.primary = []string{"n00"} }, "n01 n02 n03 n04 n00"},
		"the primary alone": {func(t *states.Transition) {
			t.Policy.Batches, t.Primary = []states.Size{states.Percent(100)}, &states.Primary{Lock: "db/leader"}
		}, func(w *world) { w.primary = []string{"n02"} }, "n00 n01 n03 n04 n02"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, rollout(test.edit), 5)
			if test.world != nil {
				test.world(w)
			}
			w.move("version", "2")
			w.run()
			if got := strings.Join(w.went("version 2"), " "); got != test.want {
				w.fail("want %s, got %s", test.want, got)
			}
		})
	}
}

func TestFirstGroupSoaksLonger(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches, t.Policy.GroupBy = []states.Size{states.Nodes(2)}, "rack"
		t.Policy.Soak, t.Policy.FirstGroupSoak = states.Duration(time.Second), 10*minute
	}), 6)
	for i, name := range w.names() {
		w.agents[name].group = map[string]string{"rack": "r" + string('1'+rune(i/2))}
		w.report(name)
	}
	w.move("version", "2")
	begun := map[int]time.Time{}
	w.until("it is done", func() bool {
		if n := w.record().Batch.Number; begun[n].IsZero() {
			begun[n] = w.now
		}
		return w.record().Status == states.Done && w.record().Target.Argument == "2"
	})
	if first, second := begun[2].Sub(begun[1]), begun[3].Sub(begun[2]); first < 10*time.Minute || second > time.Minute {
		w.fail("the first group soaked %s, the second %s", first, second)
	}
}

func TestPrimaryThatNobodyKnowsHoldsTheMove(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) { t.Primary = &states.Primary{Lock: "db/leader"} })
	w.plan()
	w.snapshot.Evidence = states.Evidence{Primary: states.Primaries{Problem: "permission denied", At: w.now}}
	w.waits(Plan(w.snapshot, w.leading, w.now), "primary")
}

func TestBatchFailures(t *testing.T) {
	one := states.Nodes(0)
	w := toVersion2(t, 5, func(t *states.Transition) {
		t.Policy.MaxFailures, t.Policy.BatchFailures, t.Policy.Batches = states.Nodes(4), &one, []states.Size{states.Nodes(2)}
	})
	w.agents["n01"].bad = true
	w.settle()
	w.stands(states.Paused, states.ByFailures, "1 node of batch 1 failed, 0 allowed (batch_failures = 0): n01")
	w.ask(states.Request{Kind: states.AskResume})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestProgressDeadline(t *testing.T) {
	slow := func(t *states.Transition) {
		t.Policy.ProgressDeadline, t.Policy.MinHealthy = 10*minute, states.Nodes(3)
		t.Policy.ConvergeTimeout, t.Policy.OnLost = 600*minute, states.SkipLost
	}
	w := toVersion2(t, 4, slow)
	w.over(1)
	w.kill("n03")
	w.waits(w.stepless(), "floor")
	t.Run("its clock stands still while paused", func(t *testing.T) {
		w.now = w.now.Add(9 * time.Minute)
		w.ask(states.Request{Kind: states.AskPause})
		w.settle()
		w.now = w.now.Add(time.Hour)
		w.ask(states.Request{Kind: states.AskResume})
		w.settle()
		w.now = w.now.Add(9 * time.Minute)
		w.settle()
		w.stands(states.Running, "", "")
	})
	w.run()
	w.stands(states.Paused, states.ByDeadline, "no progress for 10m (progress_deadline): 3 of 4 are healthy, and 3 must stay so")
}

func TestWaitingForAPersonIsNoLackOfProgress(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Policy.ProgressDeadline, t.Policy.Approve = 10*minute, states.ApproveAfterFirstBatch
	})
	w.run()
	w.now = w.now.Add(100 * time.Hour)
	w.settle()
	w.stands(states.Running, "", "waits for approval")
	w.ask(states.Request{Kind: states.AskApprove, Batch: 1})
	w.run()
	w.stands(states.Done, "", "reached")
}

func TestRollbackTakesBackWhatMoved(t *testing.T) {
	w := toVersion2(t, 6, func(t *states.Transition) {
		back := t.Policy
		back.Batches = []states.Size{states.Nodes(2)}
		t.Policy.OnFailure, t.Rollback = states.RollbackOnFailure, &back
	})
	w.until("three are there, and one runs", func() bool { return len(w.went("version 2")) == 4 })
	w.agents["n04"].bad = true
	forward := w.record().ID
	before := w.snapshot.Desired.Value.Generation
	w.until("it goes back", func() bool { return w.record().Undoes != "" })
	if d := w.snapshot.Desired.Value; w.record().Undoes != forward || d.State.Argument != "1" || d.Generation != before+1 || d.Transition != w.record().ID {
		w.fail("record and desired state must turn in one transaction: %+v", d)
	}
	w.agents["n04"].bad = false
	w.run()
	w.stands(states.Done, "", "version 1 is reached")
	if got := strings.Join(w.went("version 1"), " "); got != "n03 n04 n01 n02 n00" {
		w.fail("who went last goes back first, who never went gets no run: %s", got)
	}
	if sizes := w.sizes(); !slices.Equal(sizes, []int{2, 2, 1}) {
		w.fail("its own batches: %v", sizes)
	}
	if !w.record().Automatic() || w.at("version 1") != 6 {
		w.fail("%+v", w.record())
	}
}

// sizes lists the batches of the move.
func (w *world) sizes() []int {
	var sizes []int
	for _, b := range w.record().Batches {
		sizes = append(sizes, b.Count)
	}
	return sizes
}

func TestRollbackThatFailsPauses(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) { t.Policy.OnFailure = states.RollbackOnFailure })
	w.agents["n00"].bad = true
	w.settle()
	w.run()
	w.stands(states.Paused, states.ByFailures, "n00")
	if w.record().Undoes == "" || w.snapshot.Desired.Value.State.Argument != "1" {
		w.fail("a rollback never rolls back again: %+v", w.record())
	}
}

func TestRollbackByHand(t *testing.T) {
	rollback := func(w *world, r states.Request) states.Answer {
		r.Kind = states.AskRollback
		id := w.ask(r)
		w.run()
		return w.answered(id)
	}
	t.Run("of a running move", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.until("two are there", func() bool { return w.at("version 2") == 2 })
		if answer := rollback(w, states.Request{}); answer.Refused || w.at("version 1") != 4 {
			w.fail("%+v, %d at version 1", answer, w.at("version 1"))
		}
	})
	t.Run("of one that is done, to the state before", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.run()
		if rollback(w, states.Request{}); w.at("version 1") != 4 {
			w.fail("%d at version 1", w.at("version 1"))
		}
	})
	t.Run("to any state that was reached", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.run()
		if rollback(w, states.Request{Target: states.Ref{Name: "converged"}, To: "t-3"}); w.at("converged") != 4 {
			w.fail("%d converged", w.at("converged"))
		}
	})
	t.Run("with most nodes dead", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.run()
		for _, name := range []string{"n01", "n02", "n03"} {
			w.kill(name)
		}
		if answer := rollback(w, states.Request{}); answer.Refused || w.at("version 1") != 1 {
			w.fail("%+v, %d at version 1", answer, w.at("version 1"))
		}
	})
	t.Run("with nowhere to go", func(t *testing.T) {
		w := born(t, tier(), 2)
		if answer := rollback(w, states.Request{}); !answer.Refused {
			w.fail("%+v", answer)
		}
	})
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

func TestRetry(t *testing.T) {
	w := toVersion2(t, 5, func(t *states.Transition) {})
	w.agents["n01"].bad = true
	w.settle()
	w.stands(states.Paused, states.ByFailures, "n01")
	moved := len(w.went("version 2"))
	w.agents["n01"].bad = false
	w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	w.stands(states.Done, "", "reached")
	got := w.went("version 2")
	if len(got) != 6 || slices.Contains(got[moved:], "n00") {
		w.fail("only who failed and who never went: %v then %v", got[:moved], got[moved:])
	}
}

func TestRetryOfWhatWasTolerated(t *testing.T) {
	w := toVersion2(t, 5, func(t *states.Transition) { t.Policy.MaxFailures = states.Nodes(2) })
	w.agents["n01"].bad, w.agents["n02"].bad = true, true
	w.settle()
	w.stands(states.Done, "", "reached")
	if w.node("n01").Status.Value.Failed.ID == "" {
		w.fail("the failure is not visible any more")
	}
	w.agents["n01"].bad, w.agents["n02"].bad = false, false
	id := w.ask(states.Request{Kind: states.AskRetry, Nodes: []string{"n01"}})
	w.run()
	if w.at("version 2") != 4 || w.answered(id).Refused {
		w.fail("%d at version 2: %+v", w.at("version 2"), w.answered(id))
	}
	w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	if w.at("version 2") != 5 {
		w.fail("%d at version 2", w.at("version 2"))
	}
	id = w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	if answer := w.answered(id); answer.Refused || !strings.Contains(answer.Reason, "nothing to do") {
		w.fail("%+v", answer)
	}
}

func TestRetryOfSomeIsRefusedWhileTheBudgetStaysSpent(t *testing.T) {
	w := toVersion2(t, 5, func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(3)} })
	w.agents["n01"].bad, w.agents["n02"].bad = true, true
	w.settle()
	id := w.ask(states.Request{Kind: states.AskRetry, Nodes: []string{"n01"}})
	w.run()
	if answer := w.answered(id); !answer.Refused || !strings.Contains(answer.Reason, "1 node would still be failed") {
		w.fail("%+v", answer)
	}
}

func TestHeldNodeIsLeftAlone(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 4)
	w.ask(states.Request{Kind: states.AskHold, Node: "n01", Why: "disk swap"})
	w.run()
	w.move("version", "2")
	w.run()
	w.stands(states.Done, "", "reached")
	if w.at("version 2") != 3 || slices.Contains(w.went("version 2"), "n01") {
		w.fail("%d at version 2: %v", w.at("version 2"), w.went("version 2"))
	}
	w.ask(states.Request{Kind: states.AskUnhold, Node: "n01"})
	w.run()
	if w.at("version 2") != 4 {
		w.fail("let go of, it did not catch up")
	}
}

func TestHoldEndsByItself(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 3)
	w.ask(states.Request{Kind: states.AskHold, Node: "n01", Why: "disk swap", Until: w.now.Add(time.Hour)})
	w.run()
	w.move("version", "2")
	w.run()
	if w.at("version 2") != 2 {
		w.fail("%d at version 2", w.at("version 2"))
	}
	w.now = w.now.Add(2 * time.Hour)
	w.run()
	if w.at("version 2") != 3 {
		w.fail("the hold is over, and it did not catch up")
	}
}

func TestHeldOrderIsVoid(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {})
	w.until("the canary has its order", func() bool { return w.record().Batch.Number == 1 })
	canary := w.record().Batch.Nodes[0]
	w.ask(states.Request{Kind: states.AskHold, Node: canary, Why: "no"})
	w.until("it is held", func() bool { return w.node(canary).Order.Value.Held != nil })
	w.until("another batch goes", func() bool { return w.record().Batch.Number == 2 })
	w.ask(states.Request{Kind: states.AskUnhold, Node: canary})
	w.until("it is let go of", func() bool { return w.node(canary).Order.Value.Held == nil })
	if v := w.verdict(canary); v.Go {
		w.fail("it goes beside the batch: %s", v.Reason)
	}
	w.bound()
	w.run()
	if w.at("version 2") != 4 {
		w.fail("%d at version 2", w.at("version 2"))
	}
}

func TestReconverge(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 5)
	generation := w.snapshot.Desired.Value.Generation
	w.ask(states.Request{Kind: states.AskReconverge})
	for range 20 {
		w.plan()
		w.bound()
	}
	w.run()
	w.stands(states.Done, "", "reached")
	if got := w.went("version 1"); len(got) != 5 || w.at("version 1") != 5 || w.snapshot.Desired.Value.Generation == generation {
		w.fail("want each node once: %v", got)
	}
	t.Run("a node that missed it catches up", func(t *testing.T) {
		w.agents["n00"].self.AgainDone = "older"
		w.report("n00")
		w.settle()
		if got := w.went("version 1"); len(got) != 6 {
			w.fail("%v", got)
		}
	})
	t.Run("of one node", func(t *testing.T) {
		w.story = nil
		w.ask(states.Request{Kind: states.AskReconverge, Nodes: []string{"n03"}})
		w.run()
		w.stands(states.Done, "", "reached")
		if got := w.went("version 1"); !slices.Equal(got, []string{"n03"}) {
			w.fail("%v", got)
		}
	})
}

func TestRequirements(t *testing.T) {
	db := func(state string, settled bool) map[string]states.Elsewhere {
		ref, _ := states.ParseRef(state)
		return map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: ref.Name, Argument: ref.Argument}, Settled: settled, Reason: "paused", Index: 77}}
	}
	requires := func(wait states.Duration) func(*states.Transition) {
		return func(t *states.Transition) {
			t.Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "converged"}, {Name: "schema"}}, Wait: wait}}
		}
	}
	t.Run("refused where it need not be waited for", func(t *testing.T) {
		w := serving(t, rollout(requires(0)), 3)
		w.elsewhere = db("off", true)
		id := w.move("version", "2")
		w.run()
		if answer := w.answered(id); !answer.Refused || !strings.Contains(answer.Reason, "requires db settled at converged or schema, and it is at off") {
			w.fail("%+v", answer)
		}
	})
	t.Run("waited for, and no longer than that", func(t *testing.T) {
		w := serving(t, rollout(requires(10*minute)), 3)
		w.elsewhere = db("schema 42", false)
		w.move("version", "2")
		w.plan()
		w.waits(w.stepless(), "requires")
		w.run()
		w.stands(states.Paused, states.ByRequires, "it is not at rest: paused")
		w.elsewhere = db("schema 42", true)
		w.ask(states.Request{Kind: states.AskResume})
		w.run()
		w.stands(states.Done, "", "reached")
	})
	t.Run("overridden while it is waited for", func(t *testing.T) {
		w := serving(t, rollout(requires(10*minute)), 3)
		w.elsewhere = db("off", true)
		w.move("version", "2")
		w.plan()
		w.waits(w.stepless(), "requires")
		w.ask(states.Request{Kind: states.AskResume, Overrides: []string{"requires=db"}})
		w.run()
		w.stands(states.Done, "", "reached")
	})
	t.Run("asked before each batch, and relied on in the transaction", func(t *testing.T) {
		w := serving(t, rollout(requires(10*minute)), 4)
		w.elsewhere = db("converged", true)
		w.move("version", "2")
		w.plan()
		decision, _ := w.plan()
		if decision.Change == nil || decision.Change.Settled["db"] != 77 {
			w.fail("the step does not rest on what was seen: %+v", decision.Change)
		}
		w.over(1)
		w.elsewhere = db("off", false)
		w.waits(w.stepless(), "requires")
	})
	t.Run("unknown is not settled", func(t *testing.T) {
		w := serving(t, rollout(requires(minute)), 3)
		w.move("version", "2")
		w.run()
		w.stands(states.Paused, states.ByRequires, "nobody has looked yet")
	})
}

func TestReversedRequirementsOfOffAreAsked(t *testing.T) {
	definition := tier()
	definition.Transitions[0].Requires = []states.Requirement{{Cluster: "front", States: []states.Ref{{Name: "off"}}}}
	w := serving(t, definition, 2)
	w.elsewhere = map[string]states.Elsewhere{"front": {There: true, Settled: true, State: states.State{Name: "converged"}}}
	id := w.move("off", "")
	w.run()
	if !w.answered(id).Refused {
		w.fail("the backend went off under its frontend")
	}
	w.elsewhere["front"] = states.Elsewhere{There: true, Settled: true, State: states.State{Name: "off"}}
	w.move("off", "")
	w.run()
	if w.at("off") != 2 {
		w.fail("%d off", w.at("off"))
	}
}

func TestPreviewOfARollbackNamesWhoGoesBack(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {})
	w.until("two are there", func() bool { return w.at("version 2") == 2 })
	preview := Foresee(w.snapshot, states.Request{ID: "q-x", Kind: states.AskRollback, Transition: w.record().ID, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}, w.leading, w.now)
	if preview.Refused != "" || preview.Held != "" || preview.Record.Status != states.Done {
		t.Fatalf("%+v", preview)
	}
	var names []string
	for _, b := range preview.Batches {
		names = append(names, b.Nodes...)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"n00", "n01", "n02"}, slices.Compact(names)); diff != "" {
		t.Error(diff)
	}
}
