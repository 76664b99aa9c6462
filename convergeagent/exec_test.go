//go:build linux

package convergeagent

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
)

// try runs a script once.
func try(t *testing.T, ctx context.Context, script string, timeout time.Duration) (Result, string) {
	t.Helper()
	dir := t.TempDir()
	task := Task{Cluster: "web", Node: "web-01", From: states.State{Name: "version", Argument: "1"},
		Run: states.Run{ID: "r-1", State: states.State{Name: "version", Argument: "2", Attributes: map[string]string{"a": "b c"}}, Generation: 7,
			Attempt: 1, Tries: 1, Timeout: states.Duration(timeout)},
		Started: func(p Process) error {
			if p.PID == 0 || p.Boot == "" || p.Start == 0 {
				t.Errorf("it is not identified: %v", p)
			}
			return nil
		}}
	return shell(dir, strings.ReplaceAll(script, "DIR", dir)).Converge(ctx, task), dir
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   Result
	}{
		"ok":               {"exit 0", Result{Outcome: states.Succeeded}},
		"exit code":        {"exit 7", Result{Outcome: states.ExitedBadly, Exit: 7}},
		"foreign signal":   {"kill -9 $$", Result{Outcome: states.Killed, Exit: -1, Signal: "SIGKILL"}},
		"foreign term":     {"kill $$", Result{Outcome: states.Killed, Exit: -1, Signal: "SIGTERM"}},
		"timeout":          {"sleep 60", Result{Outcome: states.TimedOut, Exit: -1, Signal: "SIGTERM"}},
		"timeout, ignored": {"trap '' TERM; while :; do sleep 0.05; done", Result{Outcome: states.TimedOut, Exit: -1, Signal: "SIGKILL"}},
		"timeout, obeyed":  {"trap 'exit 0' TERM; while :; do sleep 0.05; done", Result{Outcome: states.TimedOut}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute
			if strings.HasPrefix(name, "timeout") {
				timeout = 200 * time.Millisecond
			}
			got, _ := try(t, t.Context(), c.script, timeout)
			got.Log, got.Tail = "", nil
			if text(got) != text(c.want) {
				t.Errorf("%s, want %s", text(got), text(c.want))
			}
		})
	}
}

func TestCouldNotStart(t *testing.T) {
	t.Parallel()
	e := &Exec{Dir: t.TempDir(), Command: func(states.State) ([]string, error) { return []string{"/no/such/program"}, nil }}
	got := e.Converge(t.Context(), Task{Run: states.Run{ID: "r-1", Timeout: states.Duration(time.Minute)}})
	if got.Outcome != states.ExitedBadly || !strings.Contains(got.Error, "could not be started") || !strings.Contains(got.Error, "no such file") {
		t.Errorf("%+v", got)
	}
}

func TestEnvironmentIsScrubbed(t *testing.T) {
	t.Setenv("CONSUL_HTTP_TOKEN", "secret")
	t.Setenv("LANG", "C.UTF-8")
	got, dir := try(t, t.Context(), `env | sort > DIR/env; cat "$ORCH_ATTRIBUTES" > DIR/attributes; cat; echo "$1/$2"`, time.Minute)
	if !strings.HasPrefix(strings.Join(got.Tail, ""), "version/2") {
		t.Errorf("it says %q", got.Tail)
	}
	env, _ := os.ReadFile(dir + "/env")
	for _, want := range []string{"ORCH_ARGUMENT=2", "ORCH_CLUSTER=web", "ORCH_FROM=version 1", "ORCH_GENERATION=7", "ORCH_NODE=web-01",
		"ORCH_RUN=r-1", "ORCH_STATE=version", "LANG=C.UTF-8", "PATH="} {
		if !strings.Contains(string(env), want) {
			t.Errorf("its environment lacks %s: %s", want, env)
		}
	}
	if strings.Contains(string(env), "secret") {
		t.Errorf("its environment has the token: %s", env)
	}
	if attributes, _ := os.ReadFile(dir + "/attributes"); !strings.Contains(string(attributes), `"a": "b c"`) {
		t.Errorf("its attributes are %s", attributes)
	}
}

func TestFillsWholeArgumentsOnly(t *testing.T) {
	t.Parallel()
	command := []string{"${state}", "${state}", "--${state}", "${argument}", "end"}
	got := Fill(command, states.State{Name: "off"})
	if strings.Join(got, "|") != "${state}|off|--${state}||end" {
		t.Errorf("%q", got)
	}
}

func TestABackgroundChildIsKilledAndHoldsNothingUp(t *testing.T) {
	t.Parallel()
	began := time.Now()
	got, dir := try(t, t.Context(), `sleep 60 & echo $! > DIR/pid; echo done`, time.Minute)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if !got.outcome(states.Succeeded) || len(got.Tail) != 1 || got.Tail[0] != "done" {
		t.Errorf("%+v", got)
	}
	gone(t, dir+"/pid")
}

func (r Result) outcome(want states.Outcome) bool { return r.Outcome == want }

// gone checks that a process whose number is in a file can do nothing any more.
func gone(t *testing.T, path string) {
	t.Helper()
	numbers := lines(path)
	if len(numbers) == 0 {
		t.Fatalf("%s has no number", path)
	}
	for _, number := range numbers {
		pid, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := statOf(pid); err == nil && s.alive() {
			t.Errorf("process %d is alive", pid)
		}
	}
}

func TestADaemonThatHoldsTheOutputHoldsNothingUp(t *testing.T) {
	t.Parallel()
	began := time.Now()
	got, dir := try(t, t.Context(), `(setsid sh -c 'echo $$ > DIR/pid; exec sleep 60' &); while ! test -s DIR/pid; do sleep 0.02; done; echo done`, time.Minute)
	if took := time.Since(began); took > 5*time.Second || !got.outcome(states.Succeeded) || got.Tail[0] != "done" {
		t.Errorf("after %s: %+v", took, got)
	}
	pid, err := strconv.Atoi(lines(dir + "/pid")[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("a service that the run started is gone: %v", err)
	}
}

func TestATimeoutReachesChildrenInSessionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	got, dir := try(t, t.Context(), `setsid -w sh -c 'trap "" TERM; echo $$ > DIR/pid; while :; do sleep 0.05; done'`, 300*time.Millisecond)
	if !got.outcome(states.TimedOut) {
		t.Errorf("%+v", got)
	}
	gone(t, dir+"/pid")
}

func TestATimeoutGivesItsGraceToTheWholeGroup(t *testing.T) {
	t.Parallel()
	got, dir := try(t, t.Context(), `(trap 'sleep 0.3; echo cleaned > DIR/child; exit' TERM; touch DIR/ready; while :; do sleep 0.02; done) & wait`, 300*time.Millisecond)
	if !got.outcome(states.TimedOut) || len(lines(dir+"/child")) != 1 {
		t.Errorf("the child had no time to clean up: %+v", got)
	}
}

func TestARunThatCannotBeNotedIsEnded(t *testing.T) {
	t.Parallel()
	task := Task{Run: states.Run{ID: "r-1", Timeout: states.Duration(time.Minute)}, Started: func(Process) error { return os.ErrPermission }}
	if got := shell(t.TempDir(), "sleep 60").Converge(t.Context(), task); got.Outcome != states.ExitedBadly || got.Error == "" {
		t.Errorf("%+v", got)
	}
}

func TestTwoHundredMegabytesInOneLine(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	got, _ := try(t, t.Context(), `head -c 200000000 /dev/zero | tr '\0' x; echo; echo end`, time.Minute)
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc) - int64(before.TotalAlloc); grown > 16<<20 {
		t.Errorf("it allocated %d bytes", grown)
	}
	if !got.outcome(states.Succeeded) || got.Tail[len(got.Tail)-1] != "end" {
		t.Errorf("%+v", got)
	}
	log, err := os.ReadFile(got.Log)
	if err != nil || len(log) > logHead+logTail+1000 || !strings.Contains(string(log), "bytes were cut here") || !strings.Contains(string(log), "end\n") {
		t.Errorf("its log has %d bytes, %v", len(log), err)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"a\nb\n", "a|b"},
		{"no end", "no end"},
		{"\x1b[1;31mred\x1b[0m\tand\x07 bell\n", "red and bell"},
		{"10%\r50%\r100%\r\n", "10%|50%|100%"},
		{"bad \xff\xfe utf8\n", "bad \uFFFD utf8"},
		{"right\u202Eleft\u200B\n", "rightleft"},
		{"\x1b]0;title\x07text\n", "text"},
		{strings.Repeat("x", 5000), strings.Repeat("x", tailRunes-1) + "…"},
	} {
		got := &tail{}
		for i := range len(c.in) {
			_, _ = got.Write([]byte{c.in[i]})
		}
		if text := strings.Join(got.last(), "|"); text != c.want {
			t.Errorf("%q gives %q, want %q", c.in, text, c.want)
		}
	}
	many := &tail{}
	_, _ = many.Write([]byte(strings.Repeat("line\n", 1000) + "last\n"))
	if got := many.last(); len(got) != tailLines || got[tailLines-1] != "last" {
		t.Errorf("it keeps %d lines", len(got))
	}
}

func TestLogKeepsHeadAndTail(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, logHead, logHead + 10, logHead + logTail, logHead + logTail + 10, logHead + 3*logTail + 7} {
		path := filepath.Join(t.TempDir(), "r.log")
		log, err := openLog(path, "title")
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, size)
		for i := range data {
			data[i] = 'a' + byte(i%26)
		}
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 70_001)
			_, _ = log.Write(rest[:n])
			rest = rest[n:]
		}
		if err := log.close("ok"); err != nil {
			t.Fatal(err)
		}
		written, _ := os.ReadFile(path)
		want := string(data)
		if cut := size - logHead - logTail; cut > 0 {
			want = string(data[:logHead]) + "\n--- " + strconv.Itoa(cut) + " bytes were cut here ---\n" + string(data[logHead+cut:])
		}
		if string(written) != "--- title ---\n"+want+"\n--- ok ---\n" {
			t.Errorf("of %d bytes the log is wrong", size)
		}
	}
}

func TestOldLogsAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 30 {
		path := filepath.Join(dir, strconv.Itoa(i)+".log")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(int64(1000+i), 0)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := rotate(dir, 5); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(dir + "/*.log")
	if len(left) != 5 || filepath.Base(left[0]) != "25.log" {
		t.Errorf("left are %q", left)
	}
}
