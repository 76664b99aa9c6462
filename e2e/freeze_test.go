package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A freeze is obeyed by whoever moves the cluster, and by a node that comes late and is asked by
// nobody. What serves nobody is excepted, and it all goes on when it is lifted.
func TestFreeze(t *testing.T) {
	f := newField(t)
	f.serving(2, ``)
	f.says(f.ok("freeze", "web", "--reason", "restore"), "web is frozen by ada@bastion", "restore", "orch thaw web")
	f.says(f.exits(6, "transition", "web", "version", "2"), "refused: frozen by ada@bastion", "restore", "orch thaw web ends it")
	f.says(f.exits(6, "plan", "web", "version", "2"), "frozen by ada@bastion")
	f.says(f.exits(2, "transition", "web", "version", "2", "--override", "freeze"), "no move can override a freeze")
	f.says(f.exits(6, "reconverge", "web"), "frozen by ada@bastion")
	f.agent("web-03")
	eventually(t, "the late node to be frozen", patience, func() bool { return f.node("web-03").Phase == "frozen" })
	time.Sleep(time.Second)
	if got := f.runsOf("web-03"); got != 0 {
		t.Fatalf("a late node ran under a freeze, %d times", got)
	}
	f.says(f.ok("status", "web"), "frozen by ada@bastion")
	f.says(f.ok("why", "web", "web-03"), "frozen")

	f.says(f.ok("thaw", "web", "--reason", "restored"), "web is thawed")
	f.says(f.ok("thaw", "web"), "nothing to do")
	// A frozen agent looks every half minute whether it is so still.
	eventually(t, "the late node to arrive by itself", patience, func() bool { return f.node("web-03").Phase == "settled" })

	f.ok("freeze", "--reason", "incident 4711") // everybody
	f.says(f.exits(6, "transition", "web", "version", "2"), "incident 4711", "orch thaw ends it")
	f.ok("transition", "web", "off", "--yes")
	if got := len(f.to("off")); got < 3 {
		t.Errorf("%d nodes were switched off under a freeze, want 3", got)
	}
	f.ok("thaw")
	f.says(f.ok("history", "web"), "web is frozen by ada@bastion (restore)", "web is thawed by ada@bastion (restored)", "everybody is frozen by ada@bastion (incident 4711)", "everybody is thawed")
}

// One that comes in the middle of a move: what runs ends, nobody else goes, the command ends and says
// so, and after its end a resume goes on. Nobody was late meanwhile.
func TestFreezeInMidMove(t *testing.T) {
	f := newField(t)
	f.serving(3, `batches = [2]`)
	goOn := f.stays("all", "")
	move := f.orchStart("transition", "web", "version", "2")
	eventually(t, "the first batch to run", patience, func() bool { return len(f.to("version 2")) == 2 })
	f.ok("freeze", "web", "--reason", "audit", "--until", "1h")
	goOn()
	if code := f.wait(move, patience); code != 3 {
		t.Fatalf("want exit code 3, got %d:\n%s", code, move.text())
	}
	f.says(move.text(), "not finished: frozen by ada@bastion", "audit", "orch resume web")
	f.says(f.exits(3, "resume", "web"), "frozen by ada@bastion")
	eventually(t, "what was begun to end", patience, func() bool { return len(f.phase("settled")) >= 2 })
	if got := len(f.to("version 2")); got != 2 {
		t.Fatalf("%d nodes went under the freeze", got-2)
	}
	f.ok("freeze", "web", "--reason", "audit", "--until", "2s")
	eventually(t, "the freeze to end by itself", patience, func() bool { _, code := f.orch("resume", "web"); return code == 0 })
	if got := len(f.to("version 2")); got != 3 {
		t.Errorf("want 3 runs, got %d", got)
	}
	f.says(f.ok("history", "web"), "the freeze is over; it goes on")
}

func (f *field) runsOf(node string) int {
	n := 0
	for _, r := range f.runs() {
		if r.node == node {
			n++
		}
	}
	return n
}

// windowHCL is the definition with one window.
func windowHCL(inside, schedule string, length time.Duration, onClose string) string {
	return versionHCL(inside) + fmt.Sprintf("window \"hours\" {\n  schedule = %q\n  duration = %q\n  on_close = %q\n}\n", schedule, length, onClose)
}

// closing is a window that was opened in this minute, and closes after a while.
func closing(inside string, after time.Duration, onClose string) string {
	now := time.Now().UTC()
	length := (time.Duration(now.Second())*time.Second + after).Round(time.Second)
	return windowHCL(inside, fmt.Sprintf("%d %d * * *", now.Minute(), now.Hour()), length, onClose)
}

func daily(t time.Time) string { return strings.TrimSpace(fmt.Sprintf("0 %d * * *", t.UTC().Hour())) }
