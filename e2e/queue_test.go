package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// busy is a cluster at version 1 whose moves take a while.
func busy(t *testing.T, inside string) *field {
	f := newField(t)
	f.serving(3, inside)
	f.ctl("all", "pause=0.7")
	return f
}

// waits starts a move that waits for its turn, and returns once it is in the queue.
func (f *field) waits(version string, flags ...string) *process {
	f.t.Helper()
	p := f.orchStart(append([]string{"transition", "web", "version", version, "--queue"}, flags...)...)
	eventually(f.t, "version "+version+" to be in the queue", patience, func() bool {
		text, _ := f.orch("why", "web")
		return strings.Contains(text, "transition to version "+version+", by ada@bastion")
	})
	return p
}

func (f *field) began(version string) {
	f.t.Helper()
	eventually(f.t, "somebody to run version "+version, patience, func() bool { return len(f.to("version "+version)) > 0 })
}

// A second operator is refused with who, since when and why; whoever queues gets a turn, in order, also
// when one who waits dies and one gives up.
func TestTheQueueOfOperators(t *testing.T) {
	f := busy(t, `batches = [1]`)
	goOn := f.stays("all", `[ "$ORCH_ARGUMENT" = 2 ]`)
	move := f.orchStart("transition", "web", "version", "2", "--reason", "CHG-1")
	f.began("2")
	f.says(f.exits(6, "transition", "web", "version", "3"), "ada@bastion moves web to version 2 since", "(CHG-1)", "--supersede", "--queue")
	third := f.waits("3", "--reason", "CHG-2")
	dies := f.waits("4")
	gives := f.waits("5")
	sixth := f.waits("6")
	f.says(sixth.text(), "It waits for its turn: ada@bastion moves web to version 2 since", "(CHG-1)", "place 4 in the queue, behind ada@bastion since")
	f.says(f.ok("status", "web"), "In the queue, until web is at rest:", "1 transition to version 3, by ada@bastion since", "(CHG-2)")
	dies.kill()
	gives.signal(syscall.SIGINT)
	if code := f.wait(gives, patience); code != 130 {
		t.Errorf("who gives up ends with %d:\n%s", code, gives.text())
	}
	f.says(gives.text(), "it waited for its turn, and is withdrawn")
	eventually(t, "the dead one's place to be given up", patience, func() bool { return !strings.Contains(f.ok("status", "web"), "transition to version 4") })
	goOn()
	for _, p := range []*process{move, third, sixth} {
		if code := f.wait(p, patience); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, p.text())
		}
	}
	two, three, six := f.to("version 2"), f.to("version 3"), f.to("version 6")
	if len(two) != 3 || len(three) != 3 || len(six) != 3 || len(f.to("version 4"))+len(f.to("version 5")) != 0 {
		t.Fatalf("%d, %d and %d runs", len(two), len(three), len(six))
	}
	if three[0].start < two[2].stop || six[0].start < three[2].stop {
		t.Error("they did not go one after the other")
	}
	f.says(f.ok("history", "web"), "whoever asked is gone")
}

// The leader of the move that others wait for dies: who waits goes on with it, and then with its own.
func TestTheQueueLeadsWhenNobodyDoes(t *testing.T) {
	f := busy(t, `batches = [1]`)
	goOn := f.stays("all", `[ "$ORCH_ARGUMENT" = 2 ]`)
	move := f.orchStart("transition", "web", "version", "2")
	f.began("2")
	next := f.waits("3")
	move.kill()
	goOn()
	if code := f.wait(next, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, next.text())
	}
	if two, three := f.to("version 2"), f.to("version 3"); len(two) != 3 || len(three) != 3 || three[0].start < two[2].stop {
		t.Errorf("%d runs to version 2, %d to version 3", len(two), len(three))
	}
}

// What stands in its middle is waited for: the queue says so, can give up, and does not hold the lease.
func TestTheQueueWaitsWithAPause(t *testing.T) {
	f := busy(t, `batches = [1]`)
	f.ctl("web-02", "exit 1")
	f.exits(4, "transition", "web", "version", "2")
	text := f.exits(3, "transition", "web", "version", "3", "--queue", "--timeout", "2s")
	f.says(text, "is paused since", "orch retry web", "orch abort web", "is withdrawn")
	next := f.waits("3")
	f.ok("apply", "--yes", f.file("web.hcl", versionHCL(`batches = [2]`))) // nobody holds the lease
	f.ctl("web-02", "")
	f.ok("retry", "web")
	if code := f.wait(next, patience); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, next.text())
	}
	if got := f.to("version 3"); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

// A move that takes the place of another one inherits its failures; after a halt the next one begins
// with a clean slate, and with who failed.
func TestReplacingAMove(t *testing.T) {
	f := busy(t, "batches = [1]\n    max_failures = 1")
	f.ctl("web-01", `[ "$ORCH_ARGUMENT" = 2 ] && exit 1`)
	f.ctl("web-02", `[ "$ORCH_ARGUMENT" = 3 ] && exit 1; while [ "$ORCH_ARGUMENT" = 2 ] && ! [ -f $dir/go ]; do sleep 0.1; done`)
	first := f.orchStart("transition", "web", "version", "2")
	f.whyUntil("failures (1, 1 allowed)")
	second := f.orchStart("transition", "web", "version", "3", "--supersede")
	f.moving(`"argument": "3"`)
	f.file("go", "")
	if code := f.wait(second, patience); code != 4 {
		t.Errorf("exit code %d:\n%s", code, second.text())
	}
	f.says(second.text(), "web-01", "web-02")
	if code := f.wait(first, patience); code != 3 || !strings.Contains(first.text(), "replaced by another move") {
		t.Errorf("exit code %d:\n%s", code, first.text())
	}
	f.ok("transition", "web", "version", "4")
	if got := f.order("version 4"); len(got) != 3 || got[2] == "web-02" {
		t.Errorf("who failed goes first: %v", got)
	}
}

// Unlock shows whose lease it is, asks, and ends the session. Who held it is fenced off; it lives, and
// takes the lease again.
func TestUnlock(t *testing.T) {
	f := busy(t, `batches = [1]`)
	f.says(f.ok("unlock", "web"), "nothing to do")
	goOn := f.stays("all", "")
	move := f.orchStart("transition", "web", "version", "2", "--reason", "CHG-1")
	f.began("2")
	f.says(f.exits(2, "unlock", "web"), "held by ada@bastion since", "it lives", "Consul's node here: passing", "version 1 -> version 2", "say --yes")
	move.signal(syscall.SIGSTOP) // it hangs, and does not know
	f.says(f.ok("unlock", "web", "--yes", "--reason", "the bastion hangs"), "nobody holds the lease of web")
	f.says(f.ok("history", "web"), "unlocked", "ada@bastion ended the lease of ada@bastion (the bastion hangs)")
	other := f.orchStart("resume", "web")
	eventually(t, "another one to lead", patience, func() bool { return strings.Contains(f.consul.get("clusters/web/leader"), `"epoch": `) && f.led() })
	move.signal(syscall.SIGCONT)
	goOn()
	for _, p := range []*process{other, move} {
		if code := f.wait(p, patience); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, p.text())
		}
	}
	if got := f.to("version 2"); len(got) != 3 {
		t.Errorf("every node runs once: %v", got)
	}
	f.atMost(1, f.to("version 2"))
}

// led tells whether a session holds the lease.
func (f *field) led() bool {
	_, text := f.consul.http("GET", "/v1/kv/orch/clusters/web/leader", "")
	return strings.Contains(text, `"Session":`)
}
