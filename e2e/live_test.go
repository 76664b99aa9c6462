package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orch/states/skiptest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// terminal is a tmux of a test's own: what a person would see.
type terminal struct {
	f      *field
	tmux   string
	socket string
}

// newTerminal opens a terminal of that size with a shell in it. Without a tmux that is said, and in CI
// it is a failure.
func (f *field) newTerminal(width, height int) *terminal {
	f.t.Helper()
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		skiptest.Lacks(f.t, "the live view is looked at in tmux, and there is none: make tools installs it")
	}
	x := &terminal{f: f, tmux: tmux, socket: filepath.Join(f.t.TempDir(), "tmux")}
	x.do("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height),
		"env", "-u", "TMUX", "PS1=$ ", "CONSUL_HTTP_ADDR="+f.consul.addr, "ORCH_OPERATOR=ada@bastion", "NO_COLOR=1", "sh")
	x.do("set-option", "-g", "status", "off")
	x.resize(width, height)
	f.t.Cleanup(func() { _ = exec.Command(tmux, "-S", x.socket, "kill-server").Run() })
	return x
}

func (x *terminal) do(args ...string) string {
	x.f.t.Helper()
	out, err := exec.Command(x.tmux, append([]string{"-S", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.f.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (x *terminal) types(line string) { x.do("send-keys", "-l", line); x.do("send-keys", "Enter") }

func (x *terminal) resize(width, height int) {
	x.do("resize-window", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height))
}

// screen is what stands on the terminal now.
func (x *terminal) screen() string { return strings.TrimRight(x.do("capture-pane", "-p"), "\n") + "\n" }

// shows waits until a text is on the screen, and then until the screen stands still.
func (x *terminal) shows(parts ...string) string {
	x.f.t.Helper()
	last := ""
	ok := within(patience, func() bool {
		last = x.screen()
		for _, part := range parts {
			if !strings.Contains(last, part) {
				return false
			}
		}
		return true
	})
	if !ok {
		x.f.t.Fatalf("%q never stands on the terminal, but\n%s", parts, last)
	}
	return last
}

// What differs from one time to the next: addresses, times, ids. Each is replaced by as many columns,
// so that what stands behind it stays where it was.
var changing = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d{5}`), "CONSUL:ADDRESS!"},
	{regexp.MustCompile(`\d\d:\d\d:\d\dZ`), "hh:mm:ssZ"},
	{regexp.MustCompile(`r-[0-9a-f]{10}`), "r-0123456789"},
	{regexp.MustCompile(`t-[0-9a-z]{16}-[0-9a-f]{8}`), "t-00000000t000000z-00000000"},
	{regexp.MustCompile(`for \d+s +`), "for Ns  "},
	{regexp.MustCompile(`about \d+s left`), "about Ns left"},
}

var took = regexp.MustCompile(` +\d+s\b`) // in a column, at its right

func steady(screen string) string {
	for _, c := range changing {
		screen = c.what.ReplaceAllString(screen, c.with)
	}
	screen = took.ReplaceAllStringFunc(screen, func(s string) string { return strings.Repeat(" ", len(s)-2) + "Ns" })
	return strings.TrimRight(regexp.MustCompile(`(?m) +$`).ReplaceAllString(screen, ""), "\n") + "\n"
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(steady(got)), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(string(want), steady(got)); diff != "" {
		t.Errorf("%s differs (-want +got); if it should, go test ./e2e -run TestLive -update\n%s", path, diff)
	}
}

// The live view in a real terminal, of a real move: at both sizes, and across a resize, which leaves
// nothing behind. Once the move stands, the terminal is what it was, with the last view on it.
func TestLiveView(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			f := newField(t)
			f.serving(4, `
    batches          = [1, "100%"]
    soak             = "6s" // so that something is left
    converge_timeout = "2m"`)
			f.ctl("all", "until [ -f $dir/ctl/go ]; do sleep 0.05; done; pause=0")
			x := f.newTerminal(size[0], size[1])
			x.types("echo before; " + orchBin + " transition web version 2 --reason CHG-12; echo ended with $?")
			name := fmt.Sprintf("live-%d.txt", size[0])
			first := x.shows("batch 1 of 2", "ordered to version 2 by run", "left\n", "2      3     -    -     -")
			within(patience, func() bool { first = x.screen(); return *update || steady(first) == golden(t, name) })
			compare(t, name, first)
			other := [2]int{200 - size[0], 64 - size[1]}
			x.resize(other[0], other[1])
			wide := ""
			if !within(patience, func() bool {
				wide = x.screen()
				return tidy(wide, other[0]) && steady(wide) == golden(t, fmt.Sprintf("live-%d.txt", other[0])) // as if it had never been another
			}) && !*update {
				compare(t, fmt.Sprintf("live-%d.txt", other[0]), wide)
				t.Errorf("a resize leaves something behind:\n%s", wide)
			}
			x.resize(size[0], size[1])
			if !within(patience, func() bool { return steady(x.screen()) == golden(t, name) }) {
				compare(t, name, x.screen())
			}
			f.ctl("go", "true")
			end := x.shows("ended with 0")
			if lines(end, "echo before") != 1 || lines(end, "before") != 2 || !strings.Contains(end, "done: web is at version 2") {
				t.Errorf("what was there before did not come back:\n%s", end)
			}
		})
	}
}

func golden(t *testing.T, name string) string {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return string(text)
}

// lines counts the lines on which a text stands.
func lines(screen, text string) int {
	n := 0
	for line := range strings.Lines(screen) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// tidy tells whether a screen has nothing but what was drawn for its width.
func tidy(screen string, width int) bool {
	for line := range strings.Lines(screen) {
		if len([]rune(strings.TrimRight(line, "\n"))) > width {
			return false
		}
	}
	return lines(screen, "BATCH") == 1 && lines(screen, "Ctrl-C") == 1
}
