package sim

import (
	"testing"

	"orch/states"
)

// What a node tried last, and how a skipped one's run ended, is what two checks go by: each of these comes
// with the neighbour that must not pass.
func TestChecksOfWhoIsLateOrSkipped(t *testing.T) {
	for name, c := range map[string]struct {
		find    func(*History) []Violation
		story   *tale
		notices bool
	}{
		"left, and it tried a version that the cluster does not know any more": {left, strayed("9"), false},
		"left, and it tried where the cluster comes from":                      {left, strayed("1"), true},
		"left, and it tried where the cluster goes":                            {left, strayed("3"), true},
		"left, and it tries once more what it tried when it was late":          {left, rejoined("t-2"), false},
		"left, and it was late in an earlier move":                             {left, rejoined("t-1"), true},
		"left, and its leader did not see yet that it was back":                {left, returned(0, "n2"), false},
		"left, and its leader saw that it was back":                            {left, returned(0, "n1", "n2"), true},
		"left, and its leader did not see for long that it was back":           {left, returned(5, "n2"), true},
		"left, and it was silent when a hop began":                             {left, hopped(true), false},
		"left, and it was there when a hop began":                              {left, hopped(false), true},
		"alive, and one fell silent since it began":                            {alive, waited(2, 1), false},
		"alive, and one fell silent before it began":                           {alive, waited(1, 1), true},
		"alive, and another failed before it began":                            {alive, waited(2, 2), true},
		"stopped, and the skipped run was cut off":                             {stopped, skipped(states.Interrupted), false},
		"stopped, and the skipped run failed":                                  {stopped, skipped(states.TimedOut), true},
	} {
		if found := c.find(&c.story.History); c.notices != (len(found) > 0) {
			t.Errorf("%s: %v\n%s", name, found, c.story.Print(100))
		}
	}
}

// strayed is a node that was at version 1, tried another and failed; then comes a new target, and it joins.
func strayed(tried string) *tale {
	join := joins("n1", v1, 3)
	return going().wrote("n1#1", astray(aRun("r-1", 1), tried)).wrote("orch1", anotherDesired(3)).wrote("n1#1", astray(join.Start.Run, "1")).note(join)
}

// rejoined is a node that joins after it tried to already, in some move.
func rejoined(move string) *tale {
	join := joins("n1", v1, 3)
	earlier := join.Start.Run
	earlier.ID, earlier.Transition = "r-8", move
	join.Start.Run.Transition = "t-2"
	return going().wrote("n1#1", astray(aRun("r-1", 1), "9")).wrote("orch1", anotherDesired(3)).
		wrote("n1#1", astray(earlier, "1")).wrote("n1#1", astray(join.Start.Run, "1")).note(join)
}

// returned is a node that was silent and came back before a new target, which begins with these members; then it joins.
func returned(notes int, members ...string) *tale {
	there, record := aStatus("n1", states.Run{}).settledAt(v1), aRecord(1, members...)
	record.Record.ID = "t-2"
	return going().wrote("", silent("n1")).wrote("n1#1", there).quiet(notes).wrote("orch1", anotherDesired(3), record).note(joins("n1", v1, 3))
}

// hopped is a node at version 1 whose cluster takes two hops, and which may be silent as the second begins; then it joins.
func hopped(quiet bool) *tale {
	there, record := aStatus("n1", states.Run{}).settledAt(v1), aRecord(1, "n1", "n2")
	second := anotherDesired(4)
	second.Desired.State.Argument = "4"
	record.Record.ID = "t-2"
	story := going().wrote("n1#1", there).quiet(3).wrote("orch1", anotherDesired(3), record)
	if quiet {
		story.wrote("", silent("n1"))
	}
	return story.wrote("orch1", second).wrote("n1#1", there).note(joins("n1", v1, 4))
}

// waited is a move that stops before it let anybody go, since n1 was lost, which fell silent before or after it began, and
// perhaps another.
func waited(falls, lost int) *tale {
	story, halted := going().wrote("orch1", anEntry(2, states.EventPaused), paused("t-1", "")), paused("t-2", states.ByFailures)
	for _, name := range []string{"n1", "n2"}[:lost] {
		halted.Record.Counted = append(halted.Record.Counted, states.Counted{Node: name, Kind: states.CountLost})
	}
	if falls == 1 {
		story.wrote("", silent("n1"))
	}
	story.wrote("orch1", anEntry(3, states.EventAccepted), fresh("t-2"))
	if falls == 2 {
		story.wrote("", silent("n1"))
	}
	return story.wrote("orch1", anEntry(4, states.EventHalted), halted)
}

// astray is what a node says that was at version 1, and tried another.
func astray(run states.Run, tried string) Doc {
	d := aStatus("n1", run)
	d.Status.State, d.Status.Attempting.Argument = v1, tried
	return d
}

// skipped is a batch after one whose node was skipped in its silence, and then said how its run had ended.
func skipped(outcome states.Outcome) *tale {
	run, record := aRun("r-1", 2), aRecord(1, "n1", "n2")
	run.Outcome, run.Terminal = outcome, true
	record.Record.Counted = []states.Counted{{Node: "n1", Run: "r-1", Kind: states.CountSkipped}}
	return ordered().wrote("orch1", anEntry(3, states.EventCounted), record).wrote("n1#1", aStatus("n1", run)).wrote("orch1", anEntry(4, states.EventBatch))
}
