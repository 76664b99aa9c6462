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
	default:
		p.overtaken(say)
	}
	if waits == nil {
		return nil
	}
	return p.wait(waits...)
}

// recoverAnew is what helps where the definition is gone as well.
func recoverAnew(cluster string) string {
	return "orch recover " + cluster + " STATE --definition PATH"
}

// overtaken finds agents that accepted what the desired state has not reached.
func (p *planner) overtaken(say func(kind, remedy, format string, args ...any)) {
	desired := p.Desired.Value.Mark
	for _, node := range p.Nodes {
		status := node.Status
		if !status.OK() || forgotten(node) || status.Value.Mark.Zero() {
			continue
		}
		if why := status.Value.Mark.Refuses(desired); why != "" {
			say("overtaken", "orch recover "+p.Cluster,
				"node %q has seen more than lies in Consul, as after a restore: %s", node.Name, why)
		}
	}
}

// forgotten tells whether an operator took this very instance of a node off the list.
func forgotten(node states.Node) bool {
	order := node.Order
	return order.OK() && order.Value.Forgotten != nil &&
		(!node.Status.OK() || order.Value.Forgotten.Instance == node.Status.Value.Instance)
}

// held tells whether an operator holds the node now, or somebody on the node itself disabled its agent.
func (p *planner) held(node states.Node) bool {
	return node.Order.OK() && node.Order.Value.HeldAt(p.now) != nil || disabled(node)
}

// disabled tells whether somebody or something on the node itself keeps its agent from starting anything.
func disabled(node states.Node) bool { return node.Status.OK() && node.Status.Value.Off() }
