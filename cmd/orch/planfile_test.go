package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orch/states"
)

// planned is a world at on whose move to version 42 lies in a file.
func planned(t *testing.T) (*world, string) {
	w := applied(t)
	w.must(exitDone, "transition", "web", "on")
	path := filepath.Join(t.TempDir(), "web.plan")
	says(t, w.must(exitDone, "plan", "web", "version", "42", "--out", path), "web-1 (canary)", "exactly this: orch transition --plan "+path)
	return w, path
}

func TestPlanThenExactlyThat(t *testing.T) {
	w, path := planned(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	says(t, w.must(exitDone, "plan", "web", "version", "42", "--out", path), "written to") // in the place of the old one
	says(t, w.must(exitDone, "transition", "--plan", path, "--reason", "CHG-7"), "done: web is at version 42")
	if r := w.filed[len(w.filed)-1]; r.Plan == nil || r.Plan.Plan == "" || w.snapshot.Record.Value.Plan != r.Plan.Plan {
		t.Errorf("the request does not say from which plan it is: %+v", r.Plan)
	}
	says(t, w.must(exitRefused, "transition", "--plan", path), "the last move was", "generation was", "the cluster was to be at on and is to be at version 42",
		"node web-1 was at on and is at version 42", "orch plan web version 42 --out")
}

// Each thing that a plan rests on is named when it has changed, all of them at once.
func TestPlanNamesWhatChanged(t *testing.T) {
	for name, change := range map[string]struct {
		do   func(*world)
		says []string
	}{
		"who is alive": {func(w *world) { w.snapshot.Nodes[2].Alive = false }, []string{"node web-3 was alive and is not"}},
		"where a node is": {func(w *world) {
			w.snapshot.Nodes[1].Status.Value.State = states.State{Name: "off"}
		}, []string{"node web-2 was at on and is at off"}},
		"a hold": {func(w *world) {
			w.snapshot.Nodes[0].Order = doc(states.Order{Held: &states.Word{By: "bob", Why: "disk", At: w.now()}})
		}, []string{"node web-1 was not held and is"}},
		"a new node": {func(w *world) {
			n := w.snapshot.Nodes[0]
			n.Name = "web-4"
			w.snapshot.Nodes = append(w.snapshot.Nodes, n)
		}, []string{"node web-4 is new"}},
		"the definition": {func(w *world) { w.snapshot.Source += "\n" }, []string{"the definition was applied again"}},
		"a freeze": {func(w *world) {
			w.snapshot.Frozen = doc(states.Freeze{Word: states.Word{By: "grace", Why: "audit", At: w.now()}})
		}, []string{"it is frozen, and was not so", "audit"}},
		"several things": {func(w *world) {
			w.snapshot.Nodes[2].Alive, w.snapshot.Source = false, "other"
			w.snapshot.Desired.Value.Generation += 2
			w.snapshot.Record.Value.Generation += 2
		}, []string{"generation was", "the definition was applied again", "node web-3 was alive and is not"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, path := planned(t)
			change.do(w)
			before := len(w.filed)
			says(t, w.must(exitRefused, "transition", "--plan", path), append(change.says, "plan again: orch plan web version 42 --out")...)
			if len(w.filed) != before {
				t.Error("it was asked for all the same")
			}
		})
	}
}

func TestPlanUsage(t *testing.T) {
	w, path := planned(t)
	says(t, w.must(exitUsage, "transition", "web", "on", "--plan", path), "read arguments")
	says(t, w.must(exitUsage, "transition", "--plan", path, "--supersede"), "--supersede")
	says(t, w.must(exitUsage, "plan", "web", "on", "--fail", "web-1"), "--simulate")
	says(t, w.must(exitUsage, "plan", "web", "on", "--simulate", "--out", path), "exclude each other")
	says(t, w.must(exitError, "transition", "--plan", path+".not"), "no such file")
	for text, want := range map[string]string{"{}": "schema is 0", "<xml>": "it is no plan", `{"schema": 1, "what": 2}`: "no plan of this version", `{"schema": 1}`: "it is no plan"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		says(t, w.must(exitError, "transition", "--plan", path), want)
	}
	says(t, w.must(exitRefused, "plan", "web", "nowhere", "--out", path+".no"), "find state")
	if _, err := os.Stat(path + ".no"); err == nil {
		t.Error("a plan that is refused was written")
	}
	says(t, w.must(exitError, "plan", "web", "version", "1", "--out", filepath.Join(path, "below", "a file")), "write the plan to")
}

func TestPlanSaysHowLong(t *testing.T) {
	w := applied(t)
	w.must(exitDone, "transition", "web", "on")
	says(t, w.must(exitDone, "plan", "web", "version", "42"), "about 3m (a guess: of no node it is known how long it takes)")
	w.snapshot.Nodes[0].Status.Value.Run.Seconds, w.snapshot.Nodes[1].Status.Value.Run.Seconds = 20, 100
	says(t, w.must(exitDone, "plan", "web", "version", "42"), "about 4m (from the last runs; web-3 never ran well: guessed)") // 20 s, 100 s, as long as the slowest
}

// Everything that would refuse a move is said at once.
func TestPlanNamesEveryRefusal(t *testing.T) {
	w := applied(t)
	w.must(exitDone, "transition", "web", "on")
	w.snapshot.Nodes[1].Alive, w.snapshot.Nodes[2].Alive = false, false
	w.snapshot.Definition.Value.Transitions[2].Requires = []states.Requirement{{Cluster: "db", States: []states.Ref{{Name: "on"}}}}
	says(t, w.must(exitRefused, "plan", "web", "version", "42"), "it would be refused, because", "1 node of 3 known nodes alive", "requires db")
	var j planJSON
	w.run("plan", "web", "version", "42", "-o", "json")
	if err := json.Unmarshal(w.out.Bytes(), &j); err != nil || len(j.Refusals) != 2 || j.Refusals[0] != j.Refused {
		t.Errorf("%v: %+v", err, j)
	}
}

func TestSimulateVerb(t *testing.T) {
	w := applied(t)
	w.must(exitDone, "transition", "web", "on")
	for i := range w.snapshot.Nodes {
		w.snapshot.Nodes[i].Status.Value.Run.Seconds = 40
	}
	for name, line := range map[string][]string{"well": nil, "fail": {"--fail", "web-2"}, "lose": {"--lose", "web-1"}} {
		text := w.must(exitDone, append([]string{"plan", "web", "version", "42", "--simulate"}, line...)...)
		golden(t, "simulate-"+name+".txt", anyRun.ReplaceAllString(text, "r-0123456789"))
		text = w.must(exitDone, append([]string{"plan", "web", "version", "42", "--simulate", "-o", "json"}, line...)...)
		golden(t, "simulate-"+name+".json", anyRun.ReplaceAllString(text, "r-0123456789"))
	}
	says(t, w.must(exitUsage, "plan", "web", "version", "42", "--simulate", "--fail", "web-9"), `"web-9"`, "no node of that name")
	says(t, w.must(exitDone, "plan", "web", "nowhere", "--simulate"), "refused after 0s")
	if w.snapshot.Desired.Value.State.Name != "on" || strings.Contains(w.out.String(), "done") {
		t.Error("a simulation moved something")
	}
}
