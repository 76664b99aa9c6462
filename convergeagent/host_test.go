//go:build linux

package convergeagent

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
)

// What a killed runner left of another cluster's run is ended before the next run of the host begins,
// whoever starts that: the lock of the host names it.
func TestTheHostIsSweptBeforeTheNextRun(t *testing.T) {
	t.Parallel()
	for _, tree := range []bool{false, true} {
		t.Run("without a cgroup: "+strconv.FormatBool(tree), func(t *testing.T) {
			t.Parallel()
			host, one, other := filepath.Join(t.TempDir(), "host"), t.TempDir(), t.TempDir()
			first := shell(one, `(setsid sh -c 'trap "" TERM; echo $$ > `+one+`/daemon; while `+turn+`; do sleep 0.05; done' &); echo $$ > `+one+`/leader; sleep 60`)
			first.LockDir, first.Tree = host, tree
			run := states.Run{ID: randomID("r-", 6), State: states.State{Name: "on"}, Attempt: 1, Tries: 1, Timeout: states.Duration(time.Minute)}
			ended := make(chan Result, 1)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { ended <- first.Converge(ctx, Task{Cluster: "db", Node: "db-01", Run: run}) }()
			eventually(t, "it runs", func() bool { return len(lines(one+"/daemon")) == 1 && len(lines(one+"/leader")) == 1 }, func() string { return "" })
			cancel()
			if got := <-ended; got.Outcome != "" {
				t.Fatalf("it ended with its agent: %+v", got)
			}
			mark := filepath.Join(first.folder(run), "runner.json")
			if err := syscall.Kill(runnerOf(t, mark), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			second := shell(other, `for f in daemon leader; do kill -0 $(cat `+one+`/$f) 2>/dev/null && grep -q '^State:.[^Z]' /proc/$(cat `+one+`/$f)/status && echo "$f is there"; done; echo done`)
			second.LockDir, second.Tree = host, tree
			run.ID = randomID("r-", 6)
			got := second.Converge(t.Context(), Task{Cluster: "web", Node: "web-01", Run: run})
			said := strings.Join(got.Tail, "\n")
			if !got.OK() || !strings.Contains(said, "ends what is left of run r-") || !strings.HasSuffix(said, "\ndone") || strings.Contains(said, "is there") {
				t.Errorf("%+v", got)
			}
			gone(t, one+"/daemon")
			if note, err := os.ReadFile(filepath.Join(host, "run.lock")); err != nil || len(note) > 0 {
				t.Errorf("the lock has %q, %v", note, err)
			}
		})
	}
}

// A folder that others can write into is no place for a lock.
func TestLockDirsThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open, link := filepath.Join(dir, "open"), filepath.Join(dir, "link")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for where, why := range map[string]string{open: "others can write into it", link: "it is no folder"} {
		e := shell(t.TempDir(), "echo it runs")
		e.LockDir = where
		got := e.Converge(t.Context(), Task{Run: states.Run{ID: "r-1", Attempt: 1, Timeout: states.Duration(time.Minute)}})
		if got.Outcome != states.ExitedBadly || !strings.Contains(got.Error, why) || !strings.Contains(got.Error, "--lock-dir") || len(got.Tail) > 0 {
			t.Errorf("%s: %+v", where, got)
		}
	}
}
