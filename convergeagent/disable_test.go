package convergeagent

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"orch/states"
)

// An agent that somebody on its node disabled starts nothing, whatever is ordered, and says why; a run
// that goes on ends by itself, and a restart changes nothing.
func TestDisabled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRig(t, "echo $1 >> "+dir+"/runs; while [ -f "+dir+"/wait ]; do sleep 0.02; done")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(dir+"/wait", nil, 0o600))
	r.want(desired(1, "converged"))
	r.start()
	eventually(t, "it runs", func() bool { return len(lines(dir+"/runs")) == 1 }, func() string { return text(r.status()) })
	word, err := Disable(r.config.StateDir, "ada@web-01", "disk\x1b[2J swap")
	must(err)
	must(os.Remove(dir + "/wait"))
	s := r.until("it says so", func(s states.Status) bool { return s.Phase == states.Held })
	if !s.State.Same(states.State{Name: "converged"}) || s.Disabled == nil || !strings.HasPrefix(s.Reason, "disabled on this node by ada@web-01 since ") ||
		!strings.Contains(s.Reason, "swap") || strings.Contains(s.Reason, "\x1b") {
		t.Errorf("it says %s", text(s))
	}
	if again, err := Disable(r.config.StateDir, "bob", "me too"); err != nil || again.By != "ada@web-01" || !again.At.Equal(word.At) {
		t.Errorf("the first word does not stay: %v, %v", again, err)
	}
	r.want(desired(2, "version 7"))
	r.order(desired(2, "version 7"), "r-1")
	must(r.stop())
	r.start()
	quiet(t, "it starts nothing", func() bool { return len(lines(dir+"/runs")) == 1 })
	r.until("it says so again", func(s states.Status) bool { return s.Phase == states.Held && s.Disabled != nil })
	for _, want := range []bool{true, false} {
		if was, err := Enable(r.config.StateDir); was != want || err != nil {
			t.Errorf("enable: %v, %v", was, err)
		}
	}
	if s = r.settled("version 7"); s.Disabled != nil {
		t.Errorf("it still says %s", text(s))
	}
}

// brakeIn looks at a directory as an agent does.
func brakeIn(t *testing.T, dir string) (*states.Word, error) {
	t.Helper()
	f, err := reach(dir)
	do(t, err)
	defer f.Close()
	return f.disabled()
}

// Whatever lies there is a word, be it an empty file; a directory that is not there is a mistake.
func TestDisabledByTouch(t *testing.T) {
	for _, text := range []string{"", "{", "please", `{"schema": 99, "by": "eve"}`, `{"schema": 1, "By": "eve"}`, `{"schema": 1, "by": "eve"}{}`, `{"schema": 1, "by": "eve", "by": "bob"}`,
		`{"schema": 1, "by": "eve", "why": "` + strings.Repeat("x", maxNote) + `"}`, strings.Repeat("[", 50_000)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, disabledFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if word, err := brakeIn(t, dir); err != nil || word == nil || word.By != "somebody" || word.At.IsZero() {
			t.Errorf("%q: %v, %v", text, word, err)
		}
	}
	for name, lay := range map[string]func(path string) error{
		"a named pipe":              func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":                  func(path string) error { return os.Mkdir(path, 0o700) },
		"a link to nothing":         func(path string) error { return os.Symlink("/no/such/file", path) },
		"a link to what never ends": func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		dir := t.TempDir()
		if err := lay(filepath.Join(dir, disabledFile)); err != nil {
			t.Fatal(err)
		}
		if word, err := brakeIn(t, dir); err != nil || word == nil || word.By != "somebody" {
			t.Errorf("%s: %v, %v", name, word, err)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	if _, err := Disable(nowhere, "ada", "x"); err == nil || !strings.Contains(err.Error(), nowhere) {
		t.Errorf("disable: %v", err)
	}
	if _, err := Enable(nowhere); err == nil || !strings.Contains(err.Error(), nowhere) {
		t.Errorf("enable: %v", err)
	}
}
