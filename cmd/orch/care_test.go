package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// careful is the file of the other tests, and what its release is asked for.
func carefulFile(t *testing.T, policy string) string {
	return file(t, strings.Replace(webFile, `from = ["on", "version"] }`, "\n from = [\"on\", \"version\"]\n"+policy+"\n}", 1))
}

// released is a world at version 41, whose way to a version has a policy.
func released(t *testing.T, policy string) *world {
	t.Helper()
	w := newWorld(t)
	w.must(exitDone, "apply", "--yes", carefulFile(t, ""))
	w.must(exitDone, "transition", "web", "on")
	w.must(exitDone, "transition", "web", "version", "41")
	w.must(exitDone, "apply", "--yes", carefulFile(t, policy))
	w.filed = nil
	return w
}

func TestApprove(t *testing.T) {
	w := released(t, `approve = "after_first_batch"`)
	says(t, w.must(exitDone, "plan", "web", "version", "42"), "approve   somebody has to, after the first batch")
	text := w.must(exitUnfinished, "transition", "web", "version", "42")
	says(t, text, "waits for approval", "orch approve web --reason WHY")
	golden(t, "verb-awaiting.txt", w.must(exitDone, "status", "web"))
	says(t, w.must(exitDone, "why", "web"), "approval", "orch approve web --reason WHY")
	says(t, w.must(exitUnfinished, "status", "web", "--watch"), "waits for approval")
	says(t, w.must(exitRefused, "approve", "web", "--batch", "0"), "batch 0", "look again")
	if len(w.filed) != 1 {
		t.Fatalf("%d requests are filed", len(w.filed))
	}
	text = w.must(exitDone, "approve", "web", "--reason", "looks good", "--batch", "1")
	golden(t, "verb-approve.txt", anyRun.ReplaceAllString(text, "r-0123456789"))
	says(t, w.must(exitRefused, "approve", "web"), "nothing to approve")
	says(t, w.must(exitDone, "history", "web"), "awaits", "approved", "batch 1 approved by ada@bastion (looks good)")
	says(t, w.must(exitDone, "status", "web", "-o", "json"), `"approvals": [`, `"batch": 1`, `"why": "looks good"`, `"healthy": 3`)
}

func TestRollback(t *testing.T) {
	w := released(t, "")
	w.bad["web-2"], w.once = true, true
	w.must(exitFailed, "transition", "web", "version", "42")
	text := w.must(exitDone, "rollback", "web", "--reason", "errors")
	golden(t, "verb-rollback.txt", text)
	if !everywhere(map[string]string{"1": w.at()["web-1"], "3": w.at()["web-3"]}, "version 41") {
		t.Errorf("nodes are at %v", w.at())
	}
}

func TestRollbackTo(t *testing.T) {
	w := released(t, "")
	var on string
	for _, e := range w.journal {
		if e.Event == states.EventDone && e.Desired.State.Name == "on" {
			on = e.Transition
		}
	}
	w.must(exitDone, "transition", "web", "version", "42")
	says(t, w.must(exitRefused, "rollback", "web", "--to", "t-nobody"), "no move of that id reached anything", on+" (on)", "(version 42)")
	says(t, w.must(exitDone, "rollback", "web", "--to", on), "back to on", "done: web is at on")
	if r := w.filed[len(w.filed)-1]; r.To != on || r.Target.Name != "on" {
		t.Errorf("the request is %+v", r)
	}
	says(t, w.must(exitDone, "rollback", "web"), "back to version 42")
}

func TestRollbackToWhatDoesNotServe(t *testing.T) {
	w := applied(t)
	w.must(exitDone, "transition", "web", "on")
	says(t, w.must(exitUsage, "rollback", "web"), "web serves, and off serves nobody", "--yes")
	says(t, w.must(exitDone, "rollback", "web", "--yes"), "done: web is at off")
	says(t, w.must(exitDone, "rollback", "web"), "done: web is at on")
}

func TestRollsBackByItself(t *testing.T) {
	w := released(t, `on_failure = "rollback"`)
	w.bad["web-2"] = true
	w.once = true
	text := w.must(exitRolledBack, "transition", "web", "version", "42")
	says(t, text, "rolled back to version 41: 1 node failed", "rollback")
	says(t, w.must(exitRolledBack, "status", "web", "--watch"), "rolled back to version 41")
	if !everywhere(w.at(), "version 41") {
		t.Errorf("nodes are at %v", w.at())
	}
}

func TestTheWayBackFailsToo(t *testing.T) {
	w := released(t, `on_failure = "rollback"`)
	w.bad["web-2"] = true
	says(t, w.must(exitFailed, "transition", "web", "version", "42"), "and the way back to version 41 is paused")
	says(t, w.must(exitDone, "status", "web"), "on the way back", "orch retry web")
	delete(w.bad, "web-2")
	says(t, w.must(exitDone, "retry", "web"), "done: web is at version 41")
}

func TestRetry(t *testing.T) {
	w := released(t, "")
	w.bad["web-2"] = true
	w.must(exitFailed, "transition", "web", "version", "42")
	says(t, w.must(exitRefused, "retry", "web", "--node", "web-1"), "web-1 did not fail")
	delete(w.bad, "web-2")
	text := w.must(exitDone, "retry", "web", "--reason", "disk was full")
	says(t, text, "web-2 may try again, asked by ada@bastion (disk was full)", "done: web is at version 42")
	says(t, w.must(exitDone, "retry", "web"), "nothing to do")
	says(t, w.must(exitDone, "history", "web"), "retried")
}

func TestHold(t *testing.T) {
	w := released(t, "")
	says(t, w.must(exitDone, "hold", "web", "web-2", "--reason", "disk swap", "--until", "2h"), "web-2 is held by ada@bastion", "until 2026-03-14 05:00Z: disk swap")
	says(t, w.must(exitDone, "transition", "web", "version", "42"), "done: web is at version 42")
	if got := w.at()["web-2"]; got != "version 41" {
		t.Errorf("who is held is at %s", got)
	}
	golden(t, "verb-held.txt", w.must(exitDone, "status", "web"))
	says(t, w.must(exitDone, "why", "web", "web-2"), "held", "disk swap", "orch unhold web web-2")
	says(t, w.must(exitRefused, "unhold", "web", "web-1"), "nobody holds")
	says(t, w.must(exitDone, "unhold", "web", "web-2"), "not held any more")
	if !everywhere(w.at(), "version 42") {
		t.Errorf("nodes are at %v", w.at())
	}
}

func TestReconverge(t *testing.T) {
	w := released(t, "")
	text := w.must(exitDone, "reconverge", "web", "--reason", "new certificates")
	golden(t, "verb-reconverge.txt", text)
	for _, n := range w.snapshot.Nodes {
		if n.Status.Value.AgainDone != w.snapshot.Record.Value.Again {
			t.Errorf("%s did not converge once more", n.Name)
		}
	}
	says(t, w.must(exitDone, "reconverge", "web", "--node", "web-3"), "version 41 once more", "web-3", "done: web is at version 41")
	says(t, w.must(exitRefused, "reconverge", "web", "--node", "web-9"), "not alive")
}

func TestStep(t *testing.T) {
	w := released(t, "")
	w.terminal(80, 24)
	w.typed = "y\nn\n"
	text := w.must(exitUnfinished, "transition", "web", "version", "42", "--step")
	says(t, text, "WAITING FOR APPROVAL", "go on with the next batch? [y/N]", "batch 2 is over", "orch approve web", "orch rollback web")
	if r := w.filed[len(w.filed)-1]; r.Kind != states.AskApprove || r.Batch != 1 {
		t.Errorf("the request is %+v", r)
	}
	if w.snapshot.Led {
		t.Error("somebody leads while nobody answers")
	}
	w.typed = ""
	w.terminal(0, 0)
	says(t, w.must(exitDone, "approve", "web"), "done: web is at version 42")
}

// news is what a test knows of the world outside.
type news struct{ evidence states.Evidence }

func (n news) Sense(_ context.Context, ask orchestrator.Ask, _ chan<- struct{}) states.Evidence {
	seen := states.Evidence{Gates: map[string]states.Reading{}, Checks: n.evidence.Checks, Elsewhere: n.evidence.Elsewhere}
	for _, gate := range ask.Gates {
		seen.Gates[gate.Name] = n.evidence.Gates[gate.Name]
	}
	return seen
}

func TestGatesAndRequirements(t *testing.T) {
	w := released(t, "")
	for i, move := range w.snapshot.Definition.Value.Transitions {
		if move.To == "version" {
			move.Gates = []states.Gate{{Kind: states.GateCommand, Name: "smoke", Timeout: states.Duration(time.Minute)}}
			move.Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "on"}}}}
			w.snapshot.Definition.Value.Transitions[i] = move
		}
	}
	evidence := states.Evidence{Gates: map[string]states.Reading{"smoke": {Outcome: states.GatePass, Text: "all well", At: at("04:00:00")}},
		Elsewhere: map[string]states.Elsewhere{"db": {There: true, State: states.State{Name: "off"}, Settled: true, At: at("03:00:00")}}}
	w.senses = news{evidence}
	says(t, w.must(exitRefused, "plan", "web", "version", "42"), "requires db settled at on, and it is at off", "--override requires=db")
	says(t, w.must(exitDone, "plan", "web", "version", "42", "--override", "requires=db"), "requires  not met", "gate      smoke (command)")
	evidence.Elsewhere["db"] = states.Elsewhere{There: true, State: states.State{Name: "on"}, Settled: true, At: at("03:00:00")}
	golden(t, "verb-plan-care.txt", w.must(exitDone, "plan", "web", "version", "42"))
	says(t, w.must(exitDone, "transition", "web", "version", "42"), "gate smoke: passes, all well", "done: web is at version 42")
}

func TestHowMovesEnd(t *testing.T) {
	record := func(status, cause string) states.Record {
		return states.Record{Status: status, Cause: cause, Reason: "because", Why: "it failed", Target: release(42)}
	}
	waiting := record(states.Running, "")
	waiting.Awaiting = states.AwaitApproval
	for name, c := range map[string]struct {
		record states.Record
		undone bool
		code   int
	}{
		"done":              {record(states.Done, ""), false, exitDone},
		"aborted":           {record(states.Aborted, ""), false, exitUnfinished},
		"approval":          {waiting, false, exitUnfinished},
		"operator":          {record(states.Paused, states.ByOperator), false, exitUnfinished},
		"birth":             {record(states.Paused, states.ByBirth), false, exitUnfinished},
		"members":           {record(states.Paused, states.ByMembers), false, exitUnfinished},
		"doubt":             {record(states.Paused, states.ByDoubt), false, exitUnfinished},
		"requires":          {record(states.Paused, states.ByRequires), false, exitUnfinished},
		"failures":          {record(states.Paused, states.ByFailures), false, exitFailed},
		"gate":              {record(states.Paused, states.ByGate), false, exitFailed},
		"health":            {record(states.Paused, states.ByHealth), false, exitFailed},
		"deadline":          {record(states.Paused, states.ByDeadline), false, exitFailed},
		"undone":            {record(states.Done, ""), true, exitRolledBack},
		"undone and paused": {record(states.Paused, states.ByOperator), true, exitFailed},
	} {
		if got := exitCode(stands("transition web", "web", c.record, c.undone)); got != c.code {
			t.Errorf("%s: ends with %d, not %d", name, got, c.code)
		}
	}
}

func TestUntil(t *testing.T) {
	now := at("03:00:00")
	for text, want := range map[string]string{
		"":                          "0001-01-01T00:00:00Z",
		"2h":                        "2026-03-14T05:00:00Z",
		"90m":                       "2026-03-14T04:30:00Z",
		"06:00":                     "2026-03-14T06:00:00Z",
		"02:59":                     "2026-03-15T02:59:00Z",
		"03:00":                     "2026-03-15T03:00:00Z",
		"2026-11-22 06:00":          "2026-11-22T06:00:00Z",
		"2026-11-22T06:00:00+02:00": "2026-11-22T04:00:00Z",
		"-2h":                       "refused",
		"2020-01-01 00:00":          "refused",
		"tomorrow":                  "refused",
		"25:00":                     "refused",
	} {
		end, err := parseUntil(text, now)
		got := end.Format(time.RFC3339)
		if err != nil {
			got = "refused"
			if exitCode(err) != exitUsage {
				t.Errorf("%q ends with %d", text, exitCode(err))
			}
		}
		if got != want {
			t.Errorf("%q is %s, not %s", text, got, want)
		}
	}
}
