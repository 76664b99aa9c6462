package orchestrator

import (
	"fmt"

	"orch/states"
)

// healthy tells whether a node serves: its agent is alive, it is at a state that serves, nothing
// runs on it, and no check that a gate looks at speaks against it. One that drifted serves: what its
// own check found is no failure, and whether it still answers is what gates look at.
func (p *planner) healthy(node *states.Node) bool {
	status := &node.Status.Value
	return seen(node) && !forgotten(node) && status.State.Serving && status.Attempting.None() && p.sick[node.Name] == ""
}

// ailing gives, by node, what the checks say that the hop's gates look at. A gate in a dry run
// measures, and speaks against nobody.
func (p *planner) ailing() map[string]string {
	sick := map[string]string{}
	for _, gate := range p.record.Current().Gates {
		if gate.Kind != states.GateConsulCheck || gate.DryRun {
			continue
		}
		for _, check := range p.Evidence.Checks[gate.Name].Checks {
			if !check.Passing() && sick[check.Node] == "" {
				sick[check.Node] = check.ID + " is " + check.Status
			}
		}
	}
	return sick
}

// health counts the healthy among the known nodes.
func (p *planner) health() (healthy, known int) {
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if !node.Status.There() || forgotten(node) {
			continue
		}
		known++
		if p.healthy(node) {
			healthy++
		}
	}
	return healthy, known
}

// floor is how many must stay healthy, and how many healthy nodes may therefore be let go now.
type floor struct {
	least, healthy, known int
	room                  int
	policy                states.Size
}

// floor counts a node that has an order, and has not taken it yet, as one that is down already.
func (p *planner) floor() floor {
	f := floor{policy: p.record.Current().Policy.MinHealthy}
	f.healthy, f.known = p.health()
	f.least = f.policy.Ceil(f.known)
	f.room = len(p.Nodes)
	if f.policy == (states.Size{}) || p.overridden("min_healthy", "") {
		return f
	}
	f.room = max(0, f.healthy-f.least)
	if !p.going() {
		return f
	}
	for _, name := range p.record.Batch.Nodes {
		node, _ := p.node(name)
		if _, ordered := p.standing(node); ordered && p.healthy(node) {
			f.room = max(0, f.room-1)
		}
	}
	return f
}

func (f floor) String() string {
	return fmt.Sprintf("%d of %d are healthy, and %d must stay so (min_healthy = %s)", f.healthy, f.known, f.least, f.policy)
}

// blind says why nobody can tell who is healthy, or "": then a floor lets nobody go.
func (p *planner) blind() string {
	if p.record.Current().Policy.MinHealthy == (states.Size{}) || p.dreaming {
		return ""
	}
	for _, gate := range p.record.Current().Gates {
		if gate.Kind != states.GateConsulCheck || gate.DryRun {
			continue
		}
		switch checks := p.Evidence.Checks[gate.Name]; {
		case checks.Problem != "":
			return checks.Problem
		case checks.At.IsZero():
			return fmt.Sprintf("the checks of gate %q were not read yet", gate.Name)
		}
	}
	return ""
}

// impossible says why a floor could never be kept on a path, or "".
func (p *planner) impossible(origin states.State, hops []states.Hop) string {
	known := 0
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if node.Status.There() && !forgotten(node) {
			known++
		}
	}
	for _, hop := range hops {
		least, serving := hop.Policy.MinHealthy.Ceil(known), origin.Serving
		why := ""
		switch {
		case least == 0 || known == 0:
		case least > known:
			why = fmt.Sprintf("%d must stay healthy, and %d nodes are known", least, known)
		case serving && !hop.State.Serving:
			why = fmt.Sprintf("%d must stay healthy, and %s serves nobody", least, hop.State)
		case serving && least == known:
			why = fmt.Sprintf("all %d known nodes must stay healthy, and one at least has to go", known)
		}
		if why != "" {
			return fmt.Sprintf("min_healthy = %s can never be kept on the way to %s: %s; change it, or --override min_healthy", hop.Policy.MinHealthy, hop.State, why)
		}
		origin = hop.State
	}
	return ""
}
