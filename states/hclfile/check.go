package hclfile

import (
	"fmt"
	"slices"
	"strings"

	"orch/states"
)

// check asks package states about everything that was read. Settings that nothing acts on are
// looked for in a set without mistakes only: what they say must be right first.
func (f *fileSet) check(clusters []*built, runbooks []*builtRunbook, o Options) {
	known := f.known(clusters, o.Known)
	circles := map[string]bool{}
	for _, c := range clusters {
		c.problems(once(circles, c.sure(c.cluster.Check(known))))
	}
	for _, b := range runbooks {
		b.problems(b.runbook.Check(known))
	}
	if len(f.found) > 0 || o.AllowNotYet {
		return
	}
	for _, c := range clusters {
		c.problems(states.NotYet(c.cluster))
	}
	for _, b := range runbooks {
		b.problems(b.runbook.NotYet())
	}
}

// once drops circles that were told already: every cluster in one finds it.
func once(told map[string]bool, problems []states.Problem) []states.Problem {
	return slices.DeleteFunc(problems, func(p states.Problem) bool {
		if p.Summary != states.CircleOfRequirements {
			return false
		}
		before := told[p.Detail]
		told[p.Detail] = true
		return before
	})
}

// sure drops what may only be missing: in a cluster whose template could not be read, states are
// not unknown because they are not there.
func (c *built) sure(problems []states.Problem) []states.Problem {
	if c.whole {
		return problems
	}
	var sure []states.Problem
	for _, p := range problems {
		missing := p.Summary == "Unknown state" || p.Summary == "No states" || p.Summary == "No initial state"
		if !missing {
			sure = append(sure, p)
		}
	}
	return sure
}

// known finds clusters in this set, then among those that are applied. One that could not be read
// is known without any state.
func (f *fileSet) known(clusters []*built, applied func(string) (states.Cluster, bool)) func(string) (states.Cluster, bool) {
	return func(name string) (states.Cluster, bool) {
		for _, c := range clusters {
			if c.cluster.Name == name && !c.whole {
				return states.Cluster{Name: name}, true
			}
			if c.cluster.Name == name {
				return c.cluster, true
			}
		}
		if f.broken("cluster", name) {
			return states.Cluster{Name: name}, true
		}
		if applied == nil {
			return states.Cluster{}, false
		}
		return applied(name)
	}
}

// suggest offers the name that is one slip away from what was written. What is farther away may
// as well be another thing, and lists of names stand in the messages anyway.
func suggest(name string, names []string) string {
	for _, other := range names {
		if oneSlip(name, other) {
			return fmt.Sprintf(" Did you mean %q?", other)
		}
	}
	return ""
}

// oneSlip tells whether one letter more, less or another makes one name of the other.
func oneSlip(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 && !strings.EqualFold(a+b, "")
}
