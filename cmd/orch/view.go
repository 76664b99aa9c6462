package main

import (
	"slices"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// view is a cluster as it is shown: what every screen and the JSON are made from. It is made from
// a snapshot alone, and decides nothing.
type view struct {
	states.Snapshot
	now    time.Time
	place  place
	desire states.Desired
	record states.Record

	nodes []nodeView
	waits []orchestrator.Wait
	fit   orchestrator.Health

	ahead *outlook // once somebody looked ahead
}

// place is where a snapshot was read.
type place struct {
	Datacenter string `json:"datacenter"`
	Address    string `json:"address"`
}

func look(snapshot states.Snapshot, at place, now time.Time) *view {
	for _, freeze := range []*states.Doc[states.Freeze]{&snapshot.Frozen, &snapshot.Freeze} {
		if freeze.OK() && freeze.Value.Over(now) { // one that is over is none
			*freeze = states.Doc[states.Freeze]{}
		}
	}
	v := &view{Snapshot: snapshot, now: now.UTC(), place: at, desire: snapshot.Desired.Value, record: snapshot.Record.Value}
	v.waits, v.fit = orchestrator.Blockers(snapshot, now), orchestrator.HealthOf(snapshot, now)
	for _, node := range snapshot.Nodes {
		v.nodes = append(v.nodes, v.node(node))
	}
	for _, member := range v.record.Members {
		if _, there := snapshot.Node(member.Node); !there {
			v.nodes = append(v.nodes, v.node(states.Node{Name: member.Node}))
		}
	}
	slices.SortStableFunc(v.nodes, func(a, b nodeView) int { return compareNames(a.Name, b.Name) })
	return v
}

// usable tells whether the documents that everything hangs on can be read.
func (v *view) usable() bool { return v.Desired.OK() && v.Record.OK() }

// settled tells whether the move is done and every live node is where it should be.
func (v *view) settled() bool {
	if !v.usable() || v.record.Status != states.Done {
		return false
	}
	return !slices.ContainsFunc(v.nodes, func(n nodeView) bool {
		return n.Alive && !n.There && n.Phase != string(states.Held) && n.Phase != phaseForgotten
	})
}

// status is the cluster's condition in one word.
func (v *view) status() string {
	switch {
	case v.usable():
		return v.record.Status
	case !v.Desired.There() && !v.Record.There() && !v.Definition.There():
		return "unknown"
	case !v.Desired.There() && !v.Record.There():
		return "unborn"
	}
	return "broken"
}

// reason says why the cluster is in that condition.
func (v *view) reason() string {
	switch {
	case v.usable():
		return v.record.Reason
	case len(v.waits) > 0:
		return v.waits[0].Reason
	}
	return "nothing lies in Consul about it"
}

// origin is the state that a move leaves.
func (v *view) origin() states.State {
	if v.record.Start.None() {
		return v.desire.Stable
	}
	return v.record.Start
}

// moving tells whether a move is under way or stands in its middle.
func (v *view) moving() bool {
	return v.usable() && v.record.Status != states.Done
}

// heading spells the move: "version 42 -> version 43", or the state of a cluster at rest.
func (v *view) heading() string {
	switch {
	case !v.usable():
		return ""
	case v.moving() && v.record.Again != "":
		return v.record.Target.String() + " once more"
	case !v.moving() || v.record.Start.None() || v.origin().Same(v.record.Target):
		return v.desire.State.String()
	}
	return v.origin().String() + " -> " + v.record.Target.String()
}

// count gives how many nodes are so.
func (v *view) count(is func(nodeView) bool) int {
	n := 0
	for _, node := range v.nodes {
		if is(node) {
			n++
		}
	}
	return n
}

func alive(n nodeView) bool { return n.Alive && n.Phase != phaseForgotten }
func known(n nodeView) bool { return n.Known && n.Phase != phaseForgotten }
