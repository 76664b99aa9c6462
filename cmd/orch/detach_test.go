package main

import (
	"context"
	"testing"
	"time"

	"orch/states"
)

// lead takes the lease for somebody, and gives what lets go of it.
func (w *world) lead(who string) func() {
	lease, err := w.Campaign(context.Background(), "web", who, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return func() { _ = lease.Release(context.Background()) }
}

func TestDetach(t *testing.T) {
	w := applied(t)
	before := len(w.filed)
	says(t, w.must(exitRefused, "transition", "web", "on", "--detach"), "nobody leads web now", "without it this command leads")
	if len(w.filed) != before {
		t.Fatal("a request lies there that somebody else would start")
	}
	says(t, w.must(exitUsage, "transition", "web", "on", "--detach", "--queue"), "--detach excludes")
	defer w.lead("bob@desk")()
	says(t, w.must(exitUnfinished, "transition", "web", "on", "--detach"), "bob@desk has not answered yet", "orch status web --watch")
	answers := func(refused bool, reason string) { // as a leader would
		for {
			w.mu.Lock()
			if n := len(w.filed); n > before+1 {
				record := w.snapshot.Record.Value
				record.Answers = append(record.Answers, states.Answer{Request: w.filed[n-1].ID, Refused: refused, Reason: reason})
				w.snapshot.Record = doc(record)
				before = n - 1
				w.mu.Unlock()
				return
			}
			w.mu.Unlock()
			time.Sleep(time.Millisecond)
		}
	}
	go answers(false, "off -> on")
	says(t, w.must(exitDone, "transition", "web", "on", "--detach"), "off -> on; bob@desk leads, see it with orch status web --watch")
	go answers(true, "it is busy")
	says(t, w.must(exitRefused, "transition", "web", "on", "--detach", "-o", "json"), `"refused": true`, "it is busy")
}
