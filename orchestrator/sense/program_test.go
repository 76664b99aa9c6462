package sense

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
	"orch/states/skiptest"
)

func lagGate(timeout time.Duration) states.Gate {
	return states.Gate{Kind: states.GateCommand, Name: "lag", Timeout: states.Duration(timeout)}
}

func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

func TestProgram(t *testing.T) {
	for script, want := range map[string][2]string{
		"echo begun; echo '0.2 s behind'":         {states.GatePass, "0.2 s behind"},
		"true":                                    {states.GatePass, ""},
		"echo behind; exit 1":                     {states.GateFail, "behind"},
		"echo 'far behind' >&2; exit 2":           {states.GateFail, "far behind"},
		"exit 2":                                  {states.GateFail, "exit status 2"},
		"echo 'no such replica'; exit 3":          {states.GateUnknown, "no such replica"},
		"exit 3":                                  {states.GateUnknown, "exit status 3"},
		"echo odd; exit 4":                        {states.GateUnknown, "exit status 4: odd"},
		"exit 127":                                {states.GateUnknown, "exit status 127"},
		"echo dying; kill -TERM $$":               {states.GateUnknown, "signal: terminated: dying"},
		"cat; pwd":                                {states.GatePass, "/"},
		`printf '\033[32mok\033[0m\r\n\n'`:        {states.GatePass, "ok"},
		"head -c 3000000 /dev/zero | tr '\\0' é":  {states.GatePass, ""}, // looked at below
		"seq 100000":                              {states.GatePass, "100000"},
		"sleep 60 >/dev/null 2>&1 & echo started": {states.GatePass, "started"},
	} {
		got := run(t.Context(), shell(script), about(3), lagGate(time.Minute))
		if strings.HasPrefix(script, "head") {
			if got.Outcome != states.GatePass || got.Text == "" || len(got.Text) > maxText {
				t.Errorf("%s: %+v", script, got)
			}
			continue
		}
		if (got != states.Reading{Outcome: want[0], Text: want[1]}) {
			t.Errorf("%s: %+v", script, got)
		}
	}
}

func TestProgramThatCannotBeStarted(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"/no/such/program", plain, t.TempDir()} {
		got := run(t.Context(), []string{program}, about(1), lagGate(time.Minute))
		if got.Outcome != states.GateUnknown || !strings.HasPrefix(got.Text, "its program could not be started: ") {
			t.Errorf("%s: %+v", program, got)
		}
	}
}

func TestProgramSeesNothingElse(t *testing.T) {
	t.Setenv("CONSUL_HTTP_TOKEN", "secret")
	file := filepath.Join(t.TempDir(), "env")
	run(t.Context(), []string{"/bin/sh", "-c", `/usr/bin/env >"$0"`, file}, about(3), lagGate(time.Minute))
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var extra []string
	want := map[string]bool{"PATH=/usr/sbin:/usr/bin:/sbin:/bin": true, "ORCH_CLUSTER=web": true, "ORCH_GATE=lag": true, "ORCH_STATE=version": true,
		"ORCH_ARGUMENT=42": true, "ORCH_TRANSITION=t-1": true, "ORCH_BATCH=3": true}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, _, _ := strings.Cut(line, "=")
		if !want[line] && name != "PWD" && name != "SHLVL" && name != "_" { // these are the shell's own
			extra = append(extra, line)
		}
		delete(want, line)
	}
	if len(want) > 0 || len(extra) > 0 {
		t.Errorf("missing %v, too much %q", want, extra)
	}
}

// A program that hangs is ended with all that it started, when its time is over or nobody asks any more.
func TestProgramIsEndedAsAGroup(t *testing.T) {
	for name, test := range map[string]struct {
		timeout time.Duration
		script  string
	}{
		"time over":          {300 * time.Millisecond, `trap '' TERM INT; sleep 600 & echo $! >"$0".new; mv "$0".new "$0"; wait`},
		"not asked any more": {time.Minute, `trap '' TERM INT; sleep 600 & echo $! >"$0".new; mv "$0".new "$0"; wait`},
		"by itself":          {time.Minute, `sleep 600 >/dev/null 2>&1 & echo $! >"$0".new; mv "$0".new "$0"`},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			file := filepath.Join(t.TempDir(), "pid")
			ended := make(chan states.Reading, 1)
			go func() {
				ended <- run(ctx, []string{"/bin/sh", "-c", test.script, file}, about(1), lagGate(test.timeout))
			}()
			child := pidIn(t, file)
			if name == "not asked any more" {
				cancel()
			}
			got := <-ended
			if name == "time over" && (got != states.Reading{Outcome: states.GateUnknown, Text: "no answer within 300ms"}) {
				t.Errorf("%+v", got)
			}
			eventually(t, "the end of its child", func() bool { return !alive(child) })
		})
	}
}

// A child in a session of its own that holds the output open must not hold the answer up.
func TestProgramThatLeavesADaemon(t *testing.T) {
	if _, err := os.Stat("/usr/bin/setsid"); err != nil {
		skiptest.Lacks(t, "there is no setsid: Debian's util-linux has it")
	}
	file := filepath.Join(t.TempDir(), "pid")
	got := run(t.Context(), []string{"/bin/sh", "-c", `setsid sh -c 'echo $$ >"$0".new; mv "$0".new "$0"; exec sleep 600' "$0" & while [ ! -f "$0" ]; do sleep 0.01; done; echo ok`, file}, about(1), lagGate(time.Minute))
	if (got != states.Reading{Outcome: states.GatePass, Text: "ok"}) {
		t.Errorf("%+v", got)
	}
	_ = syscall.Kill(pidIn(t, file), syscall.SIGKILL)
}

func pidIn(t *testing.T, file string) int {
	t.Helper()
	pid := 0
	eventually(t, "the child", func() bool {
		text, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	return pid
}

// alive tells whether a process can still do something: nobody here reaps the children of others.
func alive(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err == nil {
		_, after, _ := strings.Cut(string(text), ") ")
		return !strings.HasPrefix(after, "Z")
	}
	_, noProc := os.Stat("/proc/self/stat")
	return noProc != nil && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
