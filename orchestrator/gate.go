package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Gates: what the world outside says of a move, in three answers. A gate is asked anew for every
// batch, and a pass counts from the last time that it was none.

// AskFor gives what a planner has to know of the world outside to plan for this snapshot.
func AskFor(snapshot states.Snapshot) Ask {
	p := newPlanner(snapshot, Leading{}, time.Time{})
	ask := Ask{Cluster: snapshot.Cluster, Transition: p.record.ID, Hop: p.record.Hop, Batch: p.record.Batch.Number, State: p.record.Towards()}
	hop := p.record.Current()
	if p.record.Status == states.Running || p.record.Status == states.Paused { // what would hold it when it is resumed
		ask.Primary = hop.Primary
		for _, gate := range hop.Gates {
			if gate.Kind == states.GateConsulCheck {
				ask.Checks = append(ask.Checks, gate)
			}
		}
		for _, gate := range p.asked() {
			if gate.Kind != states.GateConsulCheck {
				ask.Gates = append(ask.Gates, gate)
			}
		}
		for _, r := range hop.Requires {
			ask.Elsewhere = append(ask.Elsewhere, r.Cluster)
		}
	}
	for _, doc := range snapshot.Requests { // one of them may begin a move that requires something
		if doc.Value.Kind == states.AskTransition || doc.Value.Kind == states.AskReconverge {
			ask.Elsewhere = append(ask.Elsewhere, allRequired(snapshot.Definition.Value)...)
		}
	}
	slices.Sort(ask.Elsewhere)
	ask.Elsewhere = slices.Compact(ask.Elsewhere)
	return ask
}

func allRequired(definition states.Cluster) []string {
	var names []string
	for _, t := range definition.Transitions {
		for _, r := range t.Requires {
			names = append(names, r.Cluster)
		}
	}
	return names
}

// asked lists the gates whose answer matters now: before the first batch of a hop, or after one.
func (p *planner) asked() []states.Gate {
	var gates []states.Gate
	start := !p.over() && !p.going() && !p.Desired.Value.Open && p.batchNumber() == 1
	for _, gate := range p.record.Current().Gates {
		if gate.At == states.AtStart && start || gate.At != states.AtStart && p.over() {
			gates = append(gates, gate)
		}
	}
	return gates
}

// gauge notes what gates say now where that is not what they said before. It is written down,
// because how long a gate has passed must not be lost with the leader; and a new leader counts
// anew, because nobody watched meanwhile.
func (p *planner) gauge() *Decision {
	if p.record.Status != states.Running || p.dreaming {
		return nil
	}
	gauges, said := slices.Clone(p.record.Gates), []string{}
	for _, gate := range p.asked() {
		reading, answered := p.reading(gate)
		if !answered {
			continue
		}
		i := slices.IndexFunc(gauges, func(g states.Gauge) bool { return g.Gate == gate.Name })
		now := states.Gauge{Gate: gate.Name, Outcome: reading.Outcome, Text: reading.Text, Since: p.now, Refused: p.now, Epoch: p.leading.Epoch}
		if i >= 0 && gauges[i].Epoch == now.Epoch {
			now.Refused = p.refusedSince(gate, gauges[i])
		}
		switch {
		case i < 0:
			gauges = append(gauges, now)
		case gauges[i].Outcome != now.Outcome || gauges[i].Epoch != now.Epoch:
			gauges[i] = now
		default:
			continue
		}
		said = append(said, spoken(gate, now))
	}
	if len(said) == 0 {
		return nil
	}
	d := p.draft(states.EventGate, "%s", strings.Join(said, "; "))
	d.record.Gates = gauges
	return d.decide()
}

// refusedSince goes on with the clock of a gate that has not held since it refused first; while it
// passed, that stood still.
func (p *planner) refusedSince(gate states.Gate, was states.Gauge) time.Time {
	switch passed := p.now.Sub(was.Since); {
	case was.Outcome != states.GatePass:
		return was.Refused
	case passed < gate.PassingFor.D():
		return was.Refused.Add(passed)
	}
	return p.now
}

// spoken says what a gate answered: `gate web-passing: pass`.
func spoken(gate states.Gate, g states.Gauge) string {
	text := "gate " + gate.Name + ": " + outcomeWord(g.Outcome)
	if g.Text != "" {
		text += ", " + g.Text
	}
	if gate.DryRun {
		text += " (dry run)"
	}
	return text
}

func outcomeWord(outcome string) string {
	return map[string]string{states.GatePass: "passes", states.GateFail: "says no", states.GateUnknown: "nobody can tell"}[outcome]
}

// reading gives the answer of a gate for the batch in question, where there is one.
func (p *planner) reading(gate states.Gate) (states.Reading, bool) {
	if gate.Kind == states.GateConsulCheck {
		return p.judgeChecks(gate)
	}
	reading, there := p.Evidence.Gates[gate.Name]
	return reading, there && !reading.At.Before(p.began())
}

// judgeChecks tells what Consul's checks mean for a gate: every node of the batch has its service
// and all its checks, and all of them pass; or every instance there is does.
func (p *planner) judgeChecks(gate states.Gate) (states.Reading, bool) {
	checks, there := p.Evidence.Checks[gate.Name]
	switch {
	case !there:
		return states.Reading{}, false
	case checks.Problem != "":
		return states.Reading{Outcome: states.GateUnknown, Text: checks.Problem, At: checks.At}, true
	}
	var bad []string
	by := map[string][]states.Check{}
	for _, check := range checks.Checks {
		by[check.Node] = append(by[check.Node], check)
		node, ours := p.node(check.Node)
		if gate.Scope == states.ScopeService && !check.Passing() && !(ours && p.unasked(node)) {
			bad = append(bad, check.ID+" on "+check.Node+" is "+check.Status)
		}
	}
	if gate.Scope != states.ScopeService {
		bad = p.batchChecks(gate, by)
	} else if len(checks.Checks) == 0 {
		bad = append(bad, "there is no "+gateSubject(gate))
	}
	if len(bad) > 0 {
		return states.Reading{Outcome: states.GateFail, Text: list(bad), At: checks.At}, true
	}
	return states.Reading{Outcome: states.GatePass, At: checks.At}, true
}

// batchChecks lists what is wrong with the nodes of the batch.
func (p *planner) batchChecks(gate states.Gate, by map[string][]states.Check) []string {
	var bad []string
	for _, name := range p.record.Batch.Nodes {
		node, _ := p.node(name)
		if p.unasked(node) {
			continue
		}
		if len(by[name]) == 0 {
			bad = append(bad, "there is no "+gateSubject(gate)+" on "+name)
		}
		for _, id := range gate.Checks {
			if len(by[name]) > 0 && !slices.ContainsFunc(by[name], func(c states.Check) bool { return c.ID == id }) {
				bad = append(bad, "there is no check "+id+" on "+name)
			}
		}
		for _, check := range by[name] {
			if !check.Passing() {
				bad = append(bad, check.ID+" on "+name+" is "+check.Status)
			}
		}
	}
	return bad
}

// unasked tells whether a gate says nothing about a node: it is not waited for, or it is not there though its batch
// is over (it failed, was cut short, or was held for a while) and goes once more in a batch to come, after which it
// is asked about.
func (p *planner) unasked(node *states.Node) bool {
	switch {
	case p.excused(node):
		return true
	case node.Status.Value.At(p.record.Towards()):
		return false
	case p.over() && p.chargedAs(node.Name) == "" && slices.Contains(p.record.Batch.Nodes, node.Name):
		return true
	}
	return slices.ContainsFunc(p.record.Counted, func(c states.Counted) bool {
		return c.Node == node.Name && c.Hop == p.record.Hop && c.Retried
	})
}

func gateSubject(gate states.Gate) string {
	if gate.Service != "" {
		return "service " + gate.Service
	}
	return "check " + strings.Join(gate.Checks, ", ")
}

// gated waits until every gate holds. One that says no until its time is over stops the move as a
// failure; one that does not know only makes it stand still.
func (p *planner) gated(l *leave) {
	if p.dreaming {
		return
	}
	for _, gate := range p.asked() {
		l.until(p.now.Add(again))
		gauge, told := p.record.Gauge(gate.Name)
		holds := told && gauge.Outcome == states.GatePass && !p.now.Before(gauge.Since.Add(gate.PassingFor.D()))
		if holds || gate.DryRun || p.overridden("gate", gate.Name) {
			continue
		}
		if told && gauge.Outcome == states.GatePass {
			until := gauge.Since.Add(gate.PassingFor.D())
			l.wait("gate", "", "gate %q passes since %s, and has to until %s (passing_for = %s)", gate.Name, clock(gauge.Since), clock(until), gate.PassingFor)
			l.until(until)
			continue
		}
		p.refusing(l, gate, gauge, told)
	}
}

// refusing waits for a gate that does not pass, or gives up.
func (p *planner) refusing(l *leave, gate states.Gate, gauge states.Gauge, told bool) {
	from := p.watched(p.began())
	cause, says := states.ByDoubt, "has not answered"
	if told {
		from = latest(from, gauge.Refused)
		says = outcomeWord(gauge.Outcome)
		if gauge.Text != "" {
			says += ": " + gauge.Text
		}
	}
	if told && gauge.Outcome == states.GateFail {
		cause = states.ByGate
	}
	until := from.Add(gate.Timeout.D())
	if p.now.After(until) {
		if l.stop == nil || cause == states.ByGate { // what is known to be wrong counts for more than a doubt
			l.stop = p.stopFor(cause, "gate %q %s, for %s", gate.Name, says, gate.Timeout)
		}
		return
	}
	remedy := fmt.Sprintf("wait, or orch resume %s --override gate=%s", p.Cluster, gate.Name)
	l.wait("gate", remedy, "gate %q %s; it has until %s", gate.Name, says, clock(until))
	l.until(until)
}
