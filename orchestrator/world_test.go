package orchestrator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// world is a cluster in memory: the real planner, the real agent's rule, and agents that do what
// the rule says. It has no store; what stores do is tested where they are.
type world struct {
	t        testing.TB
	snapshot states.Snapshot
	agents   map[string]*agent
	now      time.Time
	leading  Leading
	story    []string
	requests int
	seen     map[string]int // steps, by event

	// the world outside
	gates     map[string]string // by name: how http and command gates answer; missing: not at all
	ill       map[string]bool   // nodes whose service fails
	primary   []string
	elsewhere map[string]states.Elsewhere

	trust states.Trust // of every agent; none: they obey whoever may write
	signs bool         // whoever asks for a move has a key
}

// sense is what senses would have found out.
func (w *world) sense(ask Ask) states.Evidence {
	e := states.Evidence{Gates: map[string]states.Reading{}, Checks: map[string]states.Checks{}, Elsewhere: w.elsewhere,
		Primary: states.Primaries{Nodes: w.primary, At: w.now}}
	for _, gate := range ask.Gates {
		if outcome := w.gates[gate.Name]; outcome != "" {
			e.Gates[gate.Name] = states.Reading{Outcome: outcome, Text: "0.2%", At: w.now}
		}
	}
	for _, gate := range ask.Checks {
		checks := states.Checks{At: w.now}
		for _, name := range w.names() {
			status := "passing"
			if w.ill[name] {
				status = "critical"
			}
			if a := w.agents[name]; a.self.State.Serving && a.self.Attempting.None() {
				checks.Checks = append(checks.Checks, states.Check{Node: name, ID: "web", Status: status})
			}
		}
		e.Checks[gate.Name] = checks
	}
	return e
}

// serving is a cluster of n nodes at version 1.
func serving(t testing.TB, definition states.Cluster, n int) *world {
	w := born(t, tier(), n)
	for _, target := range []states.Ref{{Name: "converged"}, {Name: "version", Argument: "1"}} {
		w.move(target.Name, target.Argument)
		w.settle()
	}
	if w.at("version 1") != n {
		w.fail("%d of %d at version 1", w.at("version 1"), n)
	}
	w.snapshot.Definition.Value = definition
	w.story = nil
	return w
}

// rollout is a definition whose moves to a version are made with a policy.
func rollout(edit func(*states.Transition)) states.Cluster {
	definition := tier()
	t := &definition.Transitions[3]
	t.Policy.Batches = []states.Size{states.Nodes(1), states.Nodes(2)}
	edit(t)
	return definition
}

// run lets everybody act, and time pass where that is all that is waited for, until nothing moves.
func (w *world) run() Decision {
	w.t.Helper()
	for range 20000 {
		w.settle()
		decision, _ := w.plan()
		if decision.Idle || decision.Change == nil && decision.Wake.IsZero() {
			return decision
		}
		if decision.Change == nil {
			w.now = decision.Wake
		}
	}
	w.fail("it never stands still")
	return Decision{}
}

// until takes steps of leader and agents until something is so.
func (w *world) until(what string, so func() bool) {
	w.t.Helper()
	for range 2000 {
		if so() {
			return
		}
		decision, stepped := w.plan()
		for _, name := range w.names() {
			if so() {
				return
			}
			stepped = w.act(name) || stepped
		}
		if !stepped && !decision.Wake.IsZero() {
			w.now = decision.Wake
		}
	}
	w.fail("never: %s", what)
}

// record is the move in progress, or the last one.
func (w *world) record() *states.Record {
	record := w.snapshot.Record.Value
	return &record
}

// kill makes a node fall silent.
func (w *world) kill(name string) { w.agents[name].up, w.node(name).Alive = false, false }

// went lists the nodes in the order in which they ran towards a state.
func (w *world) went(state string) []string {
	var names []string
	for _, line := range w.story {
		if _, run, found := strings.Cut(line, "   "); found && strings.Contains(run, " runs "+state+" (") {
			names = append(names, strings.Fields(run)[0])
		}
	}
	return names
}

// answered gives what became of a request.
func (w *world) answered(id string) states.Answer {
	w.t.Helper()
	answer, ok := w.record().AnswerTo(id)
	if !ok {
		w.fail("request %s was not answered", id)
	}
	return answer
}

// agent is a node: what it durably knows, and whether it is up and its run goes on.
type agent struct {
	self  states.Self
	mark  states.Mark
	up    bool
	bad   bool   // its runs fail
	meta  int    // runs made
	again string // to be noted as done with the run going on
	group map[string]string

	warrant states.WarrantMark // the newest that it followed
	refused string             // why it does not follow, or starts nothing
}

func tier() states.Cluster {
	policy := states.BuiltIn()
	policy.ConvergeTimeout = states.Duration(time.Minute)
	arg := &states.Argument{Pattern: "[0-9]+"}
	return states.Cluster{
		Name: "web", Initial: "off",
		States: []states.StateDef{{Name: "off"}, {Name: "waiting"}, {Name: "converged", Serving: true},
			{Name: "version", Serving: true, Argument: arg}},
		Transitions: []states.Transition{
			{To: "off", From: []string{states.Any}, Policy: with(policy, func(p *states.Policy) { p.Batches = []states.Size{states.Percent(100)} })},
			{To: "waiting", From: []string{"off"}, Policy: policy},
			{To: "converged", From: []string{"waiting", "version"}, Policy: with(policy, func(p *states.Policy) { p.Batches = []states.Size{states.Nodes(1), states.Nodes(2)} })},
			{To: "version", From: []string{"converged", "version"}, Policy: with(policy, func(p *states.Policy) { p.Batches = []states.Size{states.Nodes(1), states.Percent(50)} })},
		},
	}
}

func with(policy states.Policy, edit func(*states.Policy)) states.Policy {
	edit(&policy)
	return policy
}

// born makes a cluster of n nodes that are all at its initial state.
func born(t testing.TB, definition states.Cluster, n int) *world {
	w := &world{t: t, agents: map[string]*agent{}, now: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC),
		leading: Leading{Who: "ada@bastion", Epoch: 1}}
	w.snapshot.Cluster = definition.Name
	w.snapshot.Definition = states.Doc[states.Cluster]{Value: definition, Index: 1}
	change, err := Apply(w.snapshot, Application{Definition: definition, Text: "x", ID: "q-birth", By: "ada"}, w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(change)
	for i := range n {
		w.add(fmt.Sprintf("n%02d", i))
	}
	w.settle()
	return w
}

func (w *world) add(name string) *agent {
	a := &agent{self: states.Self{Instance: "i-" + name}, up: true}
	w.agents[name] = a
	w.snapshot.Nodes = append(w.snapshot.Nodes, states.Node{Name: name})
	w.report(name)
	return a
}

func (w *world) node(name string) *states.Node {
	for i := range w.snapshot.Nodes {
		if w.snapshot.Nodes[i].Name == name {
			return &w.snapshot.Nodes[i]
		}
	}
	w.t.Fatalf("no node %q", name)
	return nil
}

// report writes a node's status as its agent would.
func (w *world) report(name string) {
	a, node := w.agents[name], w.node(name)
	node.Alive = a.up
	if !a.up {
		return
	}
	status := node.Status.Value
	status.Instance, status.Mark, status.State, status.Attempting, status.Run = a.self.Instance, a.mark, a.self.State, a.self.Attempting, a.self.Last
	status.AgainDone, status.Meta = a.self.AgainDone, a.group
	status.Trust, status.Tree, status.Refused = w.trust, "dc1", a.refused
	status.Drift = nil
	if a.self.Attempting.None() {
		status.Drift = a.self.Drift
	}
	if a.self.Last.Bad() {
		status.Failed = a.self.Last
	}
	node.Status = states.Doc[states.Status]{Value: status, Index: node.Status.Index + 1}
}

func (w *world) commit(change states.Change) {
	w.keepsFloor(change)
	if w.seen != nil {
		w.seen[change.Entry.Event]++
	}
	w.story = append(w.story, fmt.Sprintf("%s %s: %s", w.now.Format("05.000"), change.Entry.Event, change.Entry.Reason))
	w.snapshot = After(w.snapshot, change)
	for name, order := range change.Orders { // After shares the nodes it does not touch
		if order.Run != "" && order.Void == "" && w.agents[name] == nil {
			w.t.Fatalf("order for a node that does not exist: %s", name)
		}
	}
}

// plan takes one step of the leader; false means that there was none to take.
func (w *world) plan() (Decision, bool) {
	w.now = w.now.Add(time.Millisecond)
	w.snapshot.Evidence = w.sense(AskFor(w.snapshot))
	decision := Plan(w.snapshot, w.leading, w.now)
	if decision.Change == nil {
		return decision, false
	}
	w.commit(*decision.Change)
	return decision, true
}

// verdict asks an agent's rule, as the agent would.
func (w *world) verdict(name string) states.Verdict {
	a, node := w.agents[name], w.node(name)
	desired := w.snapshot.Desired.Value
	if a.mark.Refuses(desired.Mark) != "" || desired.Planted(w.now) != "" {
		return states.Verdict{}
	}
	if a.refused = w.trust.Refuses(desired, w.snapshot.Cluster, "dc1", a.warrant); a.refused != "" {
		return states.Verdict{}
	}
	a.mark = desired.Mark
	if len(w.trust) > 0 {
		a.warrant = desired.Warrants[0].Mark()
	}
	view := states.View{Desired: desired, Now: w.now}
	for _, freeze := range []*states.Doc[states.Freeze]{&w.snapshot.Frozen, &w.snapshot.Freeze} {
		if freeze.OK() && !freeze.Value.Over(w.now) {
			view.Frozen = &freeze.Value
		}
	}
	if node.Order.OK() {
		view.Order = &node.Order.Value
	}
	verdict := states.Decide(a.self, view)
	if a.refused = w.trust.Forbids(desired, verdict.Target, a.self.State, w.now); verdict.Go && a.refused != "" {
		return states.Verdict{}
	}
	return verdict
}

// act lets one agent claim a run if its rule says so, or end the one it has.
func (w *world) act(name string) bool {
	a := w.agents[name]
	if !a.up {
		return false
	}
	if a.self.Last.Going() {
		w.finish(name)
		return true
	}
	v := w.verdict(name)
	defer w.report(name)
	if !v.Go {
		return false
	}
	w.claim(name, v)
	return true
}

func (w *world) claim(name string, v states.Verdict) {
	a, desired := w.agents[name], w.snapshot.Desired.Value
	if own := (states.Run{Under: v.Under}).Own(); own && (!desired.AtRest() || w.record().Status != states.Done) {
		w.fail("%s runs of its own accord in a move that is %s", name, w.record().Status)
	}
	a.meta++
	id := v.Run
	if id == "" {
		id = fmt.Sprintf("r-%s-%d", name, a.meta)
	}
	a.self.Attempting, a.again = v.Target.Short(), v.Again
	a.self.Last = states.Run{ID: id, State: v.Target.Short(), Transition: desired.Transition, Generation: desired.Generation,
		Under: v.Under, Attempt: 1, Tries: 1, Started: w.now, Timeout: desired.Timeout}
	w.story = append(w.story, fmt.Sprintf("%s   %s runs %s (%s)", w.now.Format("05.000"), name, v.Target, v.Under))
	w.report(name)
}

func (w *world) finish(name string) {
	a := w.agents[name]
	a.self.Last.Terminal, a.self.Last.Outcome, a.self.Due = true, states.Succeeded, false
	if a.bad {
		a.self.Last.Outcome, a.self.Last.Exit = states.ExitedBadly, 1
		a.self.Failures++
	} else {
		a.self.State, a.self.Attempting, a.self.Failures, a.self.Drift = a.self.Last.State, states.State{}, 0, nil
		if a.again != "" {
			a.self.AgainDone = a.again
		}
		w.node(name).Status.Value.Failed = states.Run{}
	}
	w.story = append(w.story, fmt.Sprintf("%s   %s ends %s", w.now.Format("05.000"), name, a.self.Last.Outcome))
	w.report(name)
}

func (w *world) ask(request states.Request) string {
	w.requests++
	request.ID = fmt.Sprintf("q-%d", w.requests)
	request.By, request.At, request.Expires = "ada", w.now, w.now.Add(time.Hour)
	if request.Transition == "" {
		request.Transition, request.Generation = w.snapshot.Record.Value.ID, w.snapshot.Desired.Value.Generation
	}
	if w.signs {
		w.warrant(ciKey, &request)
	}
	w.snapshot.Requests = append(slices.Clone(w.snapshot.Requests), states.Doc[states.Request]{Value: request, Index: 1})
	return request.ID
}

func (w *world) move(state, argument string) string {
	return w.ask(states.Request{Kind: states.AskTransition, Target: states.Ref{Name: state, Argument: argument}})
}

// settle lets everybody act until nothing moves any more.
func (w *world) settle() {
	for range 5000 {
		_, stepped := w.plan()
		moved := stepped
		for _, name := range w.names() {
			if v := w.agents[name]; v.up && (v.self.Last.Going() || !v.bad || !v.self.Last.Bad()) {
				moved = w.act(name) || moved
			}
		}
		if !moved {
			return
		}
	}
	w.fail("it never settles")
}

func (w *world) names() []string {
	names := make([]string, 0, len(w.agents))
	for name := range w.agents {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	for _, line := range w.story[max(0, len(w.story)-80):] {
		w.t.Log(line)
	}
	w.t.Fatalf(format, args...)
}

// at lists the nodes that are at a state.
func (w *world) at(state string) int {
	n := 0
	for _, a := range w.agents {
		if a.self.State.String() == state && a.self.Attempting.None() {
			n++
		}
	}
	return n
}

// keepsFloor fails when a step lets so many healthy nodes go that fewer stay than the floor says.
func (w *world) keepsFloor(change states.Change) {
	record := change.Record
	least := record.Current().Policy.MinHealthy
	if least == (states.Size{}) || len(change.Entry.Nodes) == 0 || slices.Contains(record.Overrides, "min_healthy") ||
		!slices.Contains([]string{states.EventBatch, states.EventOpened, states.EventReplaced}, change.Entry.Event) {
		return
	}
	p := newPlanner(w.snapshot, w.leading, w.now)
	healthy, known := p.health()
	leaving := 0
	for _, name := range record.Batch.Nodes {
		if node, _ := p.node(name); p.healthy(node) && !p.there(node) && p.chargedAs(name) != states.CountFailed {
			leaving++
		}
	}
	if leaving > 0 && healthy-leaving < least.Ceil(known) {
		w.fail("%s lets %d of %d healthy nodes go, and %d must stay: %s", change.Entry.Event, leaving, healthy, least.Ceil(known), change.Entry.Reason)
	}
}

// bound fails when more members run, or may start to run, than the batch in progress allows.
func (w *world) bound() {
	w.t.Helper()
	record, desired := w.snapshot.Record.Value, w.snapshot.Desired.Value
	if record.Batch.Number == 0 || record.Status != states.Running {
		return
	}
	busy := []string{}
	for _, name := range w.names() {
		a, node := w.agents[name], w.node(name)
		if _, member := record.Member(name); !member {
			continue
		}
		last := a.self.Last // a silent agent ends its run at the timeout all the same
		running := last.Going() && last.Under != states.UnderJoiner && (a.up || w.now.Before(last.Started.Add(last.Timeout.D())))
		order := node.Order.Value
		claimable := node.Order.OK() && order.For(&desired, a.self.Instance) && a.self.Last.ID != order.Run && !a.self.At(desired.State)
		if record.Batch.Opened && !slices.Contains(record.Batch.Nodes, name) {
			continue // came, or came back, after the opening
		}
		if running || claimable || desired.Open && !a.self.At(desired.State) && slices.Contains(record.Batch.Nodes, name) && !a.self.Last.Bad() {
			busy = append(busy, name)
		}
	}
	if len(busy) > record.Batch.Size {
		w.fail("%d at once in a batch of %d: %v", len(busy), record.Batch.Size, busy)
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
