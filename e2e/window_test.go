package e2e

import (
	"testing"
	"time"
)

// Outside of its windows a cluster is not moved, unless somebody says so, which is written down. A
// way back is bound by none.
func TestWindowThatIsClosed(t *testing.T) {
	f := newField(t)
	f.serving(2, ``)
	f.ok("apply", f.file("web.hcl", windowHCL(``, daily(time.Now().Add(12*time.Hour)), time.Hour, "finish_batch")))
	f.says(f.exits(6, "transition", "web", "version", "2"), `window "hours" is closed`, "opens", "UTC, in", "--override window=hours, which is recorded")
	f.says(f.exits(6, "plan", "web", "version", "2"), `window "hours" is closed`)
	f.exits(6, "transition", "web", "version", "2", "--override", "window=another")
	f.ok("transition", "web", "version", "2", "--override", "window=hours")
	if got := len(f.to("version 2")); got != 2 {
		t.Errorf("want 2 runs, got %d", got)
	}
	f.says(f.ok("history", "web", "-o", "json"), "window=hours")
	f.ok("rollback", "web")
}

// A window that closes in the middle of a move: the batch ends and the next waits, and the command
// does not sit there for a day.
func TestWindowClosesAndTheBatchEnds(t *testing.T) {
	f := newField(t)
	f.serving(3, ``)
	f.ctl("all", "pause=9")
	f.ok("apply", f.file("web.hcl", closing(`batches = [1]`, 8*time.Second, "finish_batch")))
	text := f.exits(3, "transition", "web", "version", "2")
	f.says(text, `not finished: window "hours" is closed since`, "once it is open: orch resume web")
	if got := len(f.to("version 2")); got != 1 {
		t.Fatalf("want one run, got %d:\n%s", got, text)
	}
	f.says(f.exits(3, "resume", "web"), `window "hours" is closed since`)
	f.says(f.ok("why", "web"), `window "hours" is closed since`, "orch resume web --override window=hours")
	f.ctl("all", "")
	f.ok("resume", "web", "--override", "window=hours", "--reason", "CHG-1")
	if got := len(f.to("version 2")); got != 3 {
		t.Errorf("want 3 runs, got %d", got)
	}
}

func TestWindowClosesAndTheMoveStops(t *testing.T) {
	f := newField(t)
	f.serving(3, ``)
	f.ctl("all", "pause=9")
	f.ok("apply", f.file("web.hcl", closing(`batches = [2]`, 8*time.Second, "pause")))
	text := f.exits(3, "transition", "web", "version", "2")
	f.says(text, `window "hours" is closed since`, `(on_close = pause)`)
	if got := f.status(); got.Status != "paused" {
		t.Fatalf("it is %s: %s\n%s", got.Status, got.Reason, text)
	}
	f.says(f.exits(6, "resume", "web"), `refused: window "hours" is closed`, "--override window=hours")
	f.ctl("all", "")
	f.ok("resume", "web", "--override", "window")
}

func TestWindowClosesAndTheMoveFinishes(t *testing.T) {
	f := newField(t)
	f.serving(2, ``)
	f.ctl("all", "pause=9")
	f.ok("apply", f.file("web.hcl", closing(``, 8*time.Second, "finish")))
	f.ok("transition", "web", "version", "2")
	f.exits(6, "transition", "web", "version", "3")
}
