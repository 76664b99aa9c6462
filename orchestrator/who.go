package orchestrator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Who is next: the members that are not there yet, in the order in which they go.

// field is what remains of a hop.
type field struct {
	rest    []string // all members that are not there, but those who are lost
	movable []string // of those, who can be ordered now, in their order
	busy    []string // whoever still runs something that counts in the bound
}

// there tells whether a node is where the move in progress wants it.
func (p *planner) there(node *states.Node) bool {
	return node.Status.OK() && node.Status.Value.Done(p.record.Towards(), p.record.Again)
}

// remaining sorts the members that are not there.
func (p *planner) remaining() field {
	var f field
	for i, m := range p.record.Members {
		node, _ := p.seat(i)
		if p.runsStill(node) {
			f.busy = append(f.busy, m.Node)
		}
		if p.held(node) || p.there(node) {
			continue
		}
		kind := p.chargedAs(m.Node)
		if (kind == states.CountLost || kind == states.CountSkipped) && !seen(node) {
			continue
		}
		f.rest = append(f.rest, m.Node)
		if kind == "" && seen(node) {
			f.movable = append(f.movable, m.Node)
		}
	}
	f.busy = append(f.busy, p.unheard(&p.record)...)
	p.sort(f.movable)
	return f
}

// unheard lists nodes that fell silent in a run before the hop began. They are no members before they are
// back, and then they still run: until that must be over they fill slots.
func (p *planner) unheard(record *states.Record) []string {
	var names []string
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if !node.Alive && !forgotten(node) && p.runsStill(node) && meant(record.Only, node.Name) && !isMember(record, node.Name) {
			names = append(names, node.Name)
		}
	}
	return names
}

// chargedAs gives what a node was charged as in this hop, or "".
func (p *planner) chargedAs(node string) string {
	for _, c := range p.record.Counted {
		if c.Node == node && c.Hop == p.record.Hop && !c.Retried {
			return c.Kind
		}
	}
	return ""
}

// runsStill tells whether a run of a node fills a slot, of whatever generation, its own idea or not. A
// silent one stops doing so after its own time and grace.
func (p *planner) runsStill(node *states.Node) bool {
	if p.now.Before(p.elsewhereUntil(node)) {
		return true
	}
	run := &node.Status.Value.Run
	if !node.Status.OK() || !run.Going() || run.Under == states.UnderJoiner {
		return false
	}
	return node.Alive || p.now.Before(p.silentUntil(node))
}

// elsewhereUntil is how long a run may go on that nobody hears of any more: another instance has the node's
// name, and who had it before was let go and may be a machine that is only cut off. It began before that was
// seen. An operator who lets the node go again frees the slot.
func (p *planner) elsewhereUntil(node *states.Node) time.Time {
	order := &node.Order.Value
	if !node.Order.OK() || order.Run == "" || !node.Status.OK() || node.Status.Value.Instance == order.Instance {
		return time.Time{}
	}
	for _, c := range p.record.Counted {
		if c.Run == order.Run && !c.Retried {
			return c.At.Add(order.Timeout.D() + states.Grace(order.Timeout).D() + states.LongestWait(p.record.Current().Drains).D())
		}
	}
	return time.Time{}
}

// silentUntil is how long the run of a silent node may go on. Its times count from when the node was
// missed: its own clock may be years off. Who is no member is missed by nobody, and its clock has to do, for
// no longer than if it had fallen silent as the hop began: it did so before.
func (p *planner) silentUntil(node *states.Node) time.Time {
	run := &node.Status.Value.Run
	length := run.Until().Sub(run.Started)
	switch m, is := p.member(node.Name); {
	case is && !m.MissingSince.IsZero():
		return m.MissingSince.Add(length)
	case !is && p.record.Status == states.Running:
		return sooner(run.Until(), p.watched(p.record.HopAt).Add(length))
	}
	return run.Until()
}

// sort brings names into the order in which they go: by the policy, and a rollback in the order of
// its members, who went last first. Whoever serves nobody now comes before those who do.
func (p *planner) sort(names []string) {
	if p.record.Undoes != "" {
		return
	}
	policy := p.record.Current().Policy
	key := func(name string) string { return name }
	if policy.NodeOrder == states.OrderRandom {
		key = p.shuffled(policy.Seed)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		if policy.NodeOrder == states.OrderUnhealthyFirst {
			if first := p.rank(a) - p.rank(b); first != 0 {
				return first
			}
		}
		return strings.Compare(key(a), key(b))
	})
}

// rank puts those first who have least to lose: at no state, then sick, then drifted, then well.
func (p *planner) rank(name string) int {
	node, _ := p.node(name)
	switch status := &node.Status.Value; {
	case status.State.None() || !status.Attempting.None():
		return 0
	case p.sick[name] != "":
		return 1
	case status.Drift != nil:
		return 2
	}
	return 3
}

// shuffled gives an order that looks random and is the same for every leader: by the seed, and
// without one by the transition, so that it is another one every time.
func (p *planner) shuffled(seed int) func(string) string {
	salt := p.record.ID
	if seed != 0 {
		salt = fmt.Sprint(seed)
	}
	return func(name string) string {
		sum := sha256.Sum256([]byte(salt + "/" + name))
		return hex.EncodeToString(sum[:8])
	}
}

// grouped leaves those of one group: the one that was begun, or else the first by name.
func (p *planner) grouped(names []string) (group string, chosen []string) {
	by := p.record.Current().Policy.GroupBy
	if by == "" || len(names) == 0 {
		return "", names
	}
	groups := map[string][]string{}
	for _, name := range names {
		g := p.groupOf(name)
		groups[g] = append(groups[g], name)
	}
	group = p.record.Batch.Group
	if _, left := groups[group]; !left {
		group = slices.Min(slices.Collect(maps.Keys(groups)))
	}
	return group, groups[group]
}

// groupOf gives the group that a node's agent says it is of. Nodes that say nothing are one group.
func (p *planner) groupOf(name string) string {
	node, _ := p.node(name)
	if group := node.Status.Value.Meta[p.record.Current().Policy.GroupBy]; group != "" {
		return group
	}
	return "(no " + p.record.Current().Policy.GroupBy + ")"
}

// primaryLast leaves out whoever holds the role, until nobody else is left.
func (p *planner) primaryLast(names []string) []string {
	if p.record.Current().Primary == nil {
		return names
	}
	if others := without(names, p.Evidence.Primary.Nodes); len(others) > 0 {
		return others
	}
	return names
}

// unclearPrimary says why nobody can tell who holds the role, or "".
func (p *planner) unclearPrimary() string {
	switch primary := p.Evidence.Primary; {
	case p.record.Current().Primary == nil || p.dreaming:
		return ""
	case primary.Problem != "":
		return primary.Problem
	case primary.At.IsZero():
		return "nobody has looked yet"
	}
	return ""
}

// choose takes as many nodes, in their order, as fit beside those that still run something and as
// the floor lets go. A node that itself still runs something fills its slot already; one that is
// not healthy costs nothing.
func (p *planner) choose(names, busy []string, size, room int) []string {
	var chosen []string
	taken := len(busy)
	if taken > size { // more than the batch run already, from when the cluster was open
		return nil
	}
	for _, name := range names {
		node, _ := p.node(name)
		costs := p.healthy(node)
		switch {
		case len(chosen) == size:
			return chosen
		case costs && room == 0:
			continue
		case slices.Contains(busy, name):
		case taken < size:
			taken++
		default:
			continue
		}
		if costs {
			room--
		}
		chosen = append(chosen, name)
	}
	return chosen
}
