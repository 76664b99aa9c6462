package convergeagent

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"orch/states/skiptest"
)

const saver = "SAVE_IN" // names the directory to a process that saves once, and does nothing else

// Until main begins there is one thread that all of this happens on: tracers count the calls of each.
func init() {
	if dir := os.Getenv(saver); dir != "" {
		if err := saveOnce(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// saveOnce replaces what is saved in a directory.
func saveOnce(dir string) error {
	f := &folder{path: dir}
	var err error
	if f.root, err = os.OpenRoot(dir); err != nil {
		return err
	}
	if f.lock, err = f.root.Open("."); err != nil {
		return err
	}
	return f.Save([]byte("new"))
}

// call is one call of the kernel that saving makes.
type call struct {
	name  string // of it
	nth   int    // among those of that name
	about string // the path that it is about
}

var (
	traced   = regexp.MustCompile(`^(\d+) +(\w+)\((.*)$`)
	quoted   = regexp.MustCompile(`"(agent\.json\.?)[0-9a-f]*"`)
	pathOfFD = regexp.MustCompile(`^\d+<[^>]*/(agent\.json\.?)[0-9a-f]*>`)
)

// tracedSave has a process save under a tracer, which may be told to spoil a call. It gives the calls
// that were about the directory, and what the process said; ok is whether it lived and had no error.
func tracedSave(t *testing.T, strace, dir string, spoil ...string) (calls []call, said string, ok bool) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "trace")
	args := append([]string{"-f", "-y", "-qq", "-o", log, "-e", "trace=openat,write,fsync,close,renameat"}, spoil...)
	cmd := exec.Command(strace, append(args, os.Args[0])...)
	cmd.Env = append(os.Environ(), saver+"="+dir)
	out, err := cmd.CombinedOutput()
	text, missing := os.ReadFile(log)
	do(t, missing)
	count, main, saving := map[string]int{}, "", false
	for line := range strings.Lines(string(text)) {
		found := traced.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		if main == "" {
			main = found[1]
		}
		if found[1] != main {
			continue
		}
		count[found[2]]++
		saving = saving || found[2] == "openat" && strings.Contains(line, "O_CREAT")
		if !saving || !strings.Contains(found[3], dir) {
			continue
		}
		about := "the directory"
		if named := pathOfFD.FindStringSubmatch(found[3]); named != nil {
			about = named[1]
		} else if named := quoted.FindStringSubmatch(found[3]); named != nil {
			about = named[1]
		}
		calls = append(calls, call{found[2], count[found[2]], about})
	}
	return calls, string(out), err == nil
}

// The state file is replaced in an order that outlives a power cut: what is new is on the disk before it has
// the name, and the name before it counts. Whoever saves is killed before each of these calls of the kernel, and
// each fails: the old or the new is there, whole, and the next start leaves nothing else.
func TestSavingIsCutAtEveryCall(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		skiptest.Lacks(t, "strace is not here: make tools installs it")
	}
	want := []call{{"openat", 0, "agent.json."}, {"write", 0, "agent.json."}, {"fsync", 0, "agent.json."}, {"close", 0, "agent.json."},
		{"renameat", 0, "agent.json."}, {"fsync", 0, "the directory"}}
	calls, said, ok := tracedSave(t, strace, saved(t))
	if !ok || !slices.EqualFunc(calls, want, func(a, b call) bool { return a.name == b.name && a.about == b.about }) {
		t.Fatalf("saving makes these calls: %v, want %v; %s", calls, want, said)
	}
	for i, aim := range calls {
		for how, spoil := range map[string]string{"kill": "signal=KILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"} {
			t.Run(fmt.Sprintf("%s of %s, %s", aim.name, strings.TrimSuffix(aim.about, "."), how), func(t *testing.T) {
				t.Parallel()
				dir := saved(t)
				before, said, ok := tracedSave(t, strace, dir, "-e", fmt.Sprintf("inject=%s:%s:when=%d", aim.name, spoil, aim.nth))
				if ok || len(before) < i+1 || before[i] != aim {
					t.Fatalf("the fault hit another place: %v, want %v; %s", before, aim, said)
				}
				last := i == len(calls)-1
				if text, err := os.ReadFile(dir + "/agent.json"); err != nil || string(text) != map[bool]string{false: "old", true: "new"}[last] {
					t.Errorf("%v: there is %q", err, text)
				}
				if left := listing(t, dir); how != "kill" && len(left) != 2 {
					t.Errorf("who was told of it leaves %q", left)
				}
				f, err := openFolder(t.Context(), dir)
				do(t, err)
				defer f.Close()
				if left := listing(t, dir); len(left) != 2 {
					t.Errorf("left is %q", left)
				}
			})
		}
	}
}

// saved makes a directory in which something was saved before.
func saved(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	do(t, err, os.WriteFile(dir+"/agent.json", []byte("old"), 0o600))
	return dir
}
