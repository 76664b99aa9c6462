package sim

import (
	"testing"

	"orch/states"
)

// What a snapshot knows nothing of is nobody's to count: each history comes with the neighbour that must not pass.
func TestChecksOfWhatASnapshotTookAway(t *testing.T) {
	for name, c := range map[string]struct {
		find    func(*History) []Violation
		story   *tale
		notices bool
	}{
		"opened, and who remains has seen more":        {opened, reopened(mark(5, 3)), false},
		"opened, and who remains has seen no more":     {opened, reopened(mark(1, 2)), true},
		"bound, and a claim that drains was erased":    {bound, drains(aStatus("n1", states.Run{})), false},
		"bound, and a claim that drains lies there":    {bound, drains(aStatus("n1", aRun("r-1", 2))), true},
		"bound, and the run was claimed after it only": {bound, restoredEarly(), true},
		"bound, and it tries once more after it":       {bound, triesAgain(), true},
	} {
		if found := c.find(&c.story.History); c.notices != (len(found) > 0) {
			t.Errorf("%s: %v\n%s", name, found, c.story.Print(100))
		}
	}
}

// reopened is a hop that is opened for two, in a batch of one, whose agents have seen so much.
func reopened(seen states.Mark) *tale {
	t := going().wrote("n2#1", aStatus("n2", states.Run{}))
	for _, node := range []string{"n1", "n2"} {
		t.note(Note{Who: node + "#1", Saved: &Saved{node, "i-" + node, seen}})
	}
	return t.wrote("orch1", anEntry(2, states.EventOpened), aDesired(1, 2, true))
}

// drains is a node that has claimed its run and drains as a snapshot comes back, and another that may begin to.
func drains(n1 Doc) *tale {
	return ordered().wrote("n1#1", aStatus("n1", aRun("r-1", 2))).note(aSnapshot(n1)).note(begins(1, "n1", "r-1"))
}

// restoredEarly is a snapshot that comes back before anybody claimed anything.
func restoredEarly() *tale {
	return ordered().note(aSnapshot(aStatus("n1", states.Run{}))).wrote("n1#1", aStatus("n1", aRun("r-1", 2))).note(begins(1, "n1", "r-1"))
}

// triesAgain is a node whose erased run failed, and that claims its next try where others see it.
func triesAgain() *tale {
	second := begins(2, "n1", "r-1")
	second.Start.Run.Attempt = 2
	return drains(aStatus("n1", states.Run{})).note(ends(1, "n1", states.State{})).wrote("n1#1", aStatus("n1", second.Start.Run)).note(second)
}
