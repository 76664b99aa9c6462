package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// nodeView is a node as it is shown.
type nodeView struct {
	Name       string
	Rack       string
	Known      bool // it has a status, readable or not
	Alive      bool
	There      bool // at the desired state
	Member     bool
	State      string
	Attempting string
	Phase      string
	Generation uint64
	Epoch      uint64
	Since      time.Time
	Reason     string
	Refused    string
	Sick       string   // what checks say against it, while a move looks at them
	Drained    []string // service instances that its agent has taken out of the traffic
	Drift      *states.Drift
	Run        states.Run
	Failed     states.Run
	Order      states.Doc[states.Order]
	Counted    *states.Counted
}

// The phases that no agent reports, because it cannot.
const (
	phaseAbsent     = "absent"
	phaseForgotten  = "forgotten"
	phaseUnreadable = "unreadable"
	phaseUnknown    = "unknown" // no status
	phaseFAILED     = "FAILED"
	phaseLOST       = "LOST"
	phaseSkipped    = "skipped"
)

func (v *view) node(n states.Node) nodeView {
	status := n.Status.Value
	member, is := v.record.Member(n.Name)
	seen := nodeView{Name: n.Name, Known: n.Status.There(), Alive: n.Alive, Member: is, Order: n.Order, Rack: status.Meta[v.groupKey()],
		State: status.State.String(), Phase: string(status.Phase), Generation: status.Generation, Epoch: status.Epoch,
		Since: status.Since, Reason: status.Reason, Drained: status.Drained, Drift: status.Drift, Sick: v.fit.Sick[n.Name], Refused: status.Refused, Run: status.Run, Failed: status.LastFailed()}
	if !status.Attempting.None() {
		seen.Attempting = status.Attempting.String()
	}
	seen.There = n.Status.OK() && v.Desired.OK() && status.Done(v.desire.State, v.again(n.Name))
	if c, ok := v.charge(n.Name); ok && !seen.There {
		seen.Counted = &c
	}
	v.overrule(&seen, n, member)
	return seen
}

// charge finds what a node was counted for in the hop in progress.
func (v *view) charge(node string) (states.Counted, bool) {
	for _, c := range v.record.Counted {
		if c.Node == node && c.Hop == v.record.Hop && !c.Retried {
			return c, true
		}
	}
	return states.Counted{}, false
}

// whyFirst says a word with its reason before who and when: a table cuts what is last.
func whyFirst(word states.Word) string {
	why := word.Why
	if word.Why = ""; why == "" {
		return word.String()
	}
	return why + " (" + word.String() + ")"
}

// overrule replaces what the agent reported where something else is known better.
func (v *view) overrule(seen *nodeView, n states.Node, member states.Member) {
	order := n.Order.Value
	switch {
	case !n.Status.There():
		seen.Phase, seen.State, seen.Reason = phaseUnknown, "-", "has no status: nothing lies at its key"
	case !n.Status.OK():
		seen.Phase, seen.State, seen.Reason = phaseUnreadable, "-", n.Status.Problem
	case n.Order.OK() && order.Forgotten != nil && order.Forgotten.Instance == n.Status.Value.Instance:
		seen.Phase, seen.Reason = phaseForgotten, order.Forgotten.String()
	case seen.Counted != nil:
		seen.Phase, seen.Reason, seen.Since = chargedPhase(seen.Counted.Kind), seen.Counted.Reason, seen.Counted.At
	case !n.Alive:
		seen.Phase, seen.Since, seen.Reason = phaseAbsent, member.MissingSince, v.absence(n, member)
	case v.held(n):
		seen.Phase, seen.Reason = string(states.Held), whyFirst(*order.Held)
	}
	if n.Order.There() && !n.Order.OK() {
		seen.Reason = strings.TrimPrefix(seen.Reason+"; ", "; ") + "its order cannot be read: " + n.Order.Problem
	}
	if len(seen.Drained) > 0 && seen.Phase != string(states.Draining) && seen.Phase != string(states.Converging) {
		seen.Reason = strings.TrimPrefix(seen.Reason+"; ", "; ") + "out of the traffic: " + few(seen.Drained, 3)
	}
	if seen.Drift != nil && seen.Phase != string(states.Drifted) {
		seen.Reason = strings.TrimPrefix(seen.Reason+"; ", "; ") + "drifted: " + seen.Drift.String()
	}
	if seen.Sick != "" {
		seen.Reason = strings.TrimPrefix(seen.Reason+"; ", "; ") + "not healthy: " + seen.Sick
	}
	if seen.Refused != "" {
		seen.Reason = "refuses what lies in Consul: " + seen.Refused
	}
}

// held tells whether an operator holds the node now.
func (v *view) held(n states.Node) bool { return n.Order.OK() && n.Order.Value.HeldAt(v.now) != nil }

func chargedPhase(kind string) string {
	switch kind {
	case states.CountLost:
		return phaseLOST
	case states.CountSkipped:
		return phaseSkipped
	}
	return phaseFAILED
}

// absence says what is to be expected of a node whose agent is not alive.
func (v *view) absence(n states.Node, member states.Member) string {
	texts := []string{"session expired"}
	if n.Status.Value.Run.Going() {
		texts[0] = "silent in run " + n.Status.Value.Run.ID
	}
	switch {
	case v.record.Status != states.Running:
	case member.Node == "":
		texts = append(texts, "not counted")
	case !member.MissingSince.IsZero():
		texts = append(texts, "counts as lost from "+clock(v.lostFrom(member), v.now))
	}
	if v.Desired.OK() {
		texts = append(texts, "on return: "+v.onReturn(n).Reason)
	}
	return strings.Join(texts, "; ")
}

// lostFrom is when a member that is missing counts as lost.
func (v *view) lostFrom(member states.Member) time.Time {
	timeout := v.record.Current().Policy.ConvergeTimeout
	return member.MissingSince.Add((timeout + states.Grace(timeout)).D())
}

// onReturn asks the agent's own rule what a node would do.
func (v *view) onReturn(n states.Node) states.Verdict {
	status := n.Status.Value
	self := states.Self{Instance: status.Instance, State: status.State, Attempting: status.Attempting,
		AgainDone: status.AgainDone, Last: status.Run}
	sight := states.View{Desired: v.desire, Now: v.now}
	if n.Order.OK() {
		sight.Order = &n.Order.Value
	}
	for _, freeze := range []states.Doc[states.Freeze]{v.Frozen, v.Freeze} {
		if freeze.OK() && sight.Frozen == nil {
			sight.Frozen = &freeze.Value
		}
	}
	return states.Decide(self, sight)
}

// dull tells whether there is nothing to say about a node but where it is.
func (n nodeView) dull() bool {
	if n.Phase == phaseForgotten {
		return true
	}
	return n.Alive && n.Refused == "" && n.Counted == nil && n.Sick == "" && n.Drift == nil && len(n.Drained) == 0 &&
		(n.Phase == string(states.Settled) && n.There || n.Phase == string(states.Waiting) && n.Attempting == "" || n.There && n.Phase == "")
}

// busy tells whether a run goes on there.
func (n nodeView) busy() bool { return n.Alive && n.Run.Going() }

// underWay tells whether a run goes on there, or is tried again soon.
func (n nodeView) underWay() bool {
	return n.busy() || n.Alive && n.Phase == string(states.Retrying)
}

// rest says in one line where the nodes are that are not listed.
func rest(nodes []nodeView) string {
	groups, order := map[string]int{}, []string{}
	for _, n := range nodes {
		if n.Phase == phaseForgotten {
			continue
		}
		key := "at " + n.State
		if !n.There {
			key = "waiting their turn at " + n.State
			if n.State == (states.State{}).String() {
				key = "waiting their turn at no state"
			}
		}
		groups[key]++
		if groups[key] == 1 {
			order = append(order, key)
		}
	}
	slices.Sort(order)
	for i, key := range order {
		order[i] = fmt.Sprintf("%d %s", groups[key], key)
	}
	return strings.Join(order, ", ")
}

// compareNames sorts names as people count: web-2 before web-10.
func compareNames(a, b string) int {
	prefixA, numberA := split(a)
	prefixB, numberB := split(b)
	if prefixA == prefixB && numberA >= 0 && numberB >= 0 && numberA != numberB {
		return cmp.Compare(numberA, numberB)
	}
	return cmp.Compare(a, b)
}

// split cuts the number off the end of a name.
func split(name string) (string, int) {
	prefix := strings.TrimRight(name, "0123456789")
	digits := name[len(prefix):]
	if digits == "" || len(digits) > 9 {
		return name, -1
	}
	return prefix, number(digits)
}
