package orchestrator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// answer takes planner steps until the request is answered.
func (w *world) answer(id string) states.Answer {
	w.t.Helper()
	for range 50 {
		if answer, ok := w.snapshot.Record.Value.AnswerTo(id); ok {
			return answer
		}
		if _, stepped := w.plan(); !stepped {
			break
		}
	}
	w.fail("request %s is never answered", id)
	return states.Answer{}
}

func TestRequestsAreAnswered(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(w *world)
		ask     states.Request
		refused bool
		says    string
	}{
		{"nothing to do", nil, transition("off", ""), false, "nothing to do"},
		{"unknown state", nil, transition("onn", ""), true, `find state "onn"`},
		{"argument that does not fit", nil, transition("version", "x9"), true, "does not match its pattern"},
		{"argument missing", nil, transition("version", ""), true, "takes an argument"},
		{"no path", func(w *world) { w.snapshot.Definition.Value.Transitions = nil }, transition("waiting", ""), true, "no path leads there"},
		{"no definition", func(w *world) { w.snapshot.Definition = states.Doc[states.Cluster]{} }, transition("waiting", ""), true, "apply it again"},
		{"outside of a window", func(w *world) {
			w.snapshot.Definition.Value.Windows = []states.Window{{Name: "nights", Schedule: "0 22 * * *", Duration: states.Duration(time.Hour)}}
		}, transition("waiting", ""), true, `window "nights" is closed since`},
		{"most are gone", gone(4), transition("waiting", ""), true, "2 nodes of 6 known nodes alive"},
		{"most are gone, overridden", gone(4), override(transition("waiting", "")), false, "off -> waiting"},
		{"half are there", gone(3), transition("waiting", ""), false, "off -> waiting"},
		{"via a state", nil, via(transition("converged", ""), "waiting"), false, "off -> waiting -> converged"},
		{"expired", nil, states.Request{Kind: states.AskPause, Expires: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}, true, "expired"},
		{"made against another move", nil, states.Request{Kind: states.AskPause, Transition: "t-old", Generation: 1}, true, "look again"},
		{"made at another generation", nil, states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "waiting"}, Transition: "t-birth", Generation: 7}, true, "generation 7"},
		{"pause when nothing moves", nil, states.Request{Kind: states.AskPause}, false, "nothing to do"},
		{"resume when nothing is paused", nil, states.Request{Kind: states.AskResume}, true, "nothing to resume"},
		{"forget a live node", nil, states.Request{Kind: states.AskForget, Node: "n01"}, true, "alive"},
		{"forget a stranger", nil, states.Request{Kind: states.AskForget, Node: "n99"}, true, "no node"},
		{"forget a dead node", gone(1), states.Request{Kind: states.AskForget, Node: "n00"}, false, "n00 is forgotten"},
		{"a kind that is not known", nil, states.Request{Kind: "dance"}, true, "dance"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := born(t, tier(), 6)
			if c.prepare != nil {
				c.prepare(w)
			}
			expires := c.ask.Expires
			id := w.ask(c.ask)
			if !expires.IsZero() {
				w.snapshot.Requests[0].Value.Expires = expires
			}
			before := w.snapshot.Desired.Value.Generation
			answer := w.answer(id)
			if answer.Refused != c.refused || !strings.Contains(answer.Reason, c.says) {
				t.Errorf("want refused=%v saying %q, got %+v", c.refused, c.says, answer)
			}
			if c.refused && w.snapshot.Desired.Value.Generation != before {
				t.Error("a refused request changed what is wanted")
			}
			if len(w.snapshot.Requests) != 0 {
				t.Error("the request lies there still")
			}
		})
	}
}

func transition(state, argument string) states.Request {
	return states.Request{Kind: states.AskTransition, Target: states.Ref{Name: state, Argument: argument}}
}

func via(r states.Request, stops ...string) states.Request { r.Via = stops; return r }

func override(r states.Request) states.Request { r.Overrides = []string{OverrideMembers}; return r }

// gone takes nodes down, the first n.
func gone(n int) func(*world) {
	return func(w *world) {
		for i := range n {
			name := fmt.Sprintf("n%02d", i)
			w.agents[name].up, w.node(name).Alive = false, false
		}
	}
}

func TestGarbageAmongRequestsIsRefusedAndOutOfTheWay(t *testing.T) {
	w := born(t, tier(), 2)
	w.snapshot.Requests = []states.Doc[states.Request]{{Value: states.Request{ID: "q-bad"}, Index: 3, Problem: "it is empty"}}
	id := w.move("waiting", "")
	if answer := w.answer("q-bad"); !answer.Refused || !strings.Contains(answer.Reason, "it is empty") {
		t.Errorf("%+v", answer)
	}
	if answer := w.answer(id); answer.Refused {
		t.Errorf("%+v", answer)
	}
}

func TestStopsComeFirst(t *testing.T) {
	w := born(t, tier(), 4)
	w.move("waiting", "")
	w.plan()
	w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "off"}, Supersede: true})
	pause := w.ask(states.Request{Kind: states.AskPause})
	w.plan()
	if answer, ok := w.snapshot.Record.Value.AnswerTo(pause); !ok || answer.Refused || w.snapshot.Record.Value.Status != states.Paused {
		w.fail("the pause was not first: %+v", w.snapshot.Record.Value)
	}
}

func TestPauseVoidsUnclaimedOrdersAndResumeOrdersAnew(t *testing.T) {
	w := born(t, tier(), 4)
	w.move("waiting", "")
	w.plan()
	w.plan()
	order := w.node("n00").Order.Value
	w.ask(states.Request{Kind: states.AskPause})
	w.plan()
	if order.For(&w.snapshot.Desired.Value, order.Instance) {
		w.fail("the order stands")
	}
	if w.act("n00") {
		w.fail("n00 went after the pause")
	}
	w.ask(states.Request{Kind: states.AskResume})
	w.settle()
	if again := w.snapshot.Record.Value; again.Status != states.Done || w.at("waiting") != 4 {
		w.fail("%+v", again)
	}
	for _, line := range w.story {
		if strings.Contains(line, order.Run) {
			w.fail("the void run was made: %s", line)
		}
	}
}

func TestFailuresOfJoinersAreNotCharged(t *testing.T) {
	w := born(t, tier(), 3)
	w.move("waiting", "")
	w.plan()
	late := w.add("n09")
	late.bad = true
	late.self.State = states.State{Name: "version", Argument: "7"} // neither from nor target: joiners go to waiting, which serves nobody
	w.report("n09")
	w.act("n09")
	w.act("n09")
	if late.self.Last.Under != states.UnderJoiner || !late.self.Last.Bad() {
		w.fail("want a failed run of a joiner, got %+v", late.self.Last)
	}
	for range 5 {
		w.plan()
	}
	if n := w.snapshot.Record.Value.Failures(); n != 0 {
		w.fail("%d failures charged", n)
	}
}

func TestContinueOnFailureTriesEverybodyAndFailsAtTheEnd(t *testing.T) {
	definition := tier()
	definition.Transitions[1].Policy.OnFailure = states.ContinueOnFailure
	w := born(t, definition, 5)
	w.agents["n01"].bad = true
	w.move("waiting", "")
	w.settle()
	record := w.snapshot.Record.Value
	if w.at("waiting") != 4 || record.Status != states.Paused || record.Cause != states.ByFailures {
		w.fail("%d waiting, %s %s: %s", w.at("waiting"), record.Status, record.Cause, record.Reason)
	}
}

func TestToleratedFailuresAreDone(t *testing.T) {
	definition := tier()
	definition.Transitions[1].Policy.MaxFailures = states.Percent(25) // of 5: 1, rounded down
	w := born(t, definition, 5)
	w.agents["n01"].bad = true
	w.move("waiting", "")
	w.settle()
	if record := w.snapshot.Record.Value; w.at("waiting") != 4 || record.Status != states.Done {
		w.fail("%d waiting, %s: %s", w.at("waiting"), record.Status, record.Reason)
	}
}

func TestReplacedMoveKeepsItsFailures(t *testing.T) {
	definition := tier()
	definition.Transitions[1].Policy.MaxFailures = states.Nodes(1)
	w := born(t, definition, 5)
	w.agents["n00"].bad = true
	w.move("waiting", "")
	for w.snapshot.Record.Value.Failures() == 0 {
		w.plan()
		w.act("n00")
	}
	w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "converged"}, Supersede: true})
	w.plan()
	if n := w.snapshot.Record.Value.Failures(); n != 1 {
		w.fail("the new target starts with %d failures, want 1", n)
	}
}

func TestBirthAfterAWipeIsRefused(t *testing.T) {
	w := born(t, tier(), 3)
	w.snapshot.Desired, w.snapshot.Record = states.Doc[states.Desired]{}, states.Doc[states.Record]{}
	for i := range w.snapshot.Nodes {
		w.snapshot.Nodes[i].Status.Value.Mark = states.Mark{Epoch: 1, Generation: 1}
	}
	_, err := Apply(w.snapshot, Application{Definition: tier(), Text: "x", ID: "q-again", By: "ada"}, w.leading, w.now)
	if err == nil || !strings.Contains(err.Error(), "after a wipe") {
		t.Errorf("want a refusal, got %v", err)
	}
}

func TestDefinitionMustKeepTheStatesInUse(t *testing.T) {
	w := born(t, tier(), 3)
	smaller := tier()
	smaller.States = smaller.States[1:] // without "off", where the cluster is
	_, err := Apply(w.snapshot, Application{Definition: smaller, Text: "y", ID: "q-2", By: "ada"}, w.leading, w.now)
	if err == nil || !strings.Contains(err.Error(), `drops state "off"`) {
		t.Errorf("want a refusal, got %v", err)
	}
}

func TestBatchOfMoreNodesThanATransactionTakes(t *testing.T) {
	definition := tier()
	definition.Transitions[1].Policy.Batches = []states.Size{states.Nodes(150), states.Nodes(200)}
	w := born(t, definition, 200)
	w.move("waiting", "")
	w.plan()
	for range 3 {
		decision, _ := w.plan()
		if n := len(decision.Change.Orders); n > states.MaxNodesPerTransaction {
			t.Fatalf("%d orders in one transaction", n)
		}
	}
	w.settle()
	if w.at("waiting") != 200 {
		w.fail("%d of 200 waiting", w.at("waiting"))
	}
}

func TestNodeThatFailedAndWasToleratedIsNoDeadEnd(t *testing.T) {
	definition := tier()
	definition.Transitions[1].Policy.MaxFailures = states.Nodes(1)
	w := born(t, definition, 5)
	w.agents["n01"].bad = true
	w.move("waiting", "")
	w.settle()
	w.agents["n01"].bad = false
	if w.at("waiting") != 4 || w.snapshot.Record.Value.Status != states.Done {
		w.fail("%d waiting", w.at("waiting"))
	}
	w.move("waiting", "")
	w.settle()
	if w.at("waiting") != 5 || w.snapshot.Record.Value.Status != states.Done {
		w.fail("%d of 5 waiting: %s", w.at("waiting"), w.snapshot.Record.Value.Reason)
	}
	if answer := w.answer(w.move("waiting", "")); !strings.Contains(answer.Reason, "nothing to do") {
		w.fail("%+v", answer)
	}
}

func TestForeseeLooksPastRunsThatStillGo(t *testing.T) {
	w := born(t, tier(), 3)
	w.add("n07")
	w.act("n07") // catches up, and is not done yet
	request := transition("waiting", "")
	request.ID, request.By, request.At, request.Expires = "q-x", "ada", w.now, w.now.Add(time.Hour)
	request.Transition, request.Generation = w.snapshot.Record.Value.ID, w.snapshot.Desired.Value.Generation
	if preview := Foresee(w.snapshot, request, w.leading, w.now); preview.Held != "" || len(preview.Batches) != 4 {
		t.Errorf("held %q, %d batches", preview.Held, len(preview.Batches))
	}
}
