package orchestrator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Differences names everything that a plan rested on and that is not so any more. Now is the same plan,
// made anew.
func (f PlanFile) Differences(now PlanFile) []string {
	var d differences
	d.compare("datacenter", f.Datacenter, now.Datacenter)
	d.compare("the id of Consul's tree", f.Tree, now.Tree)
	d.ground(f.Rested, now.Rested)
	d.nodes(f.Rested.Nodes, now.Rested.Nodes)
	d.hops(f, now)
	if len(d) == 0 && !sameBatches(f.Batches, now.Batches) { // else it follows from what was named
		d.batches(f.Batches, now.Batches)
	}
	return d
}

type differences []string

func (d *differences) say(format string, args ...any) { *d = append(*d, fmt.Sprintf(format, args...)) }

func (d *differences) compare(what, was, is string) {
	if was != is {
		d.say("%s was %s and is %s", what, was, is)
	}
}

func (d *differences) ground(was, is Ground) {
	if was.Transition != is.Transition {
		d.say("the last move was %s and is %s", was.Transition, is.Transition)
	}
	if was.Generation != is.Generation {
		d.say("generation was %d and is %d", was.Generation, is.Generation)
	}
	d.compare("the last move's status", was.Status, is.Status)
	switch {
	case was.State != is.State:
		d.say("the cluster was to be at %s and is to be at %s", was.State, is.State)
	case was.Digest != is.Digest:
		d.say("the attributes of %s were others", is.State)
	}
	if was.Definition != is.Definition {
		d.say("the definition was applied again")
	}
	for _, other := range is.Requires {
		i := slices.IndexFunc(was.Requires, func(m Met) bool { return m.Cluster == other.Cluster })
		if i >= 0 && was.Requires[i] != other {
			d.say("cluster %s, which is required, was %s and is %s", other.Cluster, was.Requires[i], other)
		}
	}
	if text := strings.Join(is.Frozen, "; "); text != strings.Join(was.Frozen, "; ") {
		if text == "" {
			d.say("it was frozen and is not: %s", strings.Join(was.Frozen, "; "))
		} else {
			d.say("it is frozen, and was not so: %s", text)
		}
	}
	switch {
	case was.Closed == "" && is.Closed != "":
		d.say("the windows were open and are closed: %s", is.Closed)
	case was.Closed != "" && is.Closed == "":
		d.say("the windows were closed and are open")
	}
}

// String says how another cluster stands.
func (m Met) String() string {
	if m.Settled {
		return "settled at " + m.State
	}
	return "not settled, at " + m.State
}

func (d *differences) nodes(was, is []PlannedNode) {
	for _, n := range was {
		i, there := slices.BinarySearchFunc(is, n.Node, func(n PlannedNode, name string) int { return strings.Compare(n.Node, name) })
		if !there {
			d.say("node %s was known and is not", n.Node)
			continue
		}
		d.node(n, is[i])
	}
	for _, n := range is {
		if _, there := slices.BinarySearchFunc(was, n.Node, func(n PlannedNode, name string) int { return strings.Compare(n.Node, name) }); !there {
			d.say("node %s is new", n.Node)
		}
	}
}

func (d *differences) node(was, is PlannedNode) {
	flag := func(word string, was, now bool) {
		switch {
		case was && !now:
			d.say("node %s was %s and is not", is.Node, word)
		case now && !was:
			d.say("node %s was not %s and is", is.Node, word)
		}
	}
	flag("alive", was.Alive, is.Alive)
	flag("held", was.Held, is.Held)
	switch {
	case was.State != is.State:
		d.say("node %s was at %s and is at %s", is.Node, was.State, is.State)
	case was.Digest != is.Digest:
		d.say("node %s was at %s with other attributes", is.Node, is.State)
	}
}

// hops names hops that would be made otherwise, where the definition does not tell already.
func (d *differences) hops(was, is PlanFile) {
	if was.Rested.Definition != is.Rested.Definition {
		return
	}
	if a, b := pathNames(was), pathNames(is); a != b {
		d.say("the path was %s and is %s", a, b)
		return
	}
	for i := range is.Hops {
		a, _ := json.Marshal(was.Hops[i])
		b, _ := json.Marshal(is.Hops[i])
		if string(a) != string(b) {
			d.say("hop %d, to %s, was to be made by other rules", i+1, is.Hops[i].State)
		}
	}
}

func pathNames(f PlanFile) string {
	names := make([]string, 0, len(f.Hops))
	for _, hop := range f.Hops {
		names = append(names, hop.State.String())
	}
	if len(names) == 0 {
		return "nothing to do"
	}
	return strings.Join(names, " -> ")
}

// batches names the first batch that is another one.
func (d *differences) batches(was, is []PlannedBatch) {
	for i := range max(len(was), len(is)) {
		switch {
		case i >= len(was):
			d.say("there were %d batches and are %d", len(was), len(is))
		case i >= len(is):
			d.say("there were %d batches and are %d", len(was), len(is))
		case sameBatches(was[i:i+1], is[i:i+1]):
			continue
		default:
			d.say("batch %d of hop %d was %s and is %s", is[i].Number, is[i].Hop, strings.Join(was[i].Nodes, " "), strings.Join(is[i].Nodes, " "))
		}
		return
	}
}
