package orchestrator

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

// queue files a request that waits for its turn, in the hands of somebody who lives.
func (w *world) queue(state, argument string) string {
	request := transition(state, argument)
	request.Queue, request.Held = true, true
	return w.ask(request)
}

// leaves takes whoever waits for a request away.
func (w *world) leaves(id string) {
	for i := range w.snapshot.Requests {
		if w.snapshot.Requests[i].Value.ID == id {
			w.snapshot.Requests[i].Value.Held = false
		}
	}
}

func TestTheQueueWaitsItsTurnInOrder(t *testing.T) {
	w := serving(t, rollout(func(*states.Transition) {}), 4)
	first := w.move("version", "2")
	w.plan()
	second, third := w.queue("version", "3"), w.queue("version", "4")
	if ahead := Ahead(w.snapshot, third); !strings.Contains(ahead, "ada moves web to version 2 since") || !strings.Contains(ahead, "place 2 in the queue, behind ada") {
		t.Errorf("it says %q", ahead)
	}
	w.now = w.now.Add(2 * time.Hour) // nobody who waits is told that it took too long
	w.settle()
	story := strings.Join(w.story, "\n")
	for _, id := range []string{first, second, third} {
		if answer := w.answered(id); answer.Refused {
			t.Fatalf("%s: %s\n%s", id, answer.Reason, story)
		}
	}
	two, three, four := strings.Index(story, "version 2 is reached"), strings.Index(story, "version 3 is reached"), strings.Index(story, "version 4 is reached")
	if w.at("version 4") != 4 || two < 0 || three < two || four < three {
		t.Errorf("they did not go one after the other:\n%s", story)
	}
}

func TestWhoeverIsGoneIsNotWaitedFor(t *testing.T) {
	w := serving(t, rollout(func(*states.Transition) {}), 3)
	w.move("version", "2")
	w.plan()
	second, third := w.queue("version", "3"), w.queue("version", "4")
	w.leaves(second)
	if answer := w.answer(second); !answer.Refused || !strings.Contains(answer.Reason, "whoever asked is gone") {
		t.Errorf("%+v", answer)
	}
	if w.record().Status != states.Running {
		t.Error("it was answered only when the move was done")
	}
	w.settle()
	if answer := w.answered(third); answer.Refused || w.at("version 4") != 3 || w.at("version 3") != 0 {
		t.Errorf("the next one did not get its turn: %+v", answer)
	}
}

func TestTheQueueWaitsWithAMoveThatIsPaused(t *testing.T) {
	w := serving(t, rollout(func(*states.Transition) {}), 3)
	w.move("version", "2")
	w.plan()
	id := w.queue("version", "3")
	w.ask(states.Request{Kind: states.AskPause})
	if decision := w.run(); !decision.Idle {
		t.Fatalf("%+v", decision)
	}
	if _, answered := w.record().AnswerTo(id); answered || w.record().Target.String() != "version 2" {
		t.Fatal("it did not wait for the move that stands in its middle")
	}
	if ahead := Ahead(w.snapshot, id); !strings.Contains(ahead, "is paused since") || !strings.Contains(ahead, "orch resume web | orch abort web") {
		t.Errorf("it says %q", ahead)
	}
	for name, lift := range map[string]string{"resume": states.AskResume, "abort": states.AskAbort} {
		t.Run(name, func(t *testing.T) {
			one := *w
			one.t, one.agents = t, map[string]*agent{}
			for n, a := range w.agents {
				b := *a
				one.agents[n] = &b
			}
			one.ask(states.Request{Kind: lift})
			one.run()
			if one.at("version 3") != 3 {
				one.fail("%d of 3 at version 3", one.at("version 3"))
			}
		})
	}
}

// What is asked for without waiting goes ahead of the queue only where it may: to end what the queue
// waits for.
func TestAMoveThatReplacesPassesTheQueue(t *testing.T) {
	w := serving(t, rollout(func(*states.Transition) {}), 3)
	w.move("version", "2")
	w.plan()
	waits := w.queue("version", "4")
	busy := w.move("version", "5")
	if answer := w.answer(busy); !answer.Refused || !strings.Contains(answer.Reason, "--queue") {
		t.Errorf("%+v", answer)
	}
	request := transition("version", "3")
	request.Supersede = true
	replacing := w.ask(request)
	if answer := w.answer(replacing); answer.Refused || w.record().Target.String() != "version 3" {
		t.Errorf("%+v", answer)
	}
	w.settle()
	if answer := w.answered(waits); answer.Refused || w.at("version 4") != 3 {
		t.Errorf("%+v", answer)
	}
}

func TestForeseeingAQueuedMove(t *testing.T) {
	w := serving(t, rollout(func(*states.Transition) {}), 3)
	w.move("version", "2")
	w.plan()
	request := transition("off", "")
	request.ID, request.By, request.Queue, request.Expires = "q-x", "ada", true, w.now.Add(time.Hour)
	preview := ForeseeQueued(w.snapshot, request, w.leading, w.now)
	if preview.Refused != "" || preview.Nothing || preview.Record.Start.String() != "version 2" || preview.Record.Target.String() != "off" {
		t.Errorf("%+v", preview)
	}
}

// A new target while a move runs does not wipe the slate clean; after a halt it does, and who failed
// goes first.
func TestWhatAReplacedMoveHandsOn(t *testing.T) {
	tolerant := func(n int) states.Cluster {
		return rollout(func(t *states.Transition) {
			t.Policy.Batches, t.Policy.MaxFailures = []states.Size{states.Nodes(1)}, states.Nodes(n)
		})
	}
	replace := func(w *world, argument string) string {
		request := transition("version", argument)
		request.Supersede = true
		return w.ask(request)
	}
	t.Run("while it runs", func(t *testing.T) {
		w := serving(t, tolerant(1), 5)
		w.agents["n00"].bad, w.agents["n01"].bad = true, true
		w.move("version", "2")
		w.until("one has failed", func() bool { return w.record().Failures() == 1 })
		w.agents["n00"].bad = false
		replace(w, "3")
		w.until("the second one fails", func() bool { return w.record().Failures() == 2 || w.record().Status == states.Done })
		w.run()
		if w.record().Status != states.Paused || w.record().Cause != states.ByFailures || w.record().Target.String() != "version 3" {
			w.fail("it got a new budget: %s, %s", w.record().Status, w.record().Reason)
		}
	})
	t.Run("after a halt", func(t *testing.T) {
		w := serving(t, tolerant(0), 5)
		w.agents["n03"].bad = true
		w.move("version", "2")
		w.run()
		if w.record().Cause != states.ByFailures {
			w.fail("it did not halt: %s", w.record().Reason)
		}
		w.agents["n03"].bad = false
		w.story = nil
		id := replace(w, "3")
		w.run()
		if answer := w.answered(id); answer.Refused || w.at("version 3") != 5 || w.record().Failures() != 0 {
			w.fail("%+v: %d of 5 at version 3", answer, w.at("version 3"))
		}
		if went := w.went("version 3"); went[0] != "n03" {
			w.fail("who failed goes first, and not %v", went)
		}
	})
}
