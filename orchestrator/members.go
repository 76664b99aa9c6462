package orchestrator

import (
	"slices"
	"strings"

	"orch/states"
)

// members notes who came, who vanished and who is back. Liveness is not membership: a member that
// vanishes stays one, so that losing sight of everybody never looks like having nothing left to do.
func (p *planner) members() *Decision {
	if p.record.Status != states.Running {
		return nil
	}
	members, changes := p.roll()
	if len(changes) == 0 {
		return nil
	}
	d := p.draft(states.EventMembers, "%s", strings.Join(changes, ", "))
	d.record.Members = members
	for i, c := range d.record.Counted { // lost, and back before anybody let it go: it takes its turn
		if before, _ := p.member(c.Node); !before.MissingSince.IsZero() && c.Hop == d.record.Hop && c.Kind != states.CountFailed && c.Run == "" {
			if node, _ := p.node(c.Node); seen(node) {
				d.record.Counted[i].Retried = true
			}
		}
	}
	return d.decide()
}

// roll gives the members as they are now, and what changed since they were recorded.
func (p *planner) roll() (members []states.Member, changes []string) {
	members = make([]states.Member, 0, len(p.record.Members))
	for i, member := range p.record.Members {
		node, there := p.seat(i)
		switch {
		case there && forgotten(node):
			changes = append(changes, member.Node+" was forgotten")
			continue
		case seen(node) && !member.MissingSince.IsZero():
			changes = append(changes, member.Node+" is back")
			member = states.Member{Node: member.Node, Since: p.now}
		case !seen(node) && member.MissingSince.IsZero():
			member.MissingSince = p.now
			changes = append(changes, member.Node+" is silent")
		}
		members = append(members, member)
	}
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if _, known := p.member(node.Name); !known && p.counts(node) && meant(p.record.Only, node.Name) {
			members = append(members, states.Member{Node: node.Name, Since: p.now})
			changes = append(changes, node.Name+" came")
		}
	}
	return members, changes
}

// counts tells whether a node can be a member now: alive, readable and not forgotten.
func (p *planner) counts(node *states.Node) bool { return seen(node) && !forgotten(node) }

// seen tells whether the node's agent is alive and what it says can be read. A status that cannot
// be read counts as silence, never as done.
func seen(node *states.Node) bool { return node.Alive && node.Status.OK() }

// alive counts the known nodes and those of them that live.
func (p *planner) alive() (alive, known int) {
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if !node.Status.There() || forgotten(node) {
			continue
		}
		known++
		if node.Alive {
			alive++
		}
	}
	return alive, known
}

// muster gives the members that a hop begins with.
func (p *planner) muster(only []string) []states.Member {
	members := []states.Member{}
	for i := range p.Nodes {
		node := &p.Nodes[i]
		if p.counts(node) && meant(only, node.Name) {
			members = append(members, states.Member{Node: node.Name})
		}
	}
	return members
}

// meant tells whether a move is about a node: some are about a few nodes only.
func meant(only []string, node string) bool { return only == nil || slices.Contains(only, node) }

// isMember tells whether a record has a node among its members. It reads all of them: planner.member is quicker.
func isMember(record *states.Record, node string) bool {
	_, member := record.Member(node)
	return member
}

// tooFew says why a hop must not begin, where fewer than half of the known nodes are alive.
func (p *planner) tooFew(overridden bool) string {
	alive, known := p.alive()
	if overridden || alive*2 >= known {
		return ""
	}
	return states.Count(alive, "node") + " of " + states.Count(known, "known node") + " alive, which is fewer than half"
}

// deserted says why a way back lets nobody go but by orders. It begins whoever is silent, and must not let most of
// a cluster go together as they come back, nor be over, because nobody was there to be seen.
func (p *planner) deserted(record *states.Record) string {
	if record.Undoes == "" {
		return ""
	}
	return p.tooFew(Overrides(record.Overrides, OverrideMembers, ""))
}
