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
	return Problem{
		At:      at,
		Summary: "Not acted on yet",
		Detail:  fmt.Sprintf("Nothing in this version acts on what %s says here, and no setting is ever ignored: leave it out.", setting),
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
