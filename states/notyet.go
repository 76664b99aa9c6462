package states

import (
	"fmt"
	"maps"
	"slices"
)

// notYet lists the settings that can be written and that nothing acts on. They are refused rather
// than ignored, because a limit that silently does not hold is worse than none. A change that
// makes a setting work deletes its row here, and nothing else.
var notYet = []unused{
	{"min_healthy", inPolicy(func(p Policy) any { return p.MinHealthy })},
	{"batch_failures", inPolicy(func(p Policy) any { return p.BatchFailures != nil })},
	{"progress_deadline", inPolicy(func(p Policy) any { return p.ProgressDeadline })},
	{"soak", inPolicy(func(p Policy) any { return p.Soak })},
	{"node_order", inPolicy(func(p Policy) any { return p.NodeOrder })},
	{"seed", inPolicy(func(p Policy) any { return p.Seed })},
	{"group_by", inPolicy(func(p Policy) any { return p.GroupBy })},
	{"approve", inPolicy(func(p Policy) any { return p.Approve })},
	{"on_failure", inPolicy(func(p Policy) any { return p.OnFailure == RollbackOnFailure })},
	{"requires", inTransition(func(t Transition) int { return len(t.Requires) })},
	{"gate", inTransition(func(t Transition) int { return len(t.Gates) })},
	{"drain", inTransition(func(t Transition) int { return len(t.Drains) })},
	{"primary", inTransition(func(t Transition) int { return present(t.Primary) })},
	{"rollback", inTransition(func(t Transition) int { return present(t.Rollback) })},
	{"window", func(c Cluster, setting string) []Place { return numbered(Place(setting), len(c.Windows)) }},
	{runbookSetting, nil}, // not a cluster's: see NotYet of a runbook
}

const runbookSetting = "runbook"

// unused is a row: how the file spells a setting, and where in a cluster it is used.
type unused struct {
	setting string
	in      func(c Cluster, setting string) []Place
}

// NotYet finds the settings of a cluster that nothing acts on so far. Whoever applies a
// definition, or moves a cluster by one, refuses it while there are any.
func NotYet(c Cluster) []Problem {
	var problems []Problem
	for _, row := range notYet {
		if row.in == nil {
			continue
		}
		for _, at := range row.in(c, row.setting) {
			problems = append(problems, notActedOn(at, row.setting))
		}
	}
	return problems
}

// NotYet says that nothing runs runbooks so far, while that is so.
func (r Runbook) NotYet() []Problem {
	for _, row := range notYet {
		if row.setting == runbookSetting {
			return []Problem{notActedOn("name", row.setting)}
		}
	}
	return nil
}

func notActedOn(at Place, setting string) Problem {
	advice := "leave it out."
	if builtIn := builtInWord(setting); builtIn != "" {
		advice = fmt.Sprintf("leave it out, or write %q.", builtIn)
	}
	return Problem{
		At:      at,
		Summary: "Not acted on yet",
		Detail:  fmt.Sprintf("Nothing in this version acts on what %s says here, and no setting is ever ignored: %s", setting, advice),
	}
}

// builtInWord gives the one word of a setting that is acted on.
func builtInWord(setting string) string {
	return map[string]string{
		"node_order": BuiltIn().NodeOrder,
		"approve":    BuiltIn().Approve,
		"on_failure": BuiltIn().OnFailure,
	}[setting]
}

// inPolicy makes a row for a setting of the policy: it is used where it differs from what is built in.
func inPolicy(value func(Policy) any) func(Cluster, string) []Place {
	return func(c Cluster, setting string) []Place {
		var places []Place
		for i, t := range c.Transitions {
			if value(t.Policy) != value(BuiltIn()) {
				places = append(places, Place("transition").Sub(i, setting))
			}
		}
		return places
	}
}

func inTransition(count func(Transition) int) func(Cluster, string) []Place {
	return func(c Cluster, setting string) []Place {
		var places []Place
		for i, t := range c.Transitions {
			places = append(places, numbered(Place("transition").Sub(i, setting), count(t))...)
		}
		return places
	}
}

func numbered(at Place, n int) []Place {
	var places []Place
	for i := range n {
		places = append(places, at.Sub(i))
	}
	return places
}

func present[T any](block *T) int {
	if block == nil {
		return 0
	}
	return 1
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
