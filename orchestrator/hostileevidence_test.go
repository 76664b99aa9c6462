package orchestrator

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"orch/states"
	"orch/states/hostiletest"
)

// besieged is a cluster whose next batch rests on everything that there is to be seen outside, and may go.
func besieged(t *testing.T) *world {
	t.Helper()
	w := serving(t, rollout(func(tr *states.Transition) {
		tr.Policy.MinHealthy = states.Percent(10)
		tr.Primary = &states.Primary{Service: "web", Tag: "primary"}
		tr.Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "converged"}}, Wait: minute}}
		tr.Gates = []states.Gate{webGate(nil), {Kind: states.GateHTTP, Name: "lb", URL: states.Template{"http://x"}, At: states.AtBatch, Timeout: minute}}
	}), 5)
	w.gates = map[string]string{"lb": states.GatePass}
	w.elsewhere = map[string]states.Elsewhere{"db": {There: true, Settled: true, State: states.State{Name: "converged", Serving: true}, Index: 77, At: w.now}}
	w.primary = []string{"n04"}
	w.move("version", "2")
	w.over(1)
	w.until("the gates were noted", func() bool { return len(w.record().Gates) == 2 })
	return w
}

// sight is that evidence, part by part.
type sight struct {
	lb      states.Reading
	web     states.Checks
	primary states.Primaries
	db      states.Elsewhere
}

// spoilt is the evidence after somebody changed something about it.
func (w *world) spoilt(edit func(*sight)) states.Evidence {
	e := w.sense(AskFor(w.snapshot))
	s := sight{e.Gates["lb"], e.Checks["web-passing"], e.Primary, e.Elsewhere["db"]}
	s.primary.Nodes = slices.Clone(s.primary.Nodes)
	edit(&s)
	return states.Evidence{Gates: map[string]states.Reading{"lb": s.lb}, Checks: map[string]states.Checks{"web-passing": s.web},
		Primary: s.primary, Elsewhere: map[string]states.Elsewhere{"db": s.db}}
}

// goes plans with some evidence, and tells whether nodes are let go. What would be written can be read by
// whoever leads next, and is no longer than somebody reads.
func (w *world) goes(what string, evidence states.Evidence) bool {
	w.t.Helper()
	snapshot := w.snapshot
	snapshot.Evidence = evidence
	decision := Plan(snapshot, w.leading, w.now)
	said := decision.Reason
	for _, wait := range decision.Waits {
		said += wait.Reason + wait.Remedy
	}
	if said == "" || len(said) > 8_000 {
		w.t.Errorf("%s: %d bytes are said: %.300s", what, len(said), said)
	}
	if decision.Change == nil {
		return false
	}
	change := *decision.Change
	if text, err := json.Marshal(change.Record); err != nil || len(text) > 40_000 || change.Record.Validate() != nil || change.Entry.Validate() != nil {
		w.t.Errorf("%s: nobody could read the %d bytes that are written: %v %v %v", what, len(text), err, change.Record.Validate(), change.Entry.Validate())
	}
	return len(change.Orders) > 0 || change.Desired != nil && change.Desired.Open
}

// Whatever stands in the evidence that the next batch rests on, nobody goes whom it does not let go, and what
// is noted of it can be read.
func TestHostileEvidence(t *testing.T) {
	w := besieged(t)
	if !w.goes("all is well", w.spoilt(func(*sight) {})) {
		t.Fatal("nobody goes although all is well")
	}
	harmless := []string{"Reading.Text", "Check.ID", "Check.Output", "Primaries.Nodes[]", "Elsewhere.Reason", "Elsewhere.State.Argument",
		"Elsewhere.State.Attributes{key}", "Elsewhere.State.Attributes{value}", "Elsewhere.State.Digest"}
	part := func(of func(*sight) any, places []hostiletest.Place) (all []hostiletest.Place) {
		for _, p := range places {
			all = append(all, hostiletest.Place{Name: p.Name, Set: func(s reflect.Value, value string) {
				p.Set(reflect.ValueOf(of(s.Addr().Interface().(*sight))).Elem(), value)
			}})
		}
		return all
	}
	places := slices.Concat(
		part(func(s *sight) any { return &s.lb }, hostiletest.Places[states.Reading]()),
		part(func(s *sight) any { return &s.web.Checks[0] }, hostiletest.Places[states.Check]()), // of n00, who was the batch
		part(func(s *sight) any { return &s.web }, hostiletest.Places[states.Checks]()[4:]),      // the rest of it
		part(func(s *sight) any { return &s.primary }, hostiletest.Places[states.Primaries]()),
		part(func(s *sight) any { return &s.db }, hostiletest.Places[states.Elsewhere]()))
	for _, text := range []string{"", "x", "n00", "n01", "PASS", "passing ", "converged ", "web is critical", strings.Repeat("long ", 60)} {
		for _, p := range places {
			what := fmt.Sprintf("%s = %.20q", p.Name, text)
			fine := slices.Contains(harmless, p.Name) || text == "" && strings.HasSuffix(p.Name, ".Problem") || text == "n00" && p.Name == "Check.Node"
			if got := w.goes(what, w.spoilt(func(s *sight) { p.Set(reflect.ValueOf(s).Elem(), text) })); got != fine {
				t.Errorf("%s: they go: %v", what, got)
			}
		}
	}
}

// Numbers, times and crowds are no better than texts.
func TestHostileNumbersInEvidence(t *testing.T) {
	w := besieged(t)
	crowd := func(status string, n int) (checks []states.Check) {
		for i := range n {
			checks = append(checks, states.Check{Node: fmt.Sprint("stranger-", i), ID: strings.Repeat("i", 300), Status: status, Output: strings.Repeat("o", 120)})
		}
		return checks
	}
	for what, c := range map[string]struct {
		edit func(*sight)
		goes bool
	}{
		"a reading of no time":  {func(s *sight) { s.lb.At = time.Time{} }, true}, // it is none; what was noted for this batch holds
		"a reading of long ago": {func(s *sight) { s.lb.At = time.Unix(0, 0) }, true},
		"checks of no time":     {func(s *sight) { s.web.At = time.Time{} }, false},
		"no checks":             {func(s *sight) { s.web.Checks = nil }, false},
		"each check twice, once ill": {func(s *sight) {
			s.web.Checks = append(s.web.Checks, states.Check{Node: "n00", ID: "web", Status: "critical"})
		}, false},
		"ten thousand ill strangers": {func(s *sight) { s.web.Checks = append(s.web.Checks, crowd("critical", 10_000)...) }, true},
		"ten thousand ill instances": {func(s *sight) {
			for _, check := range crowd("critical", 10_000) {
				check.Node = "n00"
				s.web.Checks = append(s.web.Checks, check)
			}
		}, false},
		"a primary of no time":        {func(s *sight) { s.primary.At = time.Time{} }, false},
		"ten thousand primaries":      {func(s *sight) { s.primary.Nodes = slices.Repeat([]string{strings.Repeat("n", 300)}, 10_000) }, true},
		"everybody is primary":        {func(s *sight) { s.primary.Nodes = w.names() }, true},
		"a cluster that is not there": {func(s *sight) { s.db.There = false }, false},
		"a cluster that moves":        {func(s *sight) { s.db.Settled = false }, false},
		"a cluster of a great index":  {func(s *sight) { s.db.Index = math.MaxUint64 }, true},
	} {
		if got := w.goes(what, w.spoilt(c.edit)); got != c.goes {
			t.Errorf("%s: they go: %v", what, got)
		}
	}
}
