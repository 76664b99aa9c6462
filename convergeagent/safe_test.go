package convergeagent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states"
)

// unfit are the ways in which what an agent knew can be of no use, and what is said of each.
var unfit = map[string]struct {
	spoil func(t *testing.T, dir string)
	says  string
}{
	"empty":                {writes(""), "not what an agent writes"},
	"truncated":            {writes(`{"schema": 1, "cluster": "web", "no`), "not what an agent writes"},
	"garbage":              {writes("\x00\x00\x00"), "not what an agent writes"},
	"null":                 {writes("null"), "not what an agent writes"},
	"another node's":       {changes(func(m *memory) { m.Node = "web-02" }), `belongs to node "web-02"`},
	"another cluster's":    {changes(func(m *memory) { m.Cluster = "db" }), `of cluster "db"`},
	"a newer version's":    {changes(func(m *memory) { m.Schema = 99 }), "schema is 99"},
	"nameless":             {changes(func(m *memory) { m.Instance = "" }), "instance"},
	"a number out of hand": {changes(func(m *memory) { m.Mark.Generation = 1 << 60 }), "out of range"},
	"an impossible state":  {changes(func(m *memory) { m.State.Name = "../../etc" }), "malformed"},
	"a run like a path":    {changes(func(m *memory) { m.Last.ID = "../x" }), "malformed"},
	"a session like a URL": {changes(func(m *memory) { m.Session = "../../kv/orch" }), "session"},
	"a link": {func(t *testing.T, dir string) {
		do(t, os.Rename(dir+"/agent.json", dir+"/there"), os.Symlink(dir+"/there", dir+"/agent.json"))
	}, "symbolic link"},
	"a pipe": {func(t *testing.T, dir string) {
		do(t, os.Remove(dir+"/agent.json"), syscall.Mkfifo(dir+"/agent.json", 0o600))
	}, "no regular file"},
	"without end":            {func(t *testing.T, dir string) { do(t, os.Truncate(dir+"/agent.json", maxMemory+1)) }, "no agent writes more"},
	"written by others":      {func(t *testing.T, dir string) { do(t, os.Chmod(dir+"/agent.json", 0o666)) }, "chmod go-w"},
	"in a folder of others'": {func(t *testing.T, dir string) { do(t, os.Chmod(dir, 0o777)) }, "chmod go-w"},
	"behind others' folder":  {func(t *testing.T, dir string) { do(t, os.Chmod(filepath.Dir(dir), 0o777)) }, "on the way to it"},
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func writes(content string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { do(t, os.WriteFile(dir+"/agent.json", []byte(content), 0o600)) }
}

func changes(change func(*memory)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		m := memoryOf(t, dir)
		change(&m)
		do(t, os.WriteFile(dir+"/agent.json", []byte(text(m)), 0o600))
	}
}

// listing is everything below a folder, with what it holds.
func listing(t *testing.T, dir string) (all []string) {
	t.Helper()
	do(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			content, err := os.ReadFile(path)
			all = append(all, path+": "+string(content))
			return err
		}
		all = append(all, path)
		return err
	}))
	return all
}

// An agent that cannot believe what it knew says so and runs nothing, as whom it was known; it touches
// nothing; and it wakes by itself.
func TestSafeMode(t *testing.T) {
	t.Parallel()
	for name, row := range unfit {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace := filepath.Join(t.TempDir(), "trace")
			outer := t.TempDir()
			dir := filepath.Join(outer, "way", "state")
			do(t, os.MkdirAll(dir, 0o700))
			r := rigIn(t, dir, "echo run >> "+trace)
			r.config.TTL, r.inbox.TTL = 300*time.Millisecond, 3*time.Second
			r.want(desired(1, "converged"))
			r.start()
			before := r.settled("converged")
			do(t, r.leave())
			good, err := os.ReadFile(dir + "/agent.json")
			do(t, err)
			row.spoil(t, dir)
			shape := listing(t, outer)
			r.want(desired(2, "off"))
			r.start()
			s := r.until("safe mode", func(s states.Status) bool { return s.Unable != "" })
			if s.Phase != states.Refusing || !strings.Contains(s.Unable, row.says) || !strings.HasPrefix(s.Reason, "safe mode") {
				t.Errorf("it reports %s", text(s))
			}
			if s.Instance != before.Instance || !s.At(before.State) || s.Generation != 1 || s.Run.ID != before.Run.ID {
				t.Errorf("it was %s\nand is %s", text(before), text(s))
			}
			if r.pair().Session == "" {
				t.Error("it is not alive")
			}
			quiet(t, "it runs nothing", func() bool { return len(lines(trace)) == 1 })
			if after := listing(t, outer); !slices.Equal(shape, after) {
				t.Errorf("it changed %q to %q", shape, after)
			}
			do(t, os.Chmod(filepath.Dir(dir), 0o700), os.Chmod(dir, 0o700), os.WriteFile(dir+"/good", good, 0o600), os.Rename(dir+"/good", dir+"/agent.json"))
			if s := r.settled("off"); s.Unable != "" || s.Instance != before.Instance || s.Generation != 2 {
				t.Errorf("awake it reports %s", text(s))
			}
		})
	}
}

// Where another agent lives under the name, one in safe mode takes nothing from it, and gives way.
func TestSafeModeIsNobodysEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	r.want(desired(1, "converged"))
	r.start()
	r.settled("converged")
	session := r.pair().Session
	other := r.config
	other.StateDir, other.TTL = t.TempDir(), 300*time.Millisecond
	do(t, os.WriteFile(other.StateDir+"/agent.json", nil, 0o600))
	var taken *states.TakenError
	if err := New(other).Run(t.Context()); !errors.As(err, &taken) {
		t.Errorf("it ends with %v", err)
	}
	if now := r.pair().Session; now != session || r.status().Unable != "" {
		t.Errorf("the session was %s and is %s", session, now)
	}
}

// A directory that cannot be made is safe mode as well, of a node that nobody knows yet.
func TestSafeModeBeforeAnythingWasKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t, "exit 0")
	blocked := filepath.Join(r.config.StateDir, "file")
	do(t, os.WriteFile(blocked, nil, 0o600))
	r.config.StateDir, r.config.TTL = filepath.Join(blocked, "state"), 300*time.Millisecond
	r.want(desired(1, "converged"))
	r.start()
	s := r.until("safe mode", func(s states.Status) bool { return s.Unable != "" })
	if s.Validate() != nil || !s.State.None() {
		t.Errorf("it reports %s", text(s))
	}
	do(t, os.Remove(blocked))
	if s := r.settled("converged"); s.Unable != "" {
		t.Errorf("it reports %s", text(s))
	}
}

// What a crash left half written goes at the next start; what is somebody's stays.
func TestLeftoversOfACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"agent.json.0011aaff", "disabled.json.0011aaff", "agent.json.bak", "agent.json.0011AAFF", "notes"} {
		do(t, os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600))
	}
	do(t, os.Symlink(dir+"/notes", dir+"/agent.json.00000000"))
	f, err := openFolder(t.Context(), dir)
	do(t, err)
	defer f.Close()
	var left []string
	for _, path := range listing(t, dir)[1:] {
		name, _, _ := strings.Cut(filepath.Base(path), ":")
		left = append(left, name)
	}
	if want := []string{"agent.json.00000000", "agent.json.0011AAFF", "agent.json.bak", "notes"}; !slices.Equal(left, want) {
		t.Errorf("left is %q", left)
	}
}
