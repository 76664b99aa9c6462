package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// damaged are nodes with state files that no agent may believe, what is said of each, and how a person
// mends it: with the file as it was, or, forgotten, as a node that nobody knows yet.
var damaged = []struct {
	node, how string
	damage    func(t *testing.T, file, others string)
	says      string
	forgotten bool
}{
	{"web-01", "empty", rewrite(func(string) string { return "" }), "not what an agent writes", false},
	{"web-02", "cut off", rewrite(func(text string) string { return text[:len(text)/2] }), "not what an agent writes", true},
	{"web-03", "another node's", func(t *testing.T, file, others string) {
		text, err := os.ReadFile(others)
		must(t, err)
		must(t, os.WriteFile(file, text, 0o600))
	}, "give each its own directory", true},
	{"web-04", "a newer version's", rewrite(func(text string) string { return strings.Replace(text, `"schema": 1`, `"schema": 99`, 1) }), "its schema is 99", false},
	{"web-05", "behind a link", func(t *testing.T, file, _ string) {
		must(t, os.Rename(file, file+".there"))
		must(t, os.Symlink(file+".there", file))
	}, "symbolic link", false},
	{"web-06", "writable by others", func(t *testing.T, file, _ string) { must(t, os.Chmod(file, 0o666)) }, "chmod go-w", false},
}

func rewrite(change func(string) string) func(*testing.T, string, string) {
	return func(t *testing.T, file, _ string) {
		text, err := os.ReadFile(file)
		must(t, err)
		if changed := change(string(text)); changed != string(text) {
			must(t, os.WriteFile(file, []byte(changed), 0o600))
			return
		}
		t.Fatalf("nothing was changed in %s", file)
	}
}

func (f *field) stateFile(node string) string {
	return filepath.Join(f.dir, "agents", node, "agent.json")
}

// shape is all that lies in a node's state directory, and what it holds.
func (f *field) shape(node string) (all []string) {
	f.t.Helper()
	must(f.t, filepath.WalkDir(filepath.Dir(f.stateFile(node)), func(path string, entry fs.DirEntry, err error) error {
		info, failed := os.Lstat(path)
		if err != nil || failed != nil {
			return failed
		}
		text := []byte{}
		if info.Mode().IsRegular() {
			text, err = os.ReadFile(path)
		}
		all = append(all, fmt.Sprintf("%s %s %q", path, info.Mode(), text))
		return err
	}))
	return all
}

// The state files of most nodes are damaged, of some under a running agent which is then killed. Each is
// there in safe mode: it says what is wrong and what to do, runs nothing, and touches nothing; a move goes
// through without it. With its file back it comes along by itself; with the file moved away, as a new node.
func TestDamagedStateFiles(t *testing.T) {
	f := newField(t)
	f.web("batches = [1]")
	f.nodes(7)
	kept, was := map[string]string{}, map[string]nodeStatus{}
	for i, d := range damaged {
		file := f.stateFile(d.node)
		text, err := os.ReadFile(file)
		must(t, err)
		kept[d.node], was[d.node] = string(text), f.node(d.node)
		if i%2 == 0 {
			f.stop(d.node)
		}
		d.damage(t, file, f.stateFile("web-07"))
		f.agents[d.node].kill()
	}
	f.gone(1)
	shapes := map[string][]string{}
	for _, d := range damaged {
		shapes[d.node] = f.shape(d.node)
		f.agent(d.node)
	}
	f.alive(7)
	for _, d := range damaged {
		eventually(t, d.node+" to be in safe mode", patience, func() bool { return f.node(d.node).Unable != "" })
		s := f.node(d.node)
		f.says(s.Reason, "safe mode, nothing runs", d.says)
		if s.Phase != "refusing" || s.Run.ID != was[d.node].Run.ID || s.State != was[d.node].State {
			t.Errorf("%s, %s, was %+v\nand is %+v", d.node, d.how, was[d.node], s)
		}
		f.says(f.ok("why", "web", d.node), "its agent runs nothing", d.says, "goes on by itself when that is mended")
		f.says(f.agents[d.node].text(), d.says)
	}
	f.ok("transition", "web", "waiting")
	if runs := f.to("waiting"); len(runs) != 1 || runs[0].node != "web-07" {
		t.Errorf("it ran %+v", runs)
	}
	for _, d := range damaged {
		if now := f.shape(d.node); !slices.Equal(now, shapes[d.node]) {
			t.Errorf("%s, %s: it changed %q\nto %q", d.node, d.how, shapes[d.node], now)
		}
	}
	for _, d := range damaged {
		if must(t, os.Rename(f.stateFile(d.node), f.stateFile(d.node)+".away")); !d.forgotten {
			must(t, os.WriteFile(f.stateFile(d.node)+".back", []byte(kept[d.node]), 0o600))
			must(t, os.Rename(f.stateFile(d.node)+".back", f.stateFile(d.node)))
		}
	}
	eventually(t, "all to come along", patience, func() bool { return len(f.phase("settled")) == 7 })
	f.once(f.to("waiting"))
	for _, d := range damaged {
		s := f.node(d.node)
		if s.State.Name != "waiting" || s.Unable != "" || (s.Instance != was[d.node].Instance) != d.forgotten {
			t.Errorf("%s, %s, was %+v\nand is %+v", d.node, d.how, was[d.node], s)
		}
	}
}

// stop tells an agent to end, and waits until it has.
func (f *field) stop(node string) {
	f.t.Helper()
	f.agents[node].signal(syscall.SIGTERM)
	if code := f.wait(f.agents[node], patience); code != 0 {
		f.t.Fatalf("%s ended with %d:\n%s", node, code, f.agents[node].text())
	}
}

// A state file is damaged under an agent that runs. What it knows is whole: with the next that it has to
// know the file is too. Where others may write into its directory it writes and runs nothing until they may not.
func TestStateFileIsDamagedUnderItsAgent(t *testing.T) {
	f := newField(t)
	f.web("batches = [1]")
	f.nodes(2)
	was, file := f.node("web-01"), f.stateFile("web-01")
	must(t, os.Truncate(file, 0))
	f.ok("transition", "web", "waiting")
	text, err := os.ReadFile(file)
	must(t, err)
	f.says(string(text), was.Instance, `"waiting"`)
	f.agents["web-01"].kill()
	next := f.agent("web-01")
	eventually(t, "the next to know it", patience, func() bool {
		return strings.Contains(next.text(), "phase=settled") && f.node("web-01").Phase == "settled"
	})

	must(t, os.Chmod(filepath.Dir(file), 0o777))
	before := f.shape("web-01")
	f.ok("transition", "web", "converged")
	s := f.node("web-01")
	f.says(s.Reason, "keeps what it is", "chmod go-w")
	if s.Phase != "refusing" || s.Unable == "" || s.State.Name != "waiting" || len(f.to("converged")) != 1 {
		t.Errorf("it is %+v, and %+v ran", s, f.to("converged"))
	}
	if now := f.shape("web-01"); !slices.Equal(now, before) {
		t.Errorf("it changed %q\nto %q", before, now)
	}
	must(t, os.Chmod(filepath.Dir(file), 0o700))
	eventually(t, "it to come along", patience, func() bool { return f.node("web-01").State.Name == "converged" })
	if s := f.node("web-01"); s.Instance != was.Instance || s.Unable != "" {
		t.Errorf("it is %+v", s)
	}
	f.once(f.to("converged"))
}
