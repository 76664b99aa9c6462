package main

import (
	"fmt"
	"slices"
	"strings"

	"orch/states"
)

// What is shown of nodes whose own check found that they are not any more what they reached. They are
// still there: a drift is no failure of a move, and nothing waits for its end.

// drifted lists the live nodes that say so.
func (v *view) drifted() []nodeView {
	return slices.DeleteFunc(slices.Clone(v.nodes), func(n nodeView) bool { return n.Drift == nil || !alive(n) })
}

// repair is what lets them converge once more, turn by turn.
func (v *view) repair() string { return "orch reconverge " + v.Cluster + " --drifted" }

// driftText tells a drift in one sentence, and what follows from it.
func (v *view) driftText(n nodeView) string {
	text := "since " + clock(n.Drift.Since, v.now) + ", " + n.Drift.String()
	switch {
	case !n.Drift.Repair:
		text += "; its configuration says to report it, and no more"
	case v.desire.State.Serving:
		text += "; it asks for its turn to be repaired, which whoever leads can give it"
	case !v.desire.AtRest():
		text += "; it repairs itself once the cluster is at rest"
	default:
		text += "; it repairs itself"
		if n.Drift.Repairs > 0 {
			text += ", and did so without effect: " + states.Count(n.Drift.Repairs, "time")
		}
	}
	return text
}

// driftSpans go behind the word that says that a cluster is at rest.
func (v *view) driftSpans() []span {
	if n := len(v.drifted()); n > 0 {
		return []span{text("   "), {fmt.Sprintf("%d drifted", n), yellow}}
	}
	return nil
}

// driftNext says below a cluster at rest what can be typed.
func (v *view) driftNext(p *page) {
	if nodes := v.drifted(); len(nodes) > 0 && v.record.Status == states.Done {
		p.blank()
		v.next(p, action{"repair, in turns", v.repair()}, action{"see why", "orch why " + v.Cluster + " " + nodes[0].Name})
	}
}

// driftList names them below the answer to why.
func (v *view) driftList(p *page) {
	nodes := v.drifted()
	if len(nodes) == 0 {
		return
	}
	width := 0
	for _, n := range nodes {
		width = max(width, cells(visible(n.Name)))
	}
	p.blank()
	p.say("Nodes that drifted (" + v.repair() + ")")
	for _, n := range nodes {
		p.hang(span{fmt.Sprintf("  %-*s  ", width, n.Name), yellow}, min(width+4, 30), v.driftText(n))
	}
}

// driftLines shows what a node's check said.
func (v *view) driftLines(p *page, n nodeView) {
	if n.Drift == nil || len(n.Drift.Said) == 0 {
		return
	}
	p.say(fmt.Sprintf("Its check, exit %d:", n.Drift.Exit))
	for _, line := range n.Drift.Said {
		p.say("  " + strings.TrimRight(line, "\r\n"))
	}
}
