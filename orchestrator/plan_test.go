package orchestrator

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/states"
	"orch/states/racetest"
)

func TestTransitionGoesHopByHopInBatches(t *testing.T) {
	w := born(t, tier(), 6)
	if w.at("off") != 6 {
		w.fail("born: %d of 6 are off", w.at("off"))
	}
	w.move("converged", "")
	w.settle()
	if record := w.snapshot.Record.Value; record.Status != states.Done || w.at("converged") != 6 {
		w.fail("%s, %d of 6 converged: %s", record.Status, w.at("converged"), record.Reason)
	}
	var hops []string
	for _, line := range w.story {
		if strings.Contains(line, "hop:") || strings.Contains(line, "accepted:") || strings.Contains(line, " batch:") || strings.Contains(line, "opened:") {
			hops = append(hops, line)
		}
	}
	if want := 1 + 5 + 1 + 1 + 3 + 1; len(hops) != want { // accepted, 5 batches, opened; hop, 3 batches, opened
		w.fail("want %d steps, got %d:\n%s", want, len(hops), strings.Join(hops, "\n"))
	}
}

func TestSpentBudgetStopsAndSaysSo(t *testing.T) {
	w := born(t, tier(), 6)
	w.move("waiting", "")
	w.agents["n01"].bad = true
	w.settle()
	record := w.snapshot.Record.Value
	if record.Status != states.Paused || record.Cause != states.ByFailures || !strings.Contains(record.Reason, "n01") {
		w.fail("want paused by failures naming n01, got %s %s: %s", record.Status, record.Cause, record.Reason)
	}
	if w.at("waiting") != 1 || w.snapshot.Desired.Value.Open || w.snapshot.Desired.Value.Joiners != states.JoinersWait {
		w.fail("a stop must close the cluster: %+v", w.snapshot.Desired.Value)
	}
	t.Run("resume is refused while the budget is spent", func(t *testing.T) {
		w.ask(states.Request{Kind: states.AskResume})
		w.settle()
		if answers := w.snapshot.Record.Value.Answers; !answers[len(answers)-1].Refused {
			w.fail("resume was accepted")
		}
	})
	t.Run("and goes on without the failed node when told so", func(t *testing.T) {
		w.ask(states.Request{Kind: states.AskResume, AcceptFailures: true})
		w.settle()
		if w.snapshot.Record.Value.Status != states.Done || w.at("waiting") != 5 {
			w.fail("%s, %d waiting", w.snapshot.Record.Value.Status, w.at("waiting"))
		}
	})
}

func TestSameTargetAfterAStopIsANewHop(t *testing.T) {
	w := born(t, tier(), 4)
	w.agents["n00"].bad = true
	w.move("waiting", "")
	w.settle()
	w.agents["n00"].bad = false
	w.move("waiting", "")
	w.settle()
	if w.snapshot.Record.Value.Status != states.Done || w.at("waiting") != 4 {
		w.fail("%s, %d of 4 waiting", w.snapshot.Record.Value.Status, w.at("waiting"))
	}
}

func TestSilentNodeInItsBatch(t *testing.T) {
	for _, policy := range []string{states.FailLost, states.SkipLost} {
		t.Run(policy, func(t *testing.T) {
			definition := tier()
			definition.Transitions[1].Policy.OnLost = policy
			w := born(t, definition, 6)
			w.move("waiting", "")
			w.plan()
			w.plan()
			w.agents["n00"].up = false
			w.node("n00").Alive = false
			w.settle()
			decision, _ := w.plan()
			if len(decision.Waits) == 0 || decision.Waits[0].Node != "n00" || decision.Wake.IsZero() {
				w.fail("it must wait for n00 and know until when: %+v", decision)
			}
			for range 3 { // it may look in vain before the deadline, never after it
				if !decision.Wake.IsZero() {
					w.now = decision.Wake
				}
				w.settle()
				decision, _ = w.plan()
			}
			record := w.snapshot.Record.Value
			counted, _ := record.CountOf("n00")
			if !strings.Contains(counted.Reason, "silent") || w.node("n00").Order.Value.Void == "" {
				w.fail("n00 must be counted and its order void: %+v", counted)
			}
			if want := map[string]string{states.FailLost: states.Paused, states.SkipLost: states.Done}[policy]; record.Status != want {
				w.fail("want %s, got %s: %s", want, record.Status, record.Reason)
			}
		})
	}
}

func TestEverybodySilentIsNotNothingLeftToDo(t *testing.T) {
	w := born(t, tier(), 6)
	w.move("waiting", "")
	w.plan()
	for _, name := range w.names() {
		w.agents[name].up, w.node(name).Alive = false, false
	}
	for range 20 {
		w.plan()
	}
	if w.snapshot.Desired.Value.Open {
		w.fail("opened for nobody: all of them would go when they are back")
	}
}

func TestNewTargetInMidRollout(t *testing.T) {
	w := born(t, tier(), 6)
	w.move("converged", "")
	w.settle()
	w.move("version", "1")
	w.settle()
	w.move("version", "2")
	for range 4 { // the first batch of one is ordered, and claimed
		w.plan()
	}
	w.act("n00")
	w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "3"}, Supersede: true})
	w.plan()
	if from := w.snapshot.Desired.Value.From; len(from) != 2 {
		w.fail("nodes may be at version 2 and at version 1: from is %v", from)
	}
	started := 0
	for _, name := range w.names()[1:] {
		if w.act(name) {
			started++
		}
	}
	if started != 0 {
		w.fail("%d nodes went without an order", started)
	}
	w.settle()
	if w.at("version 3") != 6 {
		w.fail("%d of 6 arrived", w.at("version 3"))
	}
}

func TestSecondOperatorIsRefused(t *testing.T) {
	w := born(t, tier(), 3)
	w.move("waiting", "")
	w.plan()
	id := w.move("off", "")
	w.plan()
	answer, _ := w.snapshot.Record.Value.AnswerTo(id)
	if !answer.Refused || !strings.Contains(answer.Reason, "ada moves web to waiting since") {
		w.fail("want a refusal that says who and since when, got %+v", answer)
	}
}

func TestAdoptionTouchesNothingUntilResumed(t *testing.T) {
	w := &world{t: t, agents: map[string]*agent{}, now: time.Now(), leading: Leading{Who: "ada", Epoch: 1}}
	w.snapshot.Cluster = "web"
	w.snapshot.Definition = states.Doc[states.Cluster]{Value: tier(), Index: 1}
	for i := range 6 {
		w.add(fmt.Sprintf("n%02d", i))
	}
	change, err := Apply(w.snapshot, Application{Definition: tier(), Text: "x", Initial: &states.Ref{Name: "version", Argument: "41"}, ID: "q-b", By: "ada"}, w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(change)
	w.settle()
	for _, a := range w.agents {
		if a.meta != 0 {
			w.fail("a node converged because somebody typed apply")
		}
	}
	w.ask(states.Request{Kind: states.AskResume})
	w.settle()
	if w.at("version 41") != 6 || w.snapshot.Record.Value.Status != states.Done {
		w.fail("%d of 6 at version 41", w.at("version 41"))
	}
	id := w.move("converged", "")
	w.settle()
	if answer, _ := w.snapshot.Record.Value.AnswerTo(id); answer.Refused {
		w.fail("refused: %s", answer.Reason)
	}
}

func TestUnreadableKeysStopEverybody(t *testing.T) {
	for name, spoil := range map[string]func(*states.Snapshot){
		"desired is garbage": func(s *states.Snapshot) { s.Desired.Problem = "unexpected end of JSON" },
		"desired is gone":    func(s *states.Snapshot) { s.Desired = states.Doc[states.Desired]{} },
		"record is garbage":  func(s *states.Snapshot) { s.Record.Problem = "schema 99" },
		"record is gone":     func(s *states.Snapshot) { s.Record = states.Doc[states.Record]{} },
		"a node saw more":    func(s *states.Snapshot) { s.Nodes[0].Status.Value.Generation = 99 },
	} {
		t.Run(name, func(t *testing.T) {
			w := born(t, tier(), 3)
			w.move("waiting", "")
			w.plan()
			spoil(&w.snapshot)
			if decision := Plan(w.snapshot, w.leading, w.now); decision.Change != nil || len(decision.Waits) == 0 || decision.Waits[0].Remedy == "" {
				t.Errorf("want no step, a reason and a remedy, got %+v", decision)
			}
		})
	}
}

func TestForeseeNamesTheBatches(t *testing.T) {
	w := born(t, tier(), 6)
	preview := Foresee(w.snapshot, states.Request{ID: "q-x", Kind: states.AskTransition, Target: states.Ref{Name: "converged"},
		Transition: w.snapshot.Record.Value.ID, Generation: w.snapshot.Desired.Value.Generation, By: "ada", At: w.now, Expires: w.now.Add(time.Hour)}, w.leading, w.now)
	if preview.Refused != "" || preview.Held != "" || preview.Record.Status != states.Done {
		t.Fatalf("%+v", preview)
	}
	var got []string
	for _, b := range preview.Batches {
		got = append(got, fmt.Sprintf("%d/%d:%d", b.Hop, b.Number, b.Count))
	}
	want := []string{"0/1:1", "0/2:1", "0/3:1", "0/4:1", "0/5:1", "0/6:1", "1/1:1", "1/2:2", "1/3:2", "1/4:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRandomWalks lets nodes fail, vanish and come back and operators type anything at any moment,
// and looks after every step: never more than the batch, planning is idempotent, and nothing stands
// still without a reason.
func TestRandomWalks(t *testing.T) {
	seen := map[string]int{}
	for seed := uint64(0); seed < 100; seed += racetest.Every {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { walk(t, seed, seen) })
	}
	for _, event := range []string{states.EventGate, states.EventAwaits, states.EventApproved, states.EventRollback, states.EventReplaced,
		states.EventRetried, states.EventHeld, states.EventUnheld, states.EventHalted, states.EventCounted, states.EventOpened, states.EventHop} {
		if seen[event] == 0 && !racetest.On { // a few of the walks come to most of them
			t.Errorf("no walk came to a step %q: they show nothing about it", event)
		}
	}
}

func walk(t *testing.T, seed uint64, seen map[string]int) {
	r := rand.New(rand.NewPCG(seed, 7))
	definition := tier()
	for i := range definition.Transitions {
		p := &definition.Transitions[i].Policy
		p.OnLost = pick(r, []string{states.FailLost, states.SkipLost})
		p.OnFailure = pick(r, []string{states.PauseOnFailure, states.ContinueOnFailure})
		p.MaxFailures = states.Nodes(r.IntN(3))
		if i > 0 && seed%2 == 1 { // the way to "off" stays plain: that is how it all ends
			careful(r, &definition.Transitions[i])
		}
	}
	w := born(t, definition, 5+r.IntN(4))
	for _, name := range w.names() {
		w.agents[name].group = map[string]string{"rack": pick(r, []string{"r1", "r2", ""})}
		w.report(name)
	}
	w.gates, w.ill, w.seen = map[string]string{}, map[string]bool{}, seen
	if seed%4 == 3 {
		w.distrust("off", "")
		w.signs = true
	}
	for range 300 {
		step(w, r)
		w.bound()
		look(w)
	}
	heal(w)
}

// careful draws a policy from everything there is.
func careful(r *rand.Rand, t *states.Transition) {
	p := &t.Policy
	p.OnFailure = pick(r, []string{states.PauseOnFailure, states.ContinueOnFailure, states.RollbackOnFailure})
	p.MinHealthy = pick(r, []states.Size{{}, states.Nodes(1), states.Percent(50)})
	p.NodeOrder = pick(r, []string{states.OrderUnhealthyFirst, states.OrderName, states.OrderRandom})
	p.Approve = pick(r, []string{states.ApproveNever, states.ApproveNever, states.ApproveBeforeStart, states.ApproveAfterFirstBatch, states.ApproveAfterEachBatch})
	p.GroupBy = pick(r, []string{"", "rack"})
	p.Soak = states.Duration(r.IntN(3)) * states.Duration(10*time.Second)
	p.ProgressDeadline = states.Duration(r.IntN(2)) * 30 * minute
	if r.IntN(3) == 0 {
		limit := states.Nodes(r.IntN(2))
		p.BatchFailures = &limit
	}
	if r.IntN(3) == 0 {
		t.Gates = append(t.Gates, webGate(nil))
	}
	if r.IntN(3) == 0 {
		t.Gates = append(t.Gates, states.Gate{Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, Timeout: minute})
	}
	if r.IntN(3) == 0 {
		t.Primary = &states.Primary{Lock: "db/leader"}
	}
	if r.IntN(2) == 0 {
		back := *p
		back.Batches = []states.Size{states.Nodes(2)}
		t.Rollback = &back
	}
}

// step does one random thing.
func step(w *world, r *rand.Rand) {
	name := pick(r, w.names())
	a := w.agents[name]
	switch n := r.IntN(100); {
	case n < 45:
		w.plan()
	case n < 85:
		w.act(name)
	case n < 88:
		a.up = !a.up
		w.node(name).Alive = a.up
		if a.up && a.self.Last.Going() { // it came back and found its run gone
			a.self.Last.Terminal, a.self.Last.Outcome = true, states.Interrupted
		}
		if a.up {
			w.report(name)
		}
	case n < 90:
		a.bad = !a.bad
	case n < 92:
		w.now = w.now.Add(time.Duration(r.IntN(120)) * time.Second)
	case n < 95:
		target := pick(r, []states.Ref{{Name: "off"}, {Name: "waiting"}, {Name: "converged"}, {Name: "version", Argument: "1"}, {Name: "version", Argument: "2"}})
		w.ask(states.Request{Kind: states.AskTransition, Target: target, Supersede: r.IntN(2) == 0})
	case n < 97:
		kind := pick(r, []string{states.AskPause, states.AskResume, states.AskResume, states.AskAbort})
		w.ask(states.Request{Kind: kind, AcceptFailures: r.IntN(2) == 0})
	case n < 98:
		w.gates["lb"] = pick(r, []string{states.GatePass, states.GatePass, states.GateFail, states.GateUnknown, ""})
		w.ill = map[string]bool{pick(r, w.names()): r.IntN(2) == 0}
		w.primary = []string{pick(r, w.names())}
	case n < 99 && r.IntN(3) == 0:
		w.drifts(pick(r, w.names()), r.IntN(2) == 0)
		w.agents[pick(r, w.names())].self.Due = true
	case n < 99:
		typed(w, r)
	case len(w.agents) < 12:
		w.add(fmt.Sprintf("n%02d", len(w.agents)))
	}
}

// typed is what an operator may type at any moment, also when it makes no sense.
func typed(w *world, r *rand.Rand) {
	name := pick(r, w.names())
	request := states.Request{Kind: pick(r, []string{states.AskApprove, states.AskApprove, states.AskRollback, states.AskRetry, states.AskRetry,
		states.AskHold, states.AskUnhold, states.AskReconverge})}
	switch request.Kind {
	case states.AskApprove:
		request.Hop, request.Batch = w.record().Hop, max(0, w.record().Batch.Number-r.IntN(2))
	case states.AskHold:
		request.Node = name
		if r.IntN(2) == 0 {
			request.Until = w.now.Add(time.Minute)
		}
	case states.AskUnhold:
		request.Node = name
	case states.AskRetry, states.AskReconverge:
		if r.IntN(3) == 0 {
			request.Nodes = []string{name}
		}
		request.Drifted = request.Kind == states.AskReconverge && r.IntN(2) == 0
	}
	w.ask(request)
}

// look checks what must hold of every decision.
func look(w *world) {
	w.snapshot.Evidence = w.sense(AskFor(w.snapshot))
	first := Plan(w.snapshot, w.leading, w.now)
	if second := Plan(w.snapshot, w.leading, w.now); !reflect.DeepEqual(first, second) {
		w.fail("planning twice differs: %s", cmp.Diff(first, second))
	}
	switch {
	case first.Change != nil && first.Reason == "":
		w.fail("a step without a reason: %+v", first.Change.Entry)
	case first.Change == nil && !first.Idle && len(first.Waits) == 0:
		w.fail("it stands still and does not say why: %+v", w.snapshot.Record.Value)
	}
}

// heal ends all trouble, and expects every node to arrive.
func heal(w *world) {
	for _, name := range w.names() {
		a := w.agents[name]
		a.bad = false
		if !a.up && a.self.Last.Going() {
			a.self.Last.Terminal, a.self.Last.Outcome = true, states.Interrupted
		}
		a.up = true
		w.report(name)
	}
	w.snapshot.Requests, w.ill = nil, nil
	for _, node := range w.snapshot.Nodes {
		if node.Order.Value.Held != nil {
			w.ask(states.Request{Kind: states.AskUnhold, Node: node.Name})
		}
	}
	for range 6 {
		w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: "off"}, Supersede: true})
		w.settle()
		w.now = w.now.Add(5 * time.Minute)
		for _, a := range w.agents { // an agent that may try for ever does, after its pause
			if a.self.Last.Bad() {
				a.self.Last.Outcome = states.Succeeded
				a.self.Last.State = states.State{Name: "none"}
			}
		}
		w.settle()
		if w.at("off") == len(w.agents) && w.snapshot.Record.Value.Status == states.Done {
			return
		}
	}
	w.fail("%d of %d arrived: %s %s", w.at("off"), len(w.agents), w.snapshot.Record.Value.Status, w.snapshot.Record.Value.Reason)
}

// A move of one node at a time through many nodes must fit into a transaction to its end: with a third of the
// nodes it takes a third of what may be, and a ninth of the time.
func TestRecordOfALongMoveStaysSmall(t *testing.T) {
	const nodes, share = 200, 6
	w := born(t, tier(), nodes)
	w.move("waiting", "")
	for range 100000 {
		_, stepped := w.plan()
		acted := false
		for _, name := range w.record().Batch.Nodes {
			acted = w.act(name) || acted
		}
		if !stepped && !acted {
			break
		}
	}
	if w.at("waiting") != nodes || w.record().Status != states.Done || w.record().Over() < nodes-1 {
		w.fail("%d of %d after %d batches: %s", w.at("waiting"), nodes, w.record().Over(), w.record().Reason)
	}
	if text, _ := json.Marshal(w.record()); len(text) > states.MaxRecordBytes/share {
		t.Errorf("the record takes %d KiB", len(text)/1024)
	}
}
