package main

import (
	"fmt"

	"orch/states"
)

// footer says how much may fail still, and what can be typed now.
func (v *view) footer(p *page, o statusOptions) {
	if v.record.Status == states.Running {
		p.blank()
		if line := v.health(p); cells(visible(line)) <= p.width {
			p.say(line)
		} else {
			p.wrap(span{}, line)
		}
	}
	v.listQueue(p)
	for _, note := range o.notes {
		p.add(span{note, yellow})
	}
	if o.live && v.awaiting() {
		v.next(p, v.approvable()[0])
	}
	switch {
	case o.live && o.leads && p.width >= wideFrom:
		p.add(span{"Ctrl-C stops leading at a safe point; orch resume " + v.Cluster + " goes on.   More: orch why " + v.Cluster, dim})
	case o.live && o.leads:
		p.add(span{"Ctrl-C stops leading at a safe point. More: orch why " + v.Cluster, dim})
	case o.live:
		p.add(span{"Ctrl-C stops watching, and nothing else. More: orch why " + v.Cluster, dim})
	case v.awaiting():
		p.blank()
		v.next(p, v.approvable()...)
	case v.record.Status == states.Running && !v.Led:
		p.blank()
		v.next(p, action{"go on", "orch resume " + v.Cluster}, action{"see why", "orch why " + v.Cluster})
	case v.record.Status == states.Paused || v.record.Status == states.Aborted:
		p.blank()
		v.next(p, v.actions()...)
	default:
		v.driftNext(p)
	}
}

// action is what can be typed now, and what for.
type action struct{ what, verb string }

func (v *view) actions() []action {
	name := v.Cluster
	back := action{"go back", "orch rollback " + name}
	if v.record.Status == states.Aborted {
		return []action{back, {"move on", "orch transition " + name + " STATE"}, {"see why", "orch why " + name}}
	}
	list := []action{{"see why", "orch why " + name}}
	for _, n := range v.nodes {
		if n.Counted != nil && n.Phase != phaseForgotten {
			list[0].verb += " " + n.Name
			break
		}
	}
	list = append(list, v.remedies()...)
	if v.record.Undoes == "" && v.record.Cause != states.ByBirth && v.record.Cause != states.ByRecover {
		list = append(list, back)
	}
	return append(list, action{"give up", "orch abort " + name})
}

// remedies are the ways on from a pause, by its cause.
func (v *view) remedies() []action {
	resume := "orch resume " + v.Cluster
	switch v.record.Cause {
	case states.ByFailures:
		return []action{{"try again", "orch retry " + v.Cluster}, {"go on without it", resume + " --accept-failures"}}
	case states.ByGate, states.ByDoubt:
		return []action{{"ask again", resume}, {"go on regardless", resume + " --override gate=" + v.shutGate()}}
	case states.ByRequires:
		list := []action{{"wait again", resume}}
		for _, r := range v.record.Current().Requires {
			list = append(list, action{"go on regardless", resume + " --override requires=" + r.Cluster})
		}
		return list
	case states.ByMembers:
		return []action{{"once they are back", resume}, {"go on regardless", resume + " --override members"}}
	}
	return []action{{"go on", resume}}
}

// shutGate names the gate that stopped the move.
func (v *view) shutGate() string {
	for _, g := range v.gates() {
		if g.Outcome != states.GatePass && !g.DryRun && !g.Overridden {
			return g.Name
		}
	}
	return "NAME"
}

// approvable is what can be typed where a move waits for approval.
func (v *view) approvable() []action {
	name := v.Cluster
	return []action{{"approve", "orch approve " + name + " --reason WHY"}, {"look closer", "orch why " + name},
		{"keep it standing", "orch pause " + name}, {"go back", "orch rollback " + name}}
}

// next prints what can be typed now, one line each.
func (v *view) next(p *page, actions ...action) {
	for _, a := range actions {
		p.add(span{fmt.Sprintf("%-16s  ", a.what), dim}, text(a.verb))
	}
}
