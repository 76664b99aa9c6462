//go:build linux

package convergeagent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"orch/convergeagent/runner"
	"orch/states"
	"orch/states/racetest"
	"orch/states/skiptest"
)

// Output without end, of bytes that are no text and no lines: the pipe never stalls, the runner stays small,
// the log keeps its head and its tail, and what is shown is text.
func TestOutputWithoutEnd(t *testing.T) {
	dir := t.TempDir()
	e := shell(dir, `echo the head; head -c 65536 /dev/urandom > `+dir+`/noise; tr -d '\n\r' < `+dir+`/noise > `+dir+`/flood
		trap 'echo; echo the end; exit 3' TERM; while :; do cat `+dir+`/flood `+dir+`/flood `+dir+`/flood `+dir+`/flood; done`)
	ended := make(chan Result, 1)
	task := Task{Cluster: "web", Node: "web-01", Run: states.Run{ID: "r-flood", State: states.State{Name: "on"}, Attempt: 1, Tries: 1, Timeout: states.Duration(3 * time.Second)}}
	go func() { ended <- e.Converge(t.Context(), task) }()
	peak, written := 0, 0
	mark := filepath.Join(dir, "runs", "r-flood-1.run", "runner.json")
	for {
		select {
		case got := <-ended:
			logged, err := os.ReadFile(got.Log)
			t.Logf("%d MiB were read in 3s; the runner had %d KiB at most; the log has %d KiB", written>>20, peak, len(logged)>>10)
			if got.Outcome != states.TimedOut || got.Exit != 3 || len(got.Tail) == 0 || got.Tail[len(got.Tail)-1] != "the end" {
				t.Errorf("%+v", got)
			}
			if !utf8.ValidString(strings.Join(got.Tail, "")) {
				t.Error("its tail is no text")
			}
			if err != nil || len(logged) > 3<<20 || !strings.Contains(string(logged), "the head") || !strings.Contains(string(logged), "bytes were cut here") || !strings.Contains(string(logged), "\nthe end\n") {
				t.Errorf("its log has %d bytes, %v", len(logged), err)
			}
			if peak == 0 || peak > 24<<10 && !racetest.On || written < 20<<20 {
				t.Errorf("the runner had %d KiB, and read %d bytes", peak, written)
			}
			return
		case <-time.After(20 * time.Millisecond):
			if pid := runnerOf(t, mark); pid > 0 {
				peak = max(peak, procNumber(pid, "status", "VmHWM:"))
				written = max(written, procNumber(pid, "io", "rchar:"))
			}
		}
	}
}

// procNumber reads a line of one of the kernel's tables of a process.
func procNumber(pid int, table, name string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, table))
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			n, _ := strconv.Atoi(fields[1])
			return n
		}
	}
	return 0
}

// What looks like a token is hidden, and what does not is left alone.
func TestHideSecrets(t *testing.T) {
	t.Parallel()
	const id = "6f1b5e9a-0000-4000-8000-000000000001"
	for line, want := range map[string]string{
		"SecretID: " + id:                                "SecretID: " + Hidden,
		`{"Token":"` + id + `"}`:                         `{"Token":"` + Hidden + `"}`,
		"CONSUL_HTTP_TOKEN=" + id + " consul":            "CONSUL_HTTP_TOKEN=" + Hidden + " consul",
		id + " is the secret":                            Hidden + " is the secret",
		"node id " + id:                                  "node id " + id,
		"the token " + strings.ToUpper(id):               "the token " + Hidden,
		"the token is not shown":                         "the token is not shown",
		"> Authorization: Basic dTpw":                    "> Authorization: Basic " + Hidden,
		`{"authorization": "Bearer ey.J-_~+/=", "a": 1}`: `{"authorization": "Bearer ` + Hidden + `", "a": 1}`,
		"authorization: basic checks follow":             "authorization: basic " + Hidden + " follow",
		"a bearer of good news":                          "a bearer of good news",
		"a " + strings.Repeat("x", 300) + " end":         "a " + strings.Repeat("x", 300) + " end",
	} {
		if got := hideSecrets(line); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}

// A secret at the place where a line is cut is not told by half.
func TestASecretAtTheEdge(t *testing.T) {
	t.Parallel()
	const secret = "6f1b5e9a-0000-4000-8000-000000000001"
	a := &Agent{Config: Config{Hide: func(text string) string { return strings.ReplaceAll(text, secret, Hidden) }}}
	for i := range 60 {
		line := strings.Repeat("x", 150+i) + secret + strings.Repeat("y", 100)
		if got := a.told(runner.Clean(line), tailRunes); strings.Contains(got, secret[:6]) {
			t.Errorf("%d: %q", i, got)
		}
	}
}

func TestRunsInCgroups(t *testing.T) {
	t.Parallel()
	if runner.OwnCgroup() == "" {
		skiptest.Denied(t, "there is no cgroup v2 here in which folders can be made")
	}
	got, dir := try(t, `cat /proc/self/cgroup > DIR/in`, time.Minute)
	text, _ := os.ReadFile(dir + "/in")
	if !got.OK() || !strings.Contains(string(text), "/convergeagent-r-1-") {
		t.Errorf("%+v ran in %s", got, text)
	}
}
