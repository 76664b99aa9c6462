package main

import (
	"strings"
	"testing"
	"time"

	"orch/states"
)

// quiet is a window that denies every move while the clock of these tests stands at three.
func quiet(length time.Duration, onClose string) states.Windows {
	return states.Windows{{Name: "quiet", Deny: true, Schedule: "0 2 * * *", Duration: states.Duration(length), TimeZone: "UTC", OnClose: onClose}}
}

// What refuses a move and cannot be overridden hides nothing behind it: all is named at once.
func TestPlanNamesEverythingThatWouldRefuse(t *testing.T) {
	w := released(t, "")
	w.snapshot.Frozen, w.snapshot.Freeze = frozenFor("incident 1"), frozenFor("incident 2")
	w.snapshot.Definition.Value.Windows = quiet(5*time.Hour, states.FinishBatch)
	w.snapshot.Nodes[1].Alive, w.snapshot.Nodes[2].Alive = false, false
	for i := range w.snapshot.Definition.Value.Transitions {
		w.snapshot.Definition.Value.Transitions[i].Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "on"}}}}
	}
	w.senses = news{states.Evidence{Elsewhere: map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "off"}, Settled: true}}}}
	says(t, unwrapped(w.must(exitRefused, "plan", "web", "version", "42")), "it would be refused, because", "fewer than half", "incident 1, and frozen", "incident 2", "orch thaw and orch thaw web end it",
		`window "quiet" denies it`, "--override window=quiet", "--override members", "--override requires=db")
}

// A plan says when it may be made, and as which time it would take.
func TestPlanShowsItsWindows(t *testing.T) {
	w := released(t, "")
	w.snapshot.Definition.Value.Windows = append(quiet(30*time.Minute, states.PauseOnClose),
		states.Window{Name: "nights", Schedule: "0 22 * * *", Duration: states.Duration(6 * time.Hour), TimeZone: "UTC", OnClose: states.FinishMove})
	golden(t, "verb-plan-windows.txt", w.must(exitDone, "plan", "web", "version", "42"))
	says(t, w.must(exitDone, "plan", "web", "version", "42", "-o", "json"), `"windows": [`, `"quiet"`)
}

// The time that a plan gives is that of a move that ends. One that would be stopped says when, and one
// that begins by waiting says how long it takes from then on.
func TestPlanSaysWhereItWouldStandStill(t *testing.T) {
	w := released(t, "")
	for i := range w.snapshot.Nodes {
		w.snapshot.Nodes[i].Status.Value.Run = states.Run{Outcome: states.Succeeded, Terminal: true, Seconds: 200, Ended: at("01:00:00")}
	}
	w.snapshot.Definition.Value.Windows = states.Windows{{Name: "nights", Schedule: "0 22 * * *", Duration: states.Duration(5*time.Hour + 5*time.Minute), TimeZone: "UTC", OnClose: states.PauseOnClose}}
	says(t, unwrapped(w.must(exitDone, "plan", "web", "version", "42")), "it would stand still after about", `window "nights" is closed`, "on_close = pause")
	says(t, w.must(exitDone, "plan", "web", "version", "42", "-o", "json"), `"stands": "window`)

	w.snapshot.Definition.Value.Windows = nil
	for i := range w.snapshot.Definition.Value.Transitions {
		w.snapshot.Definition.Value.Transitions[i].Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "on"}}, Wait: states.Duration(10 * time.Minute)}}
	}
	w.senses = news{states.Evidence{Elsewhere: map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "off"}, Settled: true, At: w.now()}}}}
	says(t, unwrapped(w.must(exitDone, "plan", "web", "version", "42")), "it would stand still: requires db", "from then on about")
}

// unwrapped is a text on one line, as it was before it was broken into several.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

// Whoever applies looks after the journal as well: a cluster may be applied a thousand times, and never be moved.
func TestApplyLooksAfterTheJournal(t *testing.T) {
	w := released(t, "")
	before := w.weighed
	w.must(exitDone, "apply", "--yes", carefulFile(t, `soak = "1s"`))
	if w.weighed != before+1 {
		t.Errorf("%d looks at its length", w.weighed-before)
	}
}
