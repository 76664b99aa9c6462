//go:build linux

package convergeagent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
)

// crashScript leaves a child and a grandchild that ignore being told to end.
func crashScript(dir string) string {
	return `trap '' TERM; (trap '' TERM; echo $$ > ` + dir + `/child; while :; do sleep 0.05; done) &
		echo $$ > ` + dir + `/leader; echo run >> ` + dir + `/trace; test -e ` + dir + `/mended && exit 0; while :; do sleep 0.05; done`
}

// TestHelperAgent is no test: it is the process that is killed.
func TestHelperAgent(t *testing.T) {
	dir := os.Getenv("AGENT_TO_BE_KILLED")
	if dir == "" {
		t.Skip("only as another test's process")
	}
	r := rigIn(t, dir, crashScript(dir))
	d := desired(1, "converged")
	d.Retries = 1
	r.want(d)
	r.start()
	time.Sleep(time.Minute)
}

func TestCrashInMidRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	agent := exec.Command(os.Args[0], "-test.run=^TestHelperAgent$")
	agent.Env = append(os.Environ(), "AGENT_TO_BE_KILLED="+dir)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the run is noted", func() bool {
		return len(lines(dir+"/child")) == 1 && len(lines(dir+"/leader")) == 1 && memoryOf(t, dir).Process.PID != 0
	}, func() string { return fmt.Sprint(lines(dir + "/trace")) })
	if err := agent.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait()
	before := memoryOf(t, dir)
	if err := os.WriteFile(dir+"/mended", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := strings.Join(append(lines(dir+"/leader"), lines(dir+"/child")...), "\n") // the next try has others
	r := rigIn(t, dir, crashScript(dir))
	d := desired(1, "converged")
	d.Retries = 1
	r.want(d)
	began := time.Now()
	r.start()
	s := r.settled("converged")
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it was at work after %s", took)
	}
	if s.Run.ID != before.Last.ID || s.Run.Attempt != 2 || s.Instance != before.Instance {
		t.Errorf("after %s it reports %s", before.Last.ID, text(s))
	}
	if err := os.WriteFile(dir+"/old", []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	gone(t, dir+"/old")
}

func TestACrashOnTheLastTryIsTheEndOfIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	d := closed(desired(1, "converged"))
	r.want(d)
	r.start()
	r.until("waiting", func(s states.Status) bool { return s.Generation == 1 })
	r.order(d, "run-1")
	r.settled("converged")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	m := memoryOf(t, r.config.StateDir)
	m.Last.Outcome, m.Last.Terminal, m.Attempting, m.Last.Ended = "", false, m.State, time.Time{}
	m.Process = Process{PID: os.Getpid(), Start: 1, Boot: m.Process.Boot} // a number that is somebody else's by now
	save(t, r.config.StateDir, m)
	r.start()
	s := r.until("failed", func(s states.Status) bool { return s.Phase == states.Failed })
	if s.Run.Outcome != states.Interrupted || !s.Run.Terminal || s.Failed.ID != "run-1" {
		t.Errorf("it reports %s", text(s))
	}
}

func save(t *testing.T, dir string, m memory) {
	t.Helper()
	f, err := openFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := (&diary{storage: f}).save(m); err != nil {
		t.Fatal(err)
	}
}

// A group whose leader is gone, or was never noted, is known by what its members carry.
func TestLeftoversWithoutALeader(t *testing.T) {
	t.Parallel()
	for name, noted := range map[string]bool{"noted": true, "not noted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			id := randomID("r-", 6)
			cmd := exec.Command("/bin/sh", "-c", `(trap '' TERM; while :; do sleep 0.05; done) & echo $! > `+dir+`/pid`)
			cmd.Env = append(os.Environ(), "ORCH_RUN="+id)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			process, err := identify(cmd.Process.Pid)
			if err != nil || cmd.Wait() != nil {
				t.Fatal(err)
			}
			if !noted {
				process = Process{}
			}
			if err := (&Exec{}).Bury(t.Context(), process, states.Run{ID: id, Timeout: states.Duration(time.Second)}); err != nil {
				t.Fatal(err)
			}
			gone(t, dir+"/pid")
		})
	}
}

func TestStateFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	good := memory{Schema: states.Schema, Cluster: "web", Node: "web-01", Instance: "i-1"}
	other, schema, nameless := good, good, good
	other.Node, schema.Schema, nameless.Instance = "web-02", 99, ""
	for name, content := range map[string]string{
		"empty": "", "garbage": "{", "null": "null", "more behind it": text(good) + "{}",
		"another node's": text(other), "a newer version's": text(schema), "nameless": text(nameless),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "exit 0")
			path := filepath.Join(r.config.StateDir, memoryFile)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := New(r.config).Run(t.Context()); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("it starts: %v", err)
			}
			if now, _ := os.ReadFile(path); string(now) != content {
				t.Errorf("it changed the file to %s", now)
			}
		})
	}
}

func TestAStateDirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Log("root may write everywhere; the directory is taken away instead")
	}
	r := newRig(t, "exit 0")
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	away := r.config.StateDir + ".away"
	if err := os.Rename(r.config.StateDir, away); err != nil {
		t.Fatal(err)
	}
	r.want(desired(2, "off"))
	s := r.until("refusing", func(s states.Status) bool { return s.Phase == states.Refusing })
	if s.Generation != 1 || s.State.Name != "converged" {
		t.Errorf("it reports %s", text(s))
	}
	if err := os.Rename(away, r.config.StateDir); err != nil {
		t.Fatal(err)
	}
	r.settled("off")
}
