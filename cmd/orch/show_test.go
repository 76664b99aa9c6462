package main

import "testing"

func TestShowSaysWhoApplied(t *testing.T) {
	w := newWorld(t)
	w.must(exitDone, "apply", "--yes", "--reason", "CHG-1", file(t, webFile))
	says(t, w.must(exitDone, "show", "web"), "# applied by ada@bastion at 2026-03-14 03:00:00Z (CHG-1), digest ", `cluster "web"`)
	if text := w.must(exitDone, "show", "web", "--definition"); text != w.snapshot.Source {
		t.Errorf("not the text alone:\n%s", text)
	}
	says(t, w.must(exitDone, "show", "web", "-o", "json"), `"by": "ada@bastion"`, `"why": "CHG-1"`)
}
