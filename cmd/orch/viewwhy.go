package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// blocker is one thing that keeps a cluster or a node from moving, and what would change that.
type blocker struct {
	Kind   string `json:"kind"`
	Node   string `json:"node,omitempty"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy,omitempty"`
}

// blockers lists what holds the cluster: what the planner waits for, and what comes on top of it.
func (v *view) blockers() []blocker {
	var list []blocker
	if v.usable() && v.record.Cause == states.ByFailures && v.record.Status == states.Paused {
		list = append(list, v.failures())
	}
	led, told := v.awaiting(), len(list) > 0
	if v.awaiting() {
		list = append(list, blocker{"approval", "", v.record.Reason, "orch approve " + v.Cluster + " --reason WHY"})
	}
	for _, w := range v.waits {
		if v.awaiting() && (w.Kind == "approval" || w.Kind == "leader") {
			continue // whoever approves will lead
		}
		led = led || w.Kind == "leader"
		if w.Kind == "paused" && told {
			continue // the failures say why, and more
		}
		list = append(list, blocker{w.Kind, w.Node, w.Reason, w.Remedy})
	}
	for _, r := range v.Requests {
		if !v.Led && !(r.Value.Queue && r.Value.Held) {
			list = append(list, blocker{"request", "", v.pending(r), "whoever leads next takes it up"})
		}
	}
	if v.moving() && !v.Led && !led {
		list = append(list, v.unled(slices.ContainsFunc(list, shutOut)))
	}
	return list
}

// shutOut tells whether a blocker is one that no leader waits for: it lets go of the lease meanwhile.
func shutOut(b blocker) bool { return b.Kind == "freeze" || b.Kind == states.AwaitWindow }

func (v *view) failures() blocker {
	var names []string
	for _, c := range v.record.Counted {
		if c.Kind != states.CountSkipped && !c.Retried {
			names = append(names, c.Node+" "+c.Kind)
		}
	}
	reason := fmt.Sprintf("%s, and %d are allowed (max_failures = %s)", strings.Join(names, ", "), v.record.Budget(), v.record.Current().Policy.MaxFailures)
	remedy := ""
	for _, w := range v.waits {
		if w.Kind == "paused" {
			remedy = w.Remedy
		}
	}
	return blocker{"failures", "", reason, remedy}
}

func (v *view) pending(r states.Doc[states.Request]) string {
	if !r.OK() {
		return "request " + r.Value.ID + " cannot be read: " + r.Problem
	}
	return fmt.Sprintf("%s by %s at %s is not answered, and nobody leads; it expires at %s", r.Value.Kind, r.Value.By,
		clock(r.Value.At, v.now), clock(r.Value.Expires, v.now))
}

func (v *view) unled(later bool) blocker {
	remedy := "orch resume " + v.Cluster
	switch {
	case v.record.Status != states.Running:
		remedy = "the verb that lifts what is above will lead"
	case later:
		remedy += ", once that is over"
	}
	return blocker{"leader", "", v.leaderLine(), remedy}
}

// nodeBlockers lists what holds one node.
func (v *view) nodeBlockers(n nodeView) []blocker {
	list := v.nodeState(n)
	if !v.usable() || n.There && len(list) == 0 {
		return list
	}
	if !n.There {
		list = append(list, v.orderBlockers(n)...)
	}
	for _, b := range v.blockers() {
		if b.Node == "" && b.Kind != "freeze" && (n.Counted != nil || !v.desire.Open) { // a freeze of the node's own is told above
			list = append(list, b)
		}
	}
	return list
}

// nodeState lists what is wrong with the node itself.
func (v *view) nodeState(n nodeView) []blocker {
	var list []blocker
	say := func(kind, remedy, format string, args ...any) {
		list = append(list, blocker{Kind: kind, Reason: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	node, _ := v.Node(n.Name)
	switch order := n.Order.Value; {
	case n.Phase == phaseForgotten:
		say("forgotten", "an agent with another state directory is another node", "%s", order.Forgotten)
	case n.Phase == phaseUnreadable:
		say("unreadable", "the agent writes it again at its next renewal", "its status cannot be read: %s; it counts as silent", n.Reason)
	case n.Phase == phaseUnknown:
		say("unknown", "start its agent", "nothing lies at its status key")
	case n.Counted != nil:
		say(n.Counted.Kind, "orch retry "+v.Cluster+" --node "+n.Name, "%s, %s", n.Counted.Reason, "counted at "+clock(n.Counted.At, v.now))
	}
	if n.Known && !n.Alive && n.Phase != phaseForgotten {
		say("absent", "start its agent, or orch forget "+v.Cluster+" "+n.Name, "%s", v.silence(n, node))
	}
	if v.held(node) {
		say("held", "orch unhold "+v.Cluster+" "+n.Name, "%s", n.Order.Value.Held)
	}
	if word := node.Status.Value.Disabled; node.Status.OK() && word != nil {
		say("disabled", "convergeagent enable --state-dir DIR, on "+n.Name, "disabled on the node %s", word)
	}
	if why := node.Status.Value.Unable; node.Status.OK() && why != "" {
		say("unable", "on "+n.Name+"; it goes on by itself when that is mended", "its agent runs nothing: %s", why)
	}
	if n.Drift != nil {
		say("drifted", v.repair(), "%s", v.driftText(n))
	}
	if n.Order.There() && !n.Order.OK() {
		say("order", "the leader writes another", "its order cannot be read: %s", n.Order.Problem)
	}
	if why := node.Status.Value.Planted(v.now); why != "" {
		say("planted", "set the clock of "+n.Name+", move its agent's state directory away and restart the agent: it starts as one that nobody knows",
			"by its own word it accepted what nobody follows: %s", why)
	}
	if n.Refused != "" {
		say("refused", "where it was edited: orch fsck "+v.Cluster+" | after a restore: orch recover "+v.Cluster, "the node does not follow what lies in Consul: %s", n.Refused)
	}
	for i, freeze := range []states.Doc[states.Freeze]{v.Frozen, v.Freeze} {
		if freeze.There() && v.desire.State.Serving && !n.There {
			say("freeze", []string{"orch thaw", "orch thaw " + v.Cluster}[i], "frozen %s", first(freeze.Problem, freeze.Value.String()))
		}
	}
	return list
}

// silence says since when a node is not heard of, and what follows from it.
func (v *view) silence(n nodeView, node states.Node) string {
	member, _ := v.record.Member(n.Name)
	text := "its agent is not alive"
	if !member.MissingSince.IsZero() {
		text += " since " + clock(member.MissingSince, v.now)
		if v.record.Status == states.Running && n.Counted == nil {
			text += ", and counts as lost from " + clock(v.lostFrom(member), v.now)
		}
	}
	if node.Status.OK() && v.Desired.OK() {
		text += "; on return: " + v.onReturn(node).Reason
	}
	return text
}

// orderBlockers says what the node's order is worth.
func (v *view) orderBlockers(n nodeView) []blocker {
	order := n.Order.Value
	node, _ := v.Node(n.Name)
	one := func(kind, remedy, format string, args ...any) []blocker {
		return []blocker{{Kind: kind, Reason: fmt.Sprintf(format, args...), Remedy: remedy}}
	}
	switch {
	case n.Order.Problem != "" || !node.Status.OK() || n.Phase == phaseForgotten || v.held(node) || n.Counted != nil:
		return nil
	case order.Void != "" && order.OfHop(&v.desire):
		return one("order", "a new order", "its order was taken back: %s", order.Void)
	case n.busy():
		return one("run", "", "%s", v.runText(n))
	case v.desire.Open:
		return one("open", "", "everybody may go, and the node says: %s", first(n.Reason, "nothing"))
	case v.standing(node):
		return one("order", "", "it has an order, run %s, deadline %s, and has not begun: %s", order.Run, clock(v.deadline(), v.now), first(n.Reason, "it says nothing"))
	case order.For(&v.desire, order.Instance) && order.Instance != node.Status.Value.Instance:
		return one("order", "", "its order is for instance %s, and it is %s", order.Instance, node.Status.Value.Instance)
	}
	return one("order", "its turn", "it has no order: %s", v.onReturn(node).Reason)
}

// standing tells whether a node has an order that lets it go now.
func (v *view) standing(n states.Node) bool {
	order := n.Order.Value
	_, over := n.Status.Value.Ended(order.Run)
	return n.Order.OK() && !over && order.For(&v.desire, n.Status.Value.Instance)
}

func (v *view) runText(n nodeView) string {
	text := fmt.Sprintf("it converges now, run %s, try %d of %d, for %s", n.Run.ID, n.Run.Attempt, n.Run.Tries, ago(v.now.Sub(n.Run.Started)))
	if n.Run.Under == states.UnderOrder && v.record.Status == states.Running {
		text += ", deadline " + clock(v.deadline(), v.now)
	}
	return text
}

// deadline is when the batch in progress must be over.
func (v *view) deadline() time.Time {
	hop := v.record.Current()
	var drain states.Duration
	for _, d := range hop.Drains {
		drain += d.Wait
	}
	return v.record.Batch.Ordered.Add(hop.Policy.Allowance(drain))
}

// free lists what does not hold the cluster, so that nobody looks for it.
func (v *view) free() []string {
	var list []string
	if !v.Frozen.There() && !v.Freeze.There() {
		list = append(list, "freeze (none)")
	}
	if v.count(func(n nodeView) bool { return n.Phase == string(states.Held) }) == 0 {
		list = append(list, "hold (none)")
	}
	if v.usable() && v.record.Failures() <= v.record.Budget() {
		list = append(list, fmt.Sprintf("failures (%d, %d allowed)", v.record.Failures(), v.record.Budget()))
	}
	list = append(append(list, v.freeWindow()...), v.freeCare()...)
	if v.Led {
		list = append(list, "leader ("+first(v.Leader.Value.Who, "somebody")+")")
	}
	if v.usable() && v.Definition.OK() {
		list = append(list, "keys (all can be read)")
	}
	if len(v.Requests) == 0 {
		list = append(list, "requests (none waits)")
	}
	return list
}
