package main

import (
	"fmt"
	"slices"
	"strings"

	"orch/states"
)

// whyCluster puts the answer to "why does it not move" on the page.
func (v *view) whyCluster(p *page) {
	blockers := v.blockers()
	p.wrap(span{}, v.sentence())
	p.blank()
	v.listBlockers(p, "Nothing moves, because", "It waits, because", blockers)
	v.listQueue(p)
	v.listFree(p, v.free())
	v.notThere(p)
	v.driftList(p)
}

// sentence says in one sentence where the cluster is.
func (v *view) sentence() string {
	generation := fmt.Sprintf(" (generation %d)", v.desire.Generation)
	from, to := v.origin().String(), v.record.Target.String()
	switch {
	case !v.usable():
		return v.Cluster + " cannot be led: " + v.reason() + "."
	case v.record.Status == states.Done && v.settled():
		return v.Cluster + " is at " + v.desire.State.String() + generation + ", and nothing is under way."
	case v.record.Status == states.Done:
		return v.Cluster + " is done with its move to " + v.desire.State.String() + generation + ", and some nodes are not there yet."
	case v.record.Cause == states.ByBirth && v.record.Status == states.Paused:
		return v.Cluster + " was born at " + v.desire.State.String() + generation + ", which serves: nobody converges until somebody says so."
	case v.record.Cause == states.ByRecover && v.record.Status == states.Paused:
		return v.Cluster + " was recovered to " + v.desire.State.String() + generation + ": nobody converges until somebody says so."
	case v.awaiting():
		return v.Cluster + " waits for approval on its way from " + from + " to " + to + generation + "."
	case v.record.Status == states.Running && v.record.Undoes != "":
		return v.Cluster + " goes back from " + from + " to " + to + generation + "."
	case v.record.Again != "" && v.record.Status == states.Running:
		return v.Cluster + " converges to " + to + " once more" + generation + "."
	case v.record.Status == states.Running:
		return v.Cluster + " moves from " + from + " to " + to + generation + "."
	}
	if v.record.Again != "" {
		return v.Cluster + " is " + v.record.Status + " while it converges to " + to + " once more" + generation + "."
	}
	return v.Cluster + " is " + v.record.Status + " between " + from + " and " + to + generation + "."
}

// listBlockers says what holds the cluster, or that nothing does.
func (v *view) listBlockers(p *page, still, waiting string, blockers []blocker) {
	if len(blockers) == 0 {
		p.say("Nothing holds it.")
		return
	}
	if v.record.Status == states.Running && v.Led && v.usable() {
		still = waiting
	}
	p.say(still)
	v.numbered(p, blockers)
}

func (v *view) listFree(p *page, free []string) {
	if len(free) > 0 {
		p.blank()
		p.wrap(text("It is not held by: "), strings.Join(free, ", ")+".")
	}
}

// notThere lists the nodes that are not where they should be.
func (v *view) notThere(p *page) {
	if !v.Desired.OK() {
		return
	}
	var waiting []string
	var odd []nodeView
	width := len("99 more")
	for _, n := range v.nodes {
		switch {
		case n.There || n.Phase == phaseForgotten:
		case n.dull():
			waiting = append(waiting, n.Name)
		default:
			odd = append(odd, n)
			width = max(width, cells(visible(n.Name)))
		}
	}
	if len(odd)+len(waiting) == 0 {
		return
	}
	p.blank()
	title := "Nodes not at " + v.desire.State.String()
	if v.moving() && v.record.Again != "" {
		title = "Nodes that have not converged once more"
	}
	p.say(title)
	put := func(name, phase, says string, look style) {
		p.hang(span{fmt.Sprintf("  %-*s  %-10s  ", width, name, phase), look}, min(width+16, 30), says)
	}
	for _, n := range odd {
		put(n.Name, n.Phase, n.says(), phase(n).style)
	}
	if len(waiting) > 0 {
		put(fmt.Sprintf("%d more", len(waiting)), string(states.Waiting), few(waiting, 8)+": no order yet", plain)
	}
}

// says is why a node is not there, with the last word of the run that failed.
func (n nodeView) says() string {
	if tail := n.Failed.Tail; n.Counted != nil && len(tail) > 0 {
		return n.Reason + ": " + strings.TrimSpace(tail[len(tail)-1])
	}
	return first(n.Reason, "says nothing")
}

// whyNode puts the answer to "why does this node not move" on the page.
func (v *view) whyNode(p *page, n nodeView) {
	blockers := v.nodeBlockers(n)
	p.wrap(span{}, v.nodeSentence(n, len(blockers) > 0))
	if len(blockers) > 0 {
		p.blank()
		v.numbered(p, blockers)
	}
	v.listFree(p, v.freeNode(n))
	v.nodeSays(p, n)
	v.driftLines(p, n)
	v.runLines(p, n)
}

// numbered lists what holds, each with its remedy on a line of its own.
func (v *view) numbered(p *page, blockers []blocker) {
	width, mark := 0, ""
	for _, b := range blockers {
		width = max(width, len(b.Kind))
	}
	if p.width >= wideFrom {
		mark = "changes it: "
	}
	for i, b := range blockers {
		p.wrap(span{fmt.Sprintf("%2d %-*s  ", i+1, width, b.Kind), bold}, strings.TrimSpace(b.Node+" "+b.Reason))
		indent := text(strings.Repeat(" ", width+5))
		for _, remedy := range choices(mark+b.Remedy, p.width-width-5) {
			p.wrap(indent, remedy)
		}
	}
}

// choices puts what can be typed on one line, or on one each, so that no command is broken in two.
func choices(remedies string, room int) []string {
	switch {
	case remedies == "" || strings.HasSuffix(remedies, ": "):
		return nil
	case cells(remedies) <= room:
		return []string{remedies}
	}
	return strings.Split(remedies, " | ")
}

func (v *view) nodeSentence(n nodeView, held bool) string {
	where := " is at " + n.State
	if n.State == "-" || n.State == (states.State{}).String() {
		where = " is at no state"
	}
	if n.Attempting != "" {
		where += ", attempted " + n.Attempting + ","
	}
	wanted := fmt.Sprintf(" and is wanted at %s (generation %d).", v.desire.State, v.desire.Generation)
	switch {
	case !v.Desired.OK():
		return n.Name + strings.TrimSuffix(where, ",") + ". Nobody can say where it is wanted: " + v.reason() + "."
	case n.There && !held:
		return n.Name + strings.TrimSuffix(where, ",") + fmt.Sprintf(", as it should be (generation %d).", v.desire.Generation)
	case n.There && n.Drift != nil && n.Phase == string(states.Drifted):
		return n.Name + strings.TrimSuffix(where, ",") + fmt.Sprintf(", where it should be (generation %d), and is not as it should be there:", v.desire.Generation)
	case n.There && !n.busy():
		return n.Name + strings.TrimSuffix(where, ",") + fmt.Sprintf(", where it should be (generation %d), and runs nothing, because", v.desire.Generation)
	case n.busy():
		return n.Name + where + wanted + " It is on its way:"
	case !held:
		return n.Name + where + wanted + " Nothing holds it."
	}
	return n.Name + where + wanted + " It does not move, because"
}

// freeNode lists what does not hold this node.
func (v *view) freeNode(n nodeView) []string {
	list := slices.DeleteFunc(v.free(), func(s string) bool { return strings.HasPrefix(s, "hold") || strings.HasPrefix(s, "failures") })
	if n.Phase != string(states.Held) {
		list = append(list, "hold (none)")
	}
	if node, _ := v.Node(n.Name); v.standing(node) {
		list = append(list, "order (it has one: run "+n.Order.Value.Run+")")
	}
	return list
}

// saidOnce puts a phase before its reason, where that does not begin with it.
func saidOnce(phase, reason string) string {
	if strings.HasPrefix(reason, phase+" ") {
		return reason
	}
	return phase + ": " + reason
}

// nodeSays gives the node's own words.
func (v *view) nodeSays(p *page, n nodeView) {
	node, _ := v.Node(n.Name)
	if !node.Status.OK() {
		return
	}
	status := node.Status.Value
	p.blank()
	since := ""
	if !status.Since.IsZero() {
		since = " (since " + clock(status.Since, v.now) + ", " + ago(v.now.Sub(status.Since)) + " ago)"
	}
	says := fmt.Sprintf("%s; accepted epoch %d generation %d", saidOnce(string(status.Phase), first(status.Reason, "no reason given")), status.Epoch, status.Generation)
	if len(status.Drained) > 0 {
		says += "; out of the traffic: " + few(status.Drained, 5)
	}
	p.wrap(text("The node says"+since+": "), says)
}

// runLines shows what the last run wrote, or the failed one.
func (v *view) runLines(p *page, n nodeView) {
	run := n.Failed
	if run.ID == "" {
		run = n.Run
	}
	if run.ID == "" {
		return
	}
	log := ""
	if run.Log != "" {
		log = " (all of it: " + run.Log + " on " + n.Name + ")"
	}
	p.wrap(text("Last run "), run.ID+" to "+run.State.String()+": "+run.Ending()+log)
	for _, line := range run.Tail {
		p.say("  " + strings.TrimRight(line, "\r\n"))
	}
}
