package main

import (
	"context"
	"strings"
	"testing"

	"orch/states"
)

func (f *fake) frost(cluster string) *states.Doc[states.Freeze] {
	if cluster == "" {
		return &f.snapshot.Frozen
	}
	return &f.snapshot.Freeze
}

func (f *fake) ReadFreeze(_ context.Context, cluster string) (states.Doc[states.Freeze], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.frost(cluster), nil
}

func (f *fake) PutFreeze(_ context.Context, cluster string, seen states.Doc[states.Freeze], freeze states.Freeze) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frost(cluster).Index != seen.Index {
		return states.ErrConflict
	}
	*f.frost(cluster) = doc(freeze)
	return nil
}

func (f *fake) DropFreeze(_ context.Context, cluster string, seen states.Doc[states.Freeze]) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frost(cluster).Index != seen.Index {
		return states.ErrConflict
	}
	*f.frost(cluster) = states.Doc[states.Freeze]{}
	return nil
}

func TestFreezeAndThaw(t *testing.T) {
	w := applied(t)
	says(t, w.must(exitDone, "transition", "web", "on"), "done: web is at on")
	says(t, w.must(exitUsage, "freeze", "web"), "say why with --reason")
	says(t, w.must(exitError, "freeze", "db", "--reason", "x"), "there is none of that name")
	says(t, w.must(exitUsage, "freeze", "web", "--reason", "x", "--override", "gate"), "what can be overridden here is freeze")
	says(t, w.must(exitDone, "thaw", "web"), "nothing to do: web is not frozen")

	says(t, w.must(exitDone, "freeze", "web", "--reason", "restore", "--until", "2h"),
		"web is frozen by ada@bastion since 03:00:00Z, until 2026-03-14 05:00Z: restore", "end it: orch thaw web")
	if last := w.journal[len(w.journal)-1]; last.Event != states.EventFrozen || last.By != "ada@bastion" || last.Why != "restore" {
		t.Errorf("the journal has %+v", last)
	}
	says(t, w.must(exitRefused, "transition", "web", "version", "2"), "refused: frozen by ada@bastion", "restore", "until 2026-03-14 05:00Z", "orch thaw web ends it")
	says(t, w.must(exitRefused, "plan", "web", "version", "2"), "refused: frozen by ada@bastion")
	says(t, w.must(exitRefused, "reconverge", "web"), "refused: frozen by ada@bastion")
	says(t, w.must(exitUsage, "transition", "web", "version", "2", "--override", "freeze"), "no move can override a freeze")
	says(t, w.must(exitDone, "status", "web"), "frozen by ada@bastion")
	says(t, w.must(exitDone, "transition", "web", "off", "--yes"), "done: web is at off")

	says(t, w.must(exitDone, "freeze", "web", "--reason", "restore, still", "--until", "3h"), "restore, still") // one's own
	w.env["ORCH_OPERATOR"] = "bob@desk"
	says(t, w.must(exitRefused, "freeze", "web", "--reason", "mine"), "it is frozen by ada@bastion since 03:00:00Z", "--override freeze replaces that")
	says(t, w.must(exitDone, "freeze", "web", "--reason", "mine", "--override", "freeze"), "frozen by bob@desk")
	if last := w.journal[len(w.journal)-1]; len(last.Overrides) != 1 || last.Overrides[0] != "freeze" {
		t.Errorf("what was overridden is not in the journal: %+v", last)
	}
	says(t, w.must(exitDone, "thaw", "web", "--reason", "over", "-o", "json"), `"result": "thawed"`, "frozen by bob@desk")
	if last := w.journal[len(w.journal)-1]; last.Event != states.EventThawed || last.Why != "over" {
		t.Errorf("the journal has %+v", last)
	}
	says(t, w.must(exitDone, "transition", "web", "on"), "done: web is at on")
}

func TestFreezeEverybody(t *testing.T) {
	w := applied(t)
	says(t, w.must(exitDone, "freeze", "--reason", "incident", "--until", "1m"), "everybody is frozen by ada@bastion", "orch thaw\n")
	if last := w.journal[len(w.journal)-1]; !strings.HasPrefix(last.Reason, "everybody is frozen by ada@bastion (incident)") {
		t.Errorf("the journal has %q", last.Reason)
	}
	w.must(exitDone, "freeze", "web", "--reason", "restore")
	says(t, w.must(exitDone, "thaw", "web"), "web is thawed", "everybody is still frozen by ada@bastion", "orch thaw")
	says(t, w.must(exitRefused, "transition", "web", "on"), "incident", "orch thaw ends it")
	w.seconds += 60 // it ends by itself
	says(t, w.must(exitDone, "transition", "web", "on"), "done: web is at on")
	w.env["ORCH_OPERATOR"] = "bob@desk"
	says(t, w.must(exitDone, "freeze", "--reason", "another"), "frozen by bob@desk") // one that is over is nobody's
	w.snapshot.Frozen = states.Doc[states.Freeze]{Index: 9, Problem: "it is empty"}
	says(t, w.must(exitRefused, "freeze", "--reason", "x"), "cannot be read, and counts as a freeze: it is empty")
	says(t, w.must(exitDone, "thaw"), "everybody is thawed")
}

func TestFreezeWhereSomebodyLeads(t *testing.T) {
	w := applied(t)
	w.snapshot.Led, w.snapshot.Leader.Value.Who = true, "bob@desk" // and does not answer
	says(t, w.must(exitDone, "freeze", "web", "--reason", "restore"), "the journal of web does not say so yet", "web is frozen")
}
