//go:build linux

package convergeagent

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
)

// try runs a script once.
func try(t *testing.T, script string, timeout time.Duration) (Result, string) {
	t.Helper()
	return tryIn(t, false, script, timeout)
}

func tryIn(t *testing.T, tree bool, script string, timeout time.Duration) (Result, string) {
	t.Helper()
	dir := t.TempDir()
	task := Task{Cluster: "web", Node: "web-01", From: states.State{Name: "version", Argument: "1"},
		Run: states.Run{ID: "r-1", State: states.State{Name: "version", Argument: "2", Attributes: map[string]string{"a": "b c"}}, Generation: 7,
			Attempt: 1, Tries: 1, Timeout: states.Duration(timeout)}}
	e := shell(dir, strings.ReplaceAll(script, "DIR", dir))
	e.Tree = tree
	return e.Converge(t.Context(), task), dir
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
			got, _ := try(t, c.script, timeout)
			got.Log, got.Tail, got.Ended, got.Seconds = "", nil, time.Time{}, 0
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
	got, dir := try(t, `env | sort > DIR/env; cat "$ORCH_ATTRIBUTES" > DIR/attributes; cat; echo "$1/$2"`, time.Minute)
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

// A service manager gives no HOME to what root runs, and half of what a recipe calls cannot do without.
func TestThereIsAHome(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{"": me.HomeDir, "/srv/somewhere": "/srv/somewhere"} {
		t.Setenv("HOME", given)
		if got, _ := try(t, `echo "at $HOME"`, time.Minute); strings.Join(got.Tail, "") != "at "+want {
			t.Errorf("with %q it is %q, want %q", given, got.Tail, want)
		}
	}
}

// What a converge starts is to end as it does from a shell: a shell cannot even trap a signal that was ignored
// before it began, and children that are told to reload or to stop do nothing.
func TestSignalsAndFilesAreNotInherited(t *testing.T) {
	t.Parallel()
	handed, err := syscall.Open(filepath.Join(t.TempDir(), "handed"), syscall.O_CREAT|syscall.O_RDWR, 0o600) // as from a shell, for whatever is started
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(handed)
	got, dir := try(t, `grep ^SigIgn: /proc/$$/status > DIR/ignored; ls -l /proc/$$/fd /proc/$PPID/fd > DIR/files; trap 'echo heard >> DIR/heard' HUP INT; kill -HUP $$; kill -INT $$`, time.Minute)
	if !got.OK() {
		t.Errorf("%+v", got)
	}
	ignored := lines(dir + "/ignored")
	if len(ignored) != 2 {
		t.Fatalf("it ignores %s", ignored)
	}
	if bits, err := strconv.ParseUint(ignored[1], 16, 64); err != nil || bits&0x7fffffff != 0 { // those above are its C library's own
		t.Errorf("it ignores %s: %v", ignored, err)
	}
	if heard := lines(dir + "/heard"); len(heard) != 2 {
		t.Errorf("it heard %d signals", len(heard))
	}
	if files := strings.Join(lines(dir+"/files"), " "); !strings.Contains(files, "/dev/null") || strings.Contains(files, "/handed") {
		t.Errorf("it and its runner have the files %s", files)
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
	got, dir := try(t, `sleep 60 & echo $! > DIR/pid; echo done`, time.Minute)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if got.Outcome != states.Succeeded || got.Tail[0] != "done" || !strings.Contains(got.Error, "sleep (") {
		t.Errorf("%+v", got)
	}
	gone(t, dir+"/pid")
}

// What is to stay is started through init: no process of a run outlives it, whatever it does.
func TestNoDaemonOutlivesItsRun(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{
		"a session of its own": `setsid sh -c 'echo $$ > DIR/pid; exec sleep 60' &`,
		"a double fork":        `(setsid sh -c '(echo $$ > DIR/sh; sh -c "echo \$\$ > DIR/pid; exec sleep 60" &)' &)`,
		"nohup":                `nohup sh -c 'trap "" TERM HUP; echo $$ > DIR/pid; while ` + turn + `; do sleep 0.05; done' > /dev/null 2>&1 &`,
		"no environment":       `env -i setsid /bin/sh -c 'echo $$ > DIR/pid; exec sleep 60' &`,
	} {
		for _, tree := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", without a cgroup: ", tree), func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				got, dir := tryIn(t, tree, start+"\n"+`while ! test -s DIR/pid; do sleep 0.02; done; echo done`, time.Minute)
				if took := time.Since(began); took > 8*time.Second || got.Outcome != states.Succeeded || got.Tail[0] != "done" {
					t.Errorf("after %s: %+v", took, got)
				}
				if !strings.Contains(got.Error, "ended what it left running: s") || !strings.Contains(got.Error, "through init") {
					t.Errorf("it says nothing of what it ended: %+v", got)
				}
				gone(t, dir+"/pid")
			})
		}
	}
}

func TestATimeoutReachesChildrenInSessionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	got, dir := try(t, `setsid -w sh -c 'trap "" TERM; echo $$ > DIR/pid; while `+turn+`; do sleep 0.05; done'`, 300*time.Millisecond)
	if got.Outcome != states.TimedOut {
		t.Errorf("%+v", got)
	}
	gone(t, dir+"/pid")
}

func TestATimeoutGivesItsGraceToTheWholeGroup(t *testing.T) {
	t.Parallel()
	got, dir := try(t, `(trap 'sleep 0.3; echo cleaned > DIR/child; exit' TERM; touch DIR/ready; while :; do sleep 0.02; done) & wait`, 300*time.Millisecond)
	if got.Outcome != states.TimedOut || len(lines(dir+"/child")) != 1 {
		t.Errorf("the child had no time to clean up: %+v", got)
	}
}
