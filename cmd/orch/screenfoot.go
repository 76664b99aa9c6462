package main

import (
	"fmt"

	"orch/states"
)

// footer says how much may fail still, and what can be typed now.
func (v *view) footer(p *page, o statusOptions) {
	if v.record.Status == states.Running {
		p.blank()
		p.say(v.health(p))
	}
	for _, note := range o.notes {
		p.add(span{note, yellow})
	}
	switch {
	case o.live && o.leads && p.width >= wideFrom:
		p.add(span{"Ctrl-C stops leading at a safe point; orch resume " + v.Cluster + " goes on.   More: orch why " + v.Cluster, dim})
	case o.live && o.leads:
		p.add(span{"Ctrl-C stops leading at a safe point. More: orch why " + v.Cluster, dim})
	case o.live:
		p.add(span{"Ctrl-C stops watching, and nothing else. More: orch why " + v.Cluster, dim})
	case v.record.Status == states.Running && !v.Led:
		p.blank()
		v.next(p, action{"go on", "orch resume " + v.Cluster}, action{"see why", "orch why " + v.Cluster})
	case v.record.Status == states.Paused || v.record.Status == states.Aborted:
		p.blank()
		v.next(p, v.actions()...)
	}
}

func (v *view) health(p *page) string {
	allowed := v.record.Current().Policy.MaxFailures
	living, all := v.count(alive), v.count(known)
	line := fmt.Sprintf("alive %d of %d  |  failed %d, allowed %d", living, all, v.record.Failures(), v.record.Budget())
	if allowed.Percent {
		line += fmt.Sprintf(" (%s of %d)", allowed, len(v.record.Members))
	}
	if v.record.Accepted > 0 && p.width >= wideFrom {
		line += fmt.Sprintf(", %d of them accepted by an operator", v.record.Accepted)
	}
	return line
}

// action is what can be typed now, and what for.
type action struct{ what, verb string }

func (v *view) actions() []action {
	name, target := v.Cluster, v.record.Target.String()
	if v.record.Status == states.Aborted {
		return []action{{"move on", "orch transition " + name + " STATE"}, {"see why", "orch why " + name}}
	}
	list := []action{{"see why", "orch why " + name}}
	for _, n := range v.nodes {
		if n.Counted != nil && n.Phase != phaseForgotten {
			list[0].verb += " " + n.Name
			break
		}
	}
	if v.record.Cause == states.ByFailures {
		list = append(list, action{"try again", "orch transition " + name + " " + target},
			action{"go on without it", "orch resume " + name + " --accept-failures"})
	} else {
		list = append(list, action{"go on", "orch resume " + name})
	}
	return append(list, action{"give up", "orch abort " + name})
}

// next prints what can be typed now, one line each.
func (v *view) next(p *page, actions ...action) {
	for _, a := range actions {
		p.add(span{fmt.Sprintf("%-16s  ", a.what), dim}, text(a.verb))
	}
}
