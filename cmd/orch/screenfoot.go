package main

import (
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
	case v.barred("freeze") != "":
		p.blank()
		v.next(p, v.thawable()...)
	case v.barred(states.AwaitWindow) != "" && !v.going():
		p.blank()
		v.next(p, v.opening()...)
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

// thawable is what can be typed while a freeze keeps a move where it is.
func (v *view) thawable() []action {
	var list []action
	for i, freeze := range []states.Doc[states.Freeze]{v.Frozen, v.Freeze} {
		if freeze.There() {
			list = append(list, action{"end the freeze", []string{"orch thaw", "orch thaw " + v.Cluster}[i]})
		}
	}
	if !v.Led {
		list = append(list, action{"then go on", "orch resume " + v.Cluster})
	}
	return append(list, action{"see why", "orch why " + v.Cluster})
}

// opening is what can be typed while a move waits for its windows.
func (v *view) opening() []action {
	name := v.Cluster
	hours := states.Windows(v.record.Windows).At(v.now)
	return []action{{"once it is open", "orch resume " + name}, {"go on regardless", "orch resume " + name + " " + hours.Overrides()},
		{"see why", "orch why " + name}, {"go back", "orch rollback " + name}}
}

// next prints what can be typed now, as many on a line as fit.
func (v *view) next(p *page, actions ...action) {
	var line []span
	used := 0
	for _, a := range actions {
		took := cells(visible(a.what)) + 2 + cells(visible(a.verb))
		switch {
		case used > 0 && used+4+took > p.width:
			p.add(line...)
			line, used = nil, 0
		case used > 0:
			line, used = append(line, text("    ")), used+4
		}
		line, used = append(line, span{a.what + "  ", dim}, text(a.verb)), used+took
	}
	p.add(line...)
}
