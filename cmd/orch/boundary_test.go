package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
)

// interruptedAt types a command and ends it by a signal right after its n-th commit; 0 is the moment at
// which it has asked, and nobody has answered. It gives the exit code, and whether the signal came.
func (w *world) interruptedAt(n int, sig syscall.Signal, line ...string) (code int, came bool) {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, sig)
	defer signal.Stop(heard)
	before := w.writes
	w.wrote = func(written int) {
		if came || n == 0 && written != 0 || n > 0 && written != before+n {
			return
		}
		came = true
		_ = syscall.Kill(syscall.Getpid(), sig)
		<-heard
		time.Sleep(20 * time.Millisecond) // the command heard it in the same instant; it has time to know
	}
	defer func() { w.wrote = nil }()
	return w.run(line...), came
}

// At whatever commit a signal ends a command that moves: it lets go of the lease, ends with 130 and names
// the verb that goes on, which takes the move to its end. Where nothing was begun, nothing is left behind.
func TestSignalAtEveryCommit(t *testing.T) {
	moves := []struct {
		name    string
		policy  string
		prepare func(w *world)
		line    []string
		end     string // where every node is at last
	}{
		{"a hop", "", nil, []string{"transition", "web", "version", "42"}, "version 42"},
		{"two hops", "", nil, []string{"transition", "web", "on", "--via", "off", "--yes"}, "on"},
		{"a floor and a soak", "min_healthy = 1\nsoak = \"0s\"", nil, []string{"transition", "web", "version", "42"}, "version 42"},
		{"a rollback", "", func(w *world) { w.must(exitDone, "transition", "web", "version", "42") }, []string{"rollback", "web"}, "version 41"},
		{"a rollback by itself", "on_failure = \"rollback\"", func(w *world) { w.bad["web-2"], w.once = true, true }, []string{"transition", "web", "version", "42"}, "version 41"},
		{"once more", "", nil, []string{"reconverge", "web"}, "version 41"},
		{"another try", "", func(w *world) {
			w.bad["web-2"], w.once = true, true
			w.must(exitFailed, "transition", "web", "version", "42")
		}, []string{"retry", "web"}, "version 42"},
		{"a resume", "", func(w *world) {
			w.interruptedAt(2, syscall.SIGINT, "transition", "web", "version", "42")
			w.must(exitDone, "pause", "web")
		}, []string{"resume", "web"}, "version 42"},
		{"one in the place of another", "", func(w *world) {
			w.interruptedAt(3, syscall.SIGINT, "transition", "web", "version", "43")
		}, []string{"transition", "web", "version", "42", "--supersede"}, "version 42"},
	}
	for i, move := range moves {
		t.Run(move.name, func(t *testing.T) {
			for n := 0; ; n++ {
				sig := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}[(n+i)%3]
				w := released(t, move.policy)
				if move.prepare != nil {
					move.prepare(w)
				}
				code, came := w.interruptedAt(n, sig, move.line...)
				said := w.out.String() + w.err.String()
				where := fmt.Sprintf("%v after commit %d: exit code %d: %s", sig, n, code, said)
				if !came {
					if n < 5 {
						t.Errorf("it takes %d commits only", n-1)
					}
					return
				}
				if w.snapshot.Led {
					t.Fatalf("%s: the lease is held", where)
				}
				if len(w.snapshot.Requests) > 0 {
					t.Errorf("%s: a request is left behind", where)
				}
				w.goesOn(where, code, move.line, said)
				if !everywhere(w.at(), move.end) || w.snapshot.Record.Value.Status != states.Done {
					t.Fatalf("%s: then nodes are at %v, and it is %s", where, w.at(), w.snapshot.Record.Value.Status)
				}
			}
		})
	}
}

// goesOn goes on as the command said: from the beginning where nothing was done, and else by resume.
func (w *world) goesOn(where string, code int, line []string, said string) {
	w.t.Helper()
	running := w.snapshot.Record.Value.Status == states.Running
	switch {
	case strings.Contains(said, "nothing was done"):
		if again := w.run(line...); again != exitDone && again != exitRolledBack {
			w.t.Fatalf("%s: once more, it ends with %d: %s", where, again, &w.err)
		}
	case code == exitInterrupted && running:
		if !strings.Contains(said, "orch resume web") {
			w.t.Errorf("%s: it does not name the verb that goes on", where)
		}
		if again := w.run("resume", "web"); again != exitDone && again != exitRolledBack {
			w.t.Fatalf("%s: resume ends with %d: %s", where, again, &w.err)
		}
	case running:
		w.t.Fatalf("%s: it runs still", where)
	}
}
