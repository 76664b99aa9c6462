package main

import (
	"strings"
	"testing"

	"orch/states"
)

const recoverable = `cluster "web" {
  initial = "off"
  state "off" { serving = false }
  state "version" {
    argument { pattern = "[0-9]+" }
  }
  transition "version" { from = ["off", "version"] }
}
`

// overtaken is a cluster whose nodes have seen more than lies in Consul.
func overtaken(t *testing.T) *world {
	w := newWorld(t)
	w.must(0, "apply", "--yes", file(t, recoverable))
	for i := range w.snapshot.Nodes {
		status := w.snapshot.Nodes[i].Status.Value
		status.Mark = states.Mark{Epoch: 7, Generation: 41, Transition: "t-lost"}
		w.snapshot.Nodes[i].Status = doc(status)
	}
	return w
}

func TestRecoverShowsAsksAndWrites(t *testing.T) {
	w := overtaken(t)
	before := w.writes
	says(t, w.must(0, "why", "web"), "has seen more than lies in Consul", "orch recover web")
	says(t, w.must(0, "recover", "web"), "web-1", "41", "t-lost", "It cannot be led, because", "orch recover web STATE")
	w.must(0, "recover", "web", "-o", "json")
	says(t, w.must(2, "recover", "web", "version", "9"), "say --yes")
	w.typed = "wob\n"
	says(t, w.must(6, "recover", "web", "version", "9"), "nothing was done")
	if w.writes != before {
		t.Fatal("it wrote before anybody said so")
	}
	w.typed = "web\n"
	says(t, w.must(0, "recover", "web", "version", "9"), "generation 1041", "orch resume web")
	w.typed = ""
	if d := w.snapshot.Desired.Value; d.Generation != 1041 || d.Epoch < 1007 || d.Open {
		t.Errorf("%+v", d.Mark)
	}
	says(t, w.must(0, "why", "web"), "was recovered to version 9")
	w.must(0, "resume", "web")
	if !everywhere(w.at(), "version 9") {
		t.Errorf("%v", w.at())
	}
	says(t, w.must(6, "recover", "web", "version", "9", "--yes"), "nothing is wrong")
	says(t, w.must(2, "recover", "web", "version", "9", "--override", "gate"), "healthy")
}

func TestUnlockAsksAndSparesWhatIsFree(t *testing.T) {
	w := overtaken(t)
	says(t, w.must(0, "unlock", "web"), "nothing to do")
	w.snapshot.Led, w.snapshot.Session = true, "s-1"
	text := w.must(2, "unlock", "web")
	says(t, text, "held by", "s-1: it lives", "bastion: passing", "If it ends: ", "say --yes")
	if !w.snapshot.Led {
		t.Fatal("it ended a session before anybody said so")
	}
	says(t, w.must(0, "unlock", "web", "--yes", "-o", "json"), `"result": "ended"`)
	if w.snapshot.Led {
		t.Error("somebody still leads")
	}
}

func TestOnlyOneWayToDealWithAnotherMove(t *testing.T) {
	w := overtaken(t)
	if text := w.must(2, "transition", "web", "version", "9", "--queue", "--supersede"); !strings.Contains(text, "exclude each other") {
		t.Error(text)
	}
}
