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

// closes moves the cluster to version 2 in a window that closes before the first runs have ended.
func (f *field) closes(code int, inside, onClose string) string {
	f.t.Helper()
	const after = 8 * time.Second
	goOn, definition := f.stays("all", ""), closing(inside, after, onClose)
	closed := time.Now().Add(after)
	f.ok("apply", f.file("web.hcl", definition))
	move := f.orchStart("transition", "web", "version", "2")
	time.Sleep(time.Until(closed))
	goOn()
	if got := f.wait(move, patience); got != code {
		f.t.Fatalf("want exit code %d, got %d:\n%s", code, got, move.text())
	}
	return move.text()
}

// A window that closes in the middle of a move: the batch ends and the next waits, and the command
// does not sit there for a day.
func TestWindowClosesAndTheBatchEnds(t *testing.T) {
	f := newField(t)
	f.serving(3, ``)
	text := f.closes(3, `batches = [1]`, "finish_batch")
	f.says(text, `not finished: window "hours" is closed since`, "once it is open: orch resume web")
	if got := len(f.to("version 2")); got != 1 {
		t.Fatalf("want one run, got %d:\n%s", got, text)
	}
	f.says(f.exits(3, "resume", "web"), `window "hours" is closed since`)
	f.says(f.ok("why", "web"), `window "hours" is closed since`, "orch resume web --override window=hours")
	f.ok("resume", "web", "--override", "window=hours", "--reason", "CHG-1")
	if got := len(f.to("version 2")); got != 3 {
		t.Errorf("want 3 runs, got %d", got)
	}
}

func TestWindowClosesAndTheMoveStops(t *testing.T) {
	f := newField(t)
	f.serving(3, ``)
	text := f.closes(3, `batches = [2]`, "pause")
	f.says(text, `window "hours" is closed since`, `(on_close = pause)`)
	if got := f.status(); got.Status != "paused" {
		t.Fatalf("it is %s: %s\n%s", got.Status, got.Reason, text)
	}
	f.says(f.exits(6, "resume", "web"), `refused: window "hours" is closed`, "--override window=hours")
	f.ok("resume", "web", "--override", "window")
}

func TestWindowClosesAndTheMoveFinishes(t *testing.T) {
	f := newField(t)
	f.serving(2, ``)
	f.closes(0, ``, "finish")
	f.exits(6, "transition", "web", "version", "3")
}
