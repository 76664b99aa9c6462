package main

import (
	"testing"

	"orch/states"
)

// drifts has nodes of a world say that they drifted.
func (w *world) drifts(repair bool, names ...string) {
	for i, n := range w.snapshot.Nodes {
		for _, name := range names {
			if n.Name == name {
				status := n.Status.Value
				status.Drift = &states.Drift{Since: at("02:15:31"), Exit: 3, Said: []string{"web.conf differs"}, Repair: repair}
				status.Phase, status.Reason = states.Drifted, status.Drift.String()
				w.snapshot.Nodes[i].Status = doc(status)
			}
		}
	}
}

func TestReconvergeDrifted(t *testing.T) {
	w := released(t, "")
	says(t, w.must(exitDone, "reconverge", "web", "--drifted"), "nothing to do: no node of web has drifted")
	if len(w.filed) > 0 {
		t.Fatalf("it asks for nothing: %+v", w.filed)
	}
	w.drifts(true, "web-2")
	w.drifts(false, "web-3")
	says(t, w.must(exitDone, "status"), "settled", "2 drifted: orch why web")
	says(t, w.must(exitDone, "status", "web"), "SETTLED", "2 drifted", "web.conf differs", "orch reconverge web --drifted")
	says(t, w.must(exitDone, "status", "web", "-o", "json"), `"drifted": 2`, `"exit": 3`, `"repair": true`)
	says(t, w.must(exitDone, "why", "web", "web-2"), "where it should be", "asks for its turn", "orch reconverge web --drifted", "Its check, exit 3:", "  web.conf differs")
	says(t, w.must(exitDone, "why", "web"), "Nothing holds it.", "web-3", "says to report it")
	text := w.must(exitDone, "reconverge", "web", "--drifted", "--node", "web-3", "--reason", "weekly")
	says(t, text, "version 41 once more: web-3, drifted", "done: web is at version 41")
	text = w.must(exitDone, "reconverge", "web", "--drifted")
	golden(t, "verb-reconverge-drifted.txt", anyRun.ReplaceAllString(text, "r-0123456789"))
	for _, n := range w.snapshot.Nodes {
		if last := n.Status.Value.AgainDone; n.Status.Value.Drift != nil || (last != "") != (n.Name != "web-1") {
			t.Errorf("%s: drift %v, again done %q", n.Name, n.Status.Value.Drift, last)
		}
	}
	says(t, w.must(exitDone, "history", "web"), "version 41 once more: web-2, drifted")
	w.drifts(true, "web-1")
	w.bad["web-1"] = true
	says(t, w.must(exitFailed, "reconverge", "web", "--drifted"), "1 node failed", "see why: orch why web")
}
