package sim

import (
	"fmt"
	"slices"
	"time"
)

// Check is one promise, as a pure function over what happened.
type Check struct {
	Name    string
	Promise string
	Find    func(h *History) []Violation
}

// Checks are all of them.
func Checks() []Check {
	return []Check{
		{"bound", "no more members run at once than the batch that goes is large", bound},
		{"one-run", "two converges on a machine never overlap", oneRun},
		{"claimed", "whoever runs has claimed it, and the claim was allowed by what lay there", claimed},
		{"writer", "only the holder of the lease changes what leaders write", singleWriter},
		{"epochs", "no two leaders have one epoch, and it never falls", epochs},
		{"backwards", "no agent accepts less than it has accepted, whatever was restored", neverBackwards},
		{"truthful", "an agent says that it is at a state only where a converge left the machine", truthful},
		{"reached", "a move is done only when every member that counts is there", reached},
		{"stopped", "nobody is let go once the budget is spent", stopped},
		{"spent", "a run that is over does not begin once more", spent},
		{"charged", "no order is taken back from a node that has done it", charged},
		{"overdue", "whoever does not answer in its time is given up", overdue},
		{"turns", "no batch begins before the last one is over", turns},
		{"opened", "no more are let go by opening than a batch", opened},
		{"rested", "no batch begins before the last one was watched for long enough", rested},
		{"approved", "no batch begins that nobody approved", approved},
		{"floor", "a batch leaves as many healthy as are asked for", floors},
		{"half", "no move begins, and no way back lets everybody go, while most nodes are silent", half},
		{"recovered", "after a recovery nobody has seen more than lies there", recovered},
		{"looked", "no check goes on beside a run", looked},
		{"alive", "a move that is started anew is not stopped by failures of an earlier one", alive},
		{"asked", "a request is done only for what its author saw", asked},
		{"once", "a request is answered once", once},
		{"joiners", "nobody joins into a state that is not proven", joiners},
		{"left", "who is where the cluster comes from waits for its turn", left},
		{"overtaken", "nobody leads on while an agent has seen more than lies there", overtaken},
		{"said", "what lies there of a node is what its agent knows", said},
		{"journal", "an entry of the journal is never written over, and generations never fall", journal},
		{"fsck", "the journal tells of every key that leaders write, as it lies there", wholeJournal},
		{"gated", "no batch is left before its gates have passed", gated},
		{"drained", "who runs is out of the traffic as it was asked for, and comes back", drained},
		{"calm", "nobody writes without an end", calm},
		{"alone", "an open cluster arrives without a leader", alone},
		{"stands", "somebody who does what orch says brings every cluster to stand", stands},
	}
}

// Examine asks every check.
func Examine(h *History) []Violation {
	var all []Violation
	for _, c := range Checks() {
		for _, v := range c.Find(h) {
			v.Check = c.Name
			all = append(all, v)
		}
	}
	slices.SortStableFunc(all, func(a, b Violation) int { return int(a.At - b.At) })
	return all
}

// found makes a violation.
func found(i int, n *Note, format string, args ...any) Violation {
	return Violation{At: n.At, Note: i, Text: fmt.Sprintf(format, args...)}
}

// epoch is the instant at which bubbles begin.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func sorted(set map[string]bool) []string {
	var names []string
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
