package orchestrator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// 1. broken + progress deadline writes
func TestBrokenWritesNothingEvenAfterTheDeadline(t *testing.T) {
	for name, spoil := range map[string]func(*states.Snapshot){
		"desired is garbage": func(s *states.Snapshot) {
			s.Desired = states.Doc[states.Desired]{Index: s.Desired.Index, Problem: "unexpected end of JSON"}
		},
		"desired is gone": func(s *states.Snapshot) { s.Desired = states.Doc[states.Desired]{} },
		"a node saw more": func(s *states.Snapshot) { s.Nodes[0].Status.Value.Generation = 99 },
	} {
		t.Run(name, func(t *testing.T) {
			w := toVersion2(t, 3, func(t *states.Transition) { t.Policy.ProgressDeadline = 10 * minute })
			w.until("the first batch", func() bool { return w.record().Batch.Number == 1 })
			spoil(&w.snapshot)
			if d := Plan(w.snapshot, w.leading, w.now.Add(time.Hour)); d.Change != nil {
				t.Errorf("it writes %s (%s) over what it cannot use: %+v", d.Change.Entry.Event, d.Reason, d.Change.Desired)
			}
		})
	}
}

// 2. rollback typed twice
func TestRollbackTypedAgainWhileItRuns(t *testing.T) {
	t.Run("by hand in mid-move", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.until("two are there", func() bool { return w.at("version 2") == 2 })
		w.ask(states.Request{Kind: states.AskRollback})
		w.until("it goes back", func() bool { return w.record().Undoes != "" })
		w.ask(states.Request{Kind: states.AskRollback})
		w.run()
		if w.at("version 1") != 4 {
			w.fail("rollback typed twice ends at %s", w.snapshot.Desired.Value.State)
		}
	})
	t.Run("while an automatic one runs", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) { t.Policy.OnFailure = states.RollbackOnFailure })
		w.until("two are there", func() bool { return w.at("version 2") == 2 })
		w.agents["n03"].bad, w.agents["n02"].bad = true, true
		w.until("it goes back", func() bool { return w.record().Undoes != "" })
		w.agents["n03"].bad, w.agents["n02"].bad = false, false
		w.ask(states.Request{Kind: states.AskRollback})
		w.run()
		if w.at("version 1") != 4 {
			w.fail("ends at %s", w.snapshot.Desired.Value.State)
		}
	})
	t.Run("of one that paused", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) { t.Policy.OnFailure = states.RollbackOnFailure })
		w.agents["n00"].bad = true
		w.settle()
		w.run()
		w.stands(states.Paused, states.ByFailures, "n00")
		w.agents["n00"].bad = false
		w.ask(states.Request{Kind: states.AskRollback})
		w.run()
		if w.at("version 1") != 4 {
			w.fail("ends at %s", w.snapshot.Desired.Value.State)
		}
	})
	t.Run("of a move that was done", func(t *testing.T) {
		w := toVersion2(t, 4, func(t *states.Transition) {})
		w.run()
		w.ask(states.Request{Kind: states.AskRollback})
		w.until("it goes back", func() bool { return w.record().Undoes != "" && w.at("version 1") == 1 })
		w.ask(states.Request{Kind: states.AskRollback})
		w.run()
		if w.at("version 1") != 4 {
			w.fail("ends at %s", w.snapshot.Desired.Value.State)
		}
	})
}

// 3. hold + unhold in mid-batch
func TestHeldAndLetGoOfInMidBatch(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(2)} }), 6)
	w.move("version", "2")
	w.until("the batch has orders", func() bool { return w.record().Batch.Number == 1 && w.record().Target.Argument == "2" })
	w.act("n01") // n01 claims, and runs
	w.ask(states.Request{Kind: states.AskHold, Node: "n00", Why: "a look"})
	w.until("held", func() bool { return w.node("n00").Order.Value.Held != nil })
	w.agents["n01"].self.Last.Outcome = "" // still running
	w.ask(states.Request{Kind: states.AskUnhold, Node: "n00"})
	for range 10 {
		w.plan()
	}
	for range 50 {
		w.settle()
		d, _ := w.plan()
		if d.Idle {
			break
		}
		if !d.Wake.IsZero() && d.Wake.After(w.now) {
			w.now = d.Wake
		} else {
			w.now = w.now.Add(time.Minute)
		}
	}
	if w.at("version 2") != 6 {
		d, _ := w.plan()
		w.fail("%d of 6 arrived; after an hour it waits: %+v (now %s)", w.at("version 2"), d, w.now)
	}
}

// 3b. retry of a voided node in a running batch
func TestRetryOfALostNodeInMidBatch(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches, t.Policy.MaxFailures = []states.Size{states.Nodes(2)}, states.Nodes(2)
	}), 6)
	w.move("version", "2")
	w.until("the batch has orders", func() bool { return w.record().Batch.Number == 1 && w.record().Target.Argument == "2" })
	w.act("n01")
	w.agents["n00"].self.Instance = "i-new" // re-provisioned
	w.report("n00")
	w.until("lost", func() bool { _, ok := w.record().CountOf("n00"); return ok || w.agents["n01"].self.Last.Terminal })
	if _, ok := w.record().CountOf("n00"); !ok {
		w.fail("n00 is not counted")
	}
	w.ask(states.Request{Kind: states.AskRetry, Nodes: []string{"n00"}})
	for range 50 {
		w.settle()
		d, _ := w.plan()
		if d.Idle {
			break
		}
		if !d.Wake.IsZero() && d.Wake.After(w.now) {
			w.now = d.Wake
		} else {
			w.now = w.now.Add(time.Minute)
		}
	}
	if w.at("version 2") != 6 {
		d, _ := w.plan()
		w.fail("%d of 6 arrived; after an hour it waits: %+v (now %s)", w.at("version 2"), d, w.now)
	}
}

// 4. pause/resume round a gate
func TestPauseAndResumeIsNoWayRoundAGate(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Policy.Batches = []states.Size{states.Percent(100)}
		t.Gates = []states.Gate{{Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, Timeout: minute}}
	})
	w.gates = map[string]string{"lb": states.GateFail}
	w.until("all run", func() bool { return len(w.went("version 2")) == 3 })
	w.ask(states.Request{Kind: states.AskPause})
	w.run()
	w.ask(states.Request{Kind: states.AskResume})
	w.run()
	w.stands(states.Paused, states.ByGate, "lb")
}

func TestPauseAndResumeIsNoWayRoundAGateBetweenBatches(t *testing.T) {
	w := toVersion2(t, 6, func(t *states.Transition) {
		t.Policy.Batches = []states.Size{states.Nodes(1)}
		t.Gates = []states.Gate{{Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, Timeout: minute}}
	})
	w.gates = map[string]string{"lb": states.GateFail}
	w.until("canary runs", func() bool { return len(w.went("version 2")) == 1 })
	w.ask(states.Request{Kind: states.AskPause})
	w.run()
	w.ask(states.Request{Kind: states.AskResume})
	w.run()
	if n := len(w.went("version 2")); n != 1 {
		w.fail("%d nodes went although the gate never passed after the canary", n)
	}
}

// 5. newcomer in the soak of the last batch
func TestNewcomerDuringTheLastSoakIsNotLost(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Policy.Batches, t.Policy.Soak = []states.Size{states.Percent(100)}, 30*minute
		t.Policy.OnFailure = states.RollbackOnFailure
	})
	w.until("all there", func() bool { return w.at("version 2") == 3 })
	w.settle()
	w.now = w.now.Add(10 * time.Minute)
	w.add("n09")
	for range 4 { // the leader looks before the new agent has claimed anything
		w.plan()
	}
	w.run()
	w.stands(states.Done, "", "version 2 is reached")
	if w.at("version 2") != 4 {
		w.fail("%d", w.at("version 2"))
	}
}

// 5b unhold in the last soak
func TestUnheldDuringTheLastSoakIsNotLost(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches, t.Policy.Soak = []states.Size{states.Percent(100)}, 30*minute
		t.Policy.OnFailure = states.RollbackOnFailure
	}), 4)
	w.ask(states.Request{Kind: states.AskHold, Node: "n01", Why: "disk"})
	w.run()
	w.move("version", "2")
	w.until("all there", func() bool { return w.at("version 2") == 3 })
	w.settle()
	w.now = w.now.Add(10 * time.Minute)
	w.ask(states.Request{Kind: states.AskUnhold, Node: "n01"})
	for range 4 {
		w.plan()
	}
	w.run()
	w.stands(states.Done, "", "version 2 is reached")
}

// 6. freeze in mid-batch
func TestFreezeInMidBatch(t *testing.T) {
	freeze := func(w *world, on bool) {
		w.snapshot.Freeze = states.Doc[states.Freeze]{}
		if on {
			w.snapshot.Freeze = states.Doc[states.Freeze]{Index: 5, Value: states.Freeze{Word: states.Word{By: "ada", At: w.now}}}
		}
	}
	t.Run("thawed, nobody is late", func(t *testing.T) {
		w := toVersion2(t, 3, func(t *states.Transition) {})
		w.until("ordered", func() bool { return w.record().Batch.Number == 1 })
		freeze(w, true)
		w.now = w.now.Add(3 * time.Hour)
		w.plan()
		freeze(w, false)
		w.run()
		w.stands(states.Done, "", "reached")
	})
	t.Run("is no lack of progress", func(t *testing.T) {
		w := toVersion2(t, 3, func(t *states.Transition) { t.Policy.ProgressDeadline = 45 * minute })
		w.until("ordered", func() bool { return w.record().Batch.Number == 1 })
		freeze(w, true)
		for range 20 {
			w.now = w.now.Add(10 * time.Minute)
			w.plan()
		}
		w.stands(states.Running, "", "")
	})
	t.Run("does not spin", func(t *testing.T) {
		w := toVersion2(t, 3, func(t *states.Transition) {})
		w.until("ordered", func() bool { return w.record().Batch.Number == 1 })
		freeze(w, true)
		w.now = w.now.Add(3 * time.Hour)
		d := w.stepless()
		if !d.Wake.IsZero() && !d.Wake.After(w.now) {
			w.fail("looks again at %s, and it is %s", d.Wake, w.now)
		}
	})
}

// 7. retry of carried or earlier failures
func TestRetryForgivesWhatSpentTheBudget(t *testing.T) {
	t.Run("of an earlier hop", func(t *testing.T) {
		definition := tier()
		definition.Transitions[1].Policy.MaxFailures = states.Nodes(1) // to waiting
		w := born(t, definition, 4)
		w.agents["n01"].bad = true
		w.move("converged", "")
		w.settle()
		w.run()
		w.stands(states.Paused, states.ByFailures, "n01")
		w.agents["n01"].bad = false
		id := w.ask(states.Request{Kind: states.AskRetry})
		w.run()
		if a := w.answered(id); a.Refused {
			w.fail("%s: %s; and the remedy is %s", w.record().Reason, a.Reason, newPlanner(w.snapshot, w.leading, w.now).remedy())
		}
	})
	t.Run("of a replaced move", func(t *testing.T) {
		definition := rollout(func(t *states.Transition) { t.Policy.MaxFailures = states.Nodes(2) })
		w := serving(t, definition, 4)
		w.agents["n01"].bad = true
		w.move("version", "2")
		w.until("n01 failed", func() bool { _, ok := w.record().CountOf("n01"); return ok })
		w.agents["n01"].bad = false
		w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "converged"}, Supersede: true})
		w.run()
		w.stands(states.Paused, states.ByFailures, "n01")
		id := w.ask(states.Request{Kind: states.AskRetry, Nodes: []string{"n01"}})
		w.run()
		if a := w.answered(id); a.Refused {
			w.fail("%s: %s", w.record().Reason, a.Reason)
		}
	})
}

// 8. replacement gets time of its own
func TestReplacementHasItsOwnTime(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {})
	w.until("the canary has its order", func() bool { return w.record().Batch.Number == 1 })
	canary := w.record().Batch.Nodes[0]
	w.now = w.now.Add(80 * time.Second) // its session ends late: allowance is 92s
	w.kill(canary)
	w.until("another goes", func() bool { return len(w.went("version 2")) > 0 })
	w.now = w.now.Add(30 * time.Second) // of the minute that it has
	w.plan()
	if c, bad := w.record().CountOf(w.went("version 2")[0]); bad {
		w.fail("30s into its run of a minute it counts as %s: %s", c.Kind, c.Reason)
	}
}

// A node that was skipped because nothing was heard of it comes back and says how its run ended. One that
// failed is a failure, and may be the one too many; one that was interrupted says nothing of the state.
func TestASkipHidesNoFailure(t *testing.T) {
	for outcome, want := range map[states.Outcome]string{states.TimedOut: states.CountFailed, states.Interrupted: states.CountSkipped} {
		t.Run(string(outcome), func(t *testing.T) {
			w := toVersion2(t, 4, func(t *states.Transition) {
				t.Policy.Batches, t.Policy.OnLost, t.Policy.MaxFailures = []states.Size{states.Nodes(1)}, states.SkipLost, states.Nodes(0)
			})
			w.until("n00 runs", func() bool { return w.agents["n00"].self.Last.Going() })
			w.kill("n00")
			w.until("n00 is skipped", func() bool { c, _ := w.record().CountOf("n00"); return c.Kind == states.CountSkipped })
			n00 := w.agents["n00"]
			n00.up, n00.self.Last.Outcome, n00.self.Last.Terminal = true, outcome, true
			w.report("n00")
			w.settle()
			w.run()
			if c, _ := w.record().CountOf("n00"); c.Kind != want || len(w.record().Counted) != 1 {
				w.fail("counted is %+v", w.record().Counted)
			}
			if failed := w.record().Cause == states.ByFailures; failed != (want == states.CountFailed) || failed && w.at("version 2") > 1 {
				w.fail("%s: %s, and %d went", w.record().Status, w.record().Reason, w.at("version 2"))
			}
		})
	}
}

// 9. rack outage, tolerated; back before the end
func TestLostNodesThatReturnGoInBatches(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches, t.Policy.OnLost = []states.Size{states.Nodes(1)}, states.SkipLost
		t.Policy.MinHealthy = states.Nodes(4)
	}), 8)
	w.move("version", "2")
	w.until("canary there", func() bool { return w.at("version 2") == 1 })
	lost := []string{"n04", "n05", "n06"}
	for _, n := range lost {
		w.kill(n)
	}
	w.until("lost", func() bool { return len(w.record().Counted) == 3 || w.record().Status != states.Running })
	for _, n := range lost {
		w.agents[n].up = true
		w.report(n)
	}
	most := 0
	for range 400 {
		_, stepped := w.plan()
		running := 0
		for _, n := range w.names() {
			v := w.agents[n]
			if !v.self.Last.Going() {
				stepped = w.act(n) || stepped
			}
		}
		for _, n := range w.names() {
			if w.agents[n].self.Last.Going() {
				running++
			}
		}
		most = max(most, running)
		for _, n := range w.names() {
			if w.agents[n].self.Last.Going() {
				w.act(n)
			}
		}
		if w.record().Status == states.Done {
			break
		}
	}
	if most > 1 {
		w.fail("%d ran at once in batches of 1", most)
	}
}

// 10. flapping gate
func TestFlappingGateRunsOutOfTime(t *testing.T) {
	w := toVersion2(t, 3, func(t *states.Transition) {
		t.Gates = []states.Gate{{Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, Timeout: minute}}
	})
	w.gates = map[string]string{"lb": states.GateFail}
	w.over(1)
	before := w.record().Journal
	for i := range 200 { // 50 minutes
		w.gates["lb"] = []string{states.GateFail, states.GateUnknown}[i%2]
		w.now = w.now.Add(15 * time.Second)
		w.plan()
		w.plan()
	}
	if w.record().Status == states.Running {
		w.fail("50 minutes without a pass, timeout is 1m: %s; %d journal entries", w.record().Status, w.record().Journal-before)
	}
}

// 11. requirement that was broken a moment ago, after a long soak
func TestRequirementIsWaitedForFromWhenItBroke(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Soak = 60 * minute
		t.Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "converged"}}, Wait: 10 * minute}}
	}), 4)
	w.elsewhere = map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "converged"}, Settled: true, Index: 7}}
	w.move("version", "2")
	w.over(1)
	for range 30 {
		w.now = w.now.Add(time.Minute)
		w.plan()
	}
	w.elsewhere = map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "converged"}, Settled: false, Reason: "re-converges", Index: 8}}
	w.plan()
	if w.record().Status != states.Running {
		w.fail("db moves since a millisecond, and: %s", w.record().Reason)
	}
}

// 12. rollback to where nobody serves keeps the floor of the way there
func TestRollbackToAStateThatServesNobodyEnds(t *testing.T) {
	definition := tier()
	p := &definition.Transitions[2].Policy
	p.MinHealthy, p.OnFailure = states.Nodes(1), states.RollbackOnFailure
	w := born(t, definition, 4)
	w.move("waiting", "")
	w.settle()
	w.move("converged", "")
	w.until("two there", func() bool { return w.at("converged") == 2 })
	w.agents["n03"].bad, w.agents["n02"].bad = true, true
	w.until("back", func() bool { return w.record().Undoes != "" })
	w.agents["n03"].bad, w.agents["n02"].bad = false, false
	d := w.run()
	if w.at("waiting") != 4 {
		w.fail("%d are back, and it waits for ever: %+v", w.at("waiting"), d)
	}
}

// 13. openAtOnce counts held members
func TestHeldNodesDoNotCountInTheFirstBatch(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Percent(50)} }), 4)
	for _, n := range []string{"n02", "n03"} {
		w.ask(states.Request{Kind: states.AskHold, Node: n})
	}
	w.run()
	w.move("version", "2")
	w.plan()
	if w.snapshot.Desired.Value.Open {
		w.fail("50%% of 2 nodes in play is 1, and both may go: %s", w.record().Batch.Nodes)
	}
}

// 14. forget of an accepted failure
func TestForgettingAnAcceptedFailureBuysNoOther(t *testing.T) {
	w := toVersion2(t, 6, func(t *states.Transition) { t.Policy.Batches = []states.Size{states.Nodes(1)} })
	w.agents["n00"].bad = true
	w.settle()
	w.stands(states.Paused, states.ByFailures, "n00")
	w.kill("n00")
	w.ask(states.Request{Kind: states.AskResume, AcceptFailures: true})
	w.plan()
	w.ask(states.Request{Kind: states.AskForget, Node: "n00"})
	w.plan()
	w.agents["n02"].bad = true
	w.settle()
	w.run()
	w.stands(states.Paused, states.ByFailures, "n02")
}

// 15. hold ends by itself while the node is down
func TestHoldThatEndsByItselfGivesTime(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {
		t.Policy.Batches = []states.Size{states.Nodes(1)}
		t.Policy.Approve = states.ApproveAfterFirstBatch
	}), 4)
	w.ask(states.Request{Kind: states.AskHold, Node: "n03", Until: w.now.Add(time.Hour)})
	w.run()
	w.move("version", "2")
	w.over(1)
	w.kill("n03")
	w.plan()
	w.plan()
	w.now = w.now.Add(time.Hour)
	for range 4 {
		w.plan()
	}
	w.stands(states.Running, "", "")
}

// 16. retry at birth
func TestRetryAtBirthWithoutAgents(t *testing.T) {
	w := &world{t: t, agents: map[string]*agent{}, now: time.Now(), leading: Leading{Who: "ada", Epoch: 1}}
	w.snapshot.Cluster = "web"
	w.snapshot.Definition = states.Doc[states.Cluster]{Value: tier(), Index: 1}
	change, err := Apply(w.snapshot, Application{Definition: tier(), Text: "x", Initial: &states.Ref{Name: "version", Argument: "41"}, ID: "q-b", By: "ada"}, w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(change)
	w.ask(states.Request{Kind: states.AskResume})
	w.plan()
	if a := w.record().Answers; !a[len(a)-1].Refused {
		t.Fatal("resume")
	}
	w.ask(states.Request{Kind: states.AskRetry})
	w.run()
	if w.snapshot.Desired.Value.Open {
		w.fail("open to everybody: %s", w.record().Reason)
	}
}

// 17. from grows
func TestFromDoesNotGrowForEver(t *testing.T) {
	w := serving(t, rollout(func(t *states.Transition) {}), 4)
	w.ask(states.Request{Kind: states.AskHold, Node: "n03"})
	w.run()
	for i := range 30 {
		w.move("version", []string{"2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31"}[i])
		w.run()
	}
	if n := len(w.snapshot.Desired.Value.From); n > 4 {
		w.fail("from has %d states after 30 moves: one node is held", n)
	}
}

// Who has just claimed may take that back, as after a pause of its machine, and has tried then what it had tried before:
// as long as somebody may, nothing that the cluster was leaving is forgotten.
func TestFromKeepsWhatAClaimHides(t *testing.T) {
	w := toVersion2(t, 2, func(*states.Transition) {})
	failed, elsewhere := states.State{Name: "version", Argument: "33"}, states.State{Name: "version", Argument: "4"}
	w.snapshot.Desired.Value.From = []states.State{failed}
	from := func(outcome states.Outcome) []states.State {
		status := &w.node("n00").Status.Value
		status.Attempting, status.Run = elsewhere, states.Run{ID: "r-1", Outcome: outcome, Terminal: outcome != ""}
		return newPlanner(w.snapshot, w.leading, w.now).leaving()
	}
	if !failed.In(from("")) {
		w.fail("its claim may be taken back, and then it tried %s: %v", failed, from(""))
	}
	if failed.In(from(states.ExitedBadly)) {
		w.fail("nobody can have tried %s: %v", failed, from(states.ExitedBadly))
	}
}

// 18. soak longer than the progress deadline
func TestSoakIsNoLackOfProgress(t *testing.T) {
	w := toVersion2(t, 4, func(t *states.Transition) {
		t.Policy.Soak, t.Policy.ProgressDeadline = 60*minute, 45*minute
	})
	w.run()
	w.stands(states.Done, "", "reached")
}

var _ = slices.Contains[[]string]
var _ = strings.Contains
