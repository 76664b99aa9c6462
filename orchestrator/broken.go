package orchestrator

import (
	"fmt"

	"orch/states"
)

// broken finds what keeps anybody from leading: documents that are missing or cannot be used, and
// agents that have seen more than lies there, as after a snapshot restore. Nothing is written then.
func (p *planner) broken() *Decision {
	var waits []Wait
	say := func(kind, remedy, format string, args ...any) {
		waits = append(waits, Wait{Kind: kind, Reason: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	seen := p.marked()
	again := "orch recover " + p.Cluster
	switch {
	case !p.Desired.There() && !p.Record.There() && len(seen) > 0:
		say("wiped", recoverAnew(p.Cluster), "cluster %q has no desired state, and %s accepted one before, as after a wipe: %s; agents keep what they have",
			p.Cluster, states.Count(len(seen), "node"), list(seen))
	case !p.Desired.There() && !p.Record.There():
		say("unborn", "orch apply PATH", "cluster %q has no desired state", p.Cluster)
	case !p.Desired.There():
		say("missing", again, "the key \"desired\" of cluster %q is gone; agents keep what they have", p.Cluster)
	case !p.Desired.OK():
		say("garbage", again, "the key \"desired\" of cluster %q cannot be used: %s; agents keep what they have", p.Cluster, p.Desired.Problem)
	case !p.Record.There():
		say("missing", again, "the key \"transition\" of cluster %q is gone", p.Cluster)
	case !p.Record.OK():
		say("garbage", again, "the key \"transition\" of cluster %q cannot be used: %s", p.Cluster, p.Record.Problem)
	case p.planted() != "":
		say("planted", again, "%s", p.planted())
	case p.torn() != "":
		say("torn", again, "%s", p.torn())
	default:
		p.overtaken(say)
	}
	if waits == nil {
		return nil
	}
	decision := p.wait(waits...)
	decision.Broken = true
	return decision
}

// planted says that a number lies there that nobody counted to, or "". Agents do not follow it, and a
// leader that counted on from there would soon have none left.
func (p *planner) planted() string {
	if why := p.Desired.Value.Planted(p.now); why != "" {
		return fmt.Sprintf("the key \"desired\" of cluster %q is followed by nobody: its %s; agents keep what they have", p.Cluster, why)
	}
	if entries := p.record.Journal; entries > states.MostEntries(p.now) {
		return fmt.Sprintf("the key \"transition\" of cluster %q counts %d entries of the journal, and nobody can have written so many", p.Cluster, entries)
	}
	return ""
}

// torn says why the desired state and the record are not a pair that a leader wrote, or "". Either may
// be the older one, and whoever went on from one of them would give orders that fit no agent.
func (p *planner) torn() string {
	desired, record := p.Desired.Value, p.record
	const says = "the keys \"desired\" and \"transition\" of cluster %q were not written together, as after an edit or a restore of one of them: %s; nobody leads on from there"
	switch {
	case desired.Transition != record.ID:
		return fmt.Sprintf(says, p.Cluster, fmt.Sprintf("the one is of %s, the other of %s", desired.Transition, record.ID))
	case record.Generation != 0 && desired.Generation != record.Generation:
		return fmt.Sprintf(says, p.Cluster, fmt.Sprintf("the one has generation %d, the other %d", desired.Generation, record.Generation))
	case !desired.State.Same(record.Towards()) && !p.between(desired.State):
		return fmt.Sprintf(says, p.Cluster, fmt.Sprintf("the one wants %s, the other is on its way to %s", desired.State, record.Towards()))
	}
	return ""
}

// between tells whether a state was reached on the way, and the move ended before the next hop began:
// too few were alive for that.
func (p *planner) between(state states.State) bool {
	hop := p.record.Hop
	return p.record.Status != states.Running && p.record.Status != states.Done && hop > 0 && p.record.Hops[hop-1].State.Same(state)
}

// recoverAnew is what helps where the definition is gone as well.
func recoverAnew(cluster string) string {
	return "orch recover " + cluster + " STATE --definition PATH"
}

// overtaken finds agents that accepted what the desired state has not reached.
func (p *planner) overtaken(say func(kind, remedy, format string, args ...any)) {
	desired := p.Desired.Value.Mark
	for i := range p.Nodes {
		node := &p.Nodes[i]
		status := &node.Status
		if !status.OK() || forgotten(node) || status.Value.Mark.Zero() {
			continue
		}
		if status.Value.Planted(p.now) != "" {
			continue // it keeps one node where it is, or is not true; see why of that node
		}
		if why := status.Value.Mark.Refuses(desired); why != "" {
			say("overtaken", "orch recover "+p.Cluster,
				"node %q has seen more than lies in Consul, as after a restore: %s", node.Name, why)
		}
	}
}

// forgotten tells whether an operator took this very instance of a node off the list.
func forgotten(node *states.Node) bool {
	order := &node.Order
	return order.OK() && order.Value.Forgotten != nil &&
		(!node.Status.OK() || order.Value.Forgotten.Instance == node.Status.Value.Instance)
}

// held tells whether an operator holds the node now, or somebody on the node itself disabled its agent.
func (p *planner) held(node *states.Node) bool {
	return node.Order.OK() && node.Order.Value.HeldAt(p.now) != nil || disabled(node)
}

// disabled tells whether somebody or something on the node itself keeps its agent from starting anything.
func disabled(node *states.Node) bool { return node.Status.OK() && node.Status.Value.Off() }
