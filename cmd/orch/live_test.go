package main

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// terminal makes the world one with a terminal of a size.
func (w *world) terminal(width, height int) { w.width, w.height = width, height }

func TestLiveView(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {30, 6}} {
		w := applied(t)
		w.terminal(size[0], size[1])
		text := w.must(exitDone, "transition", "web", "on")
		_, live, entered := strings.Cut(text, enterScreen)
		live, after, left := strings.Cut(live, leaveScreen)
		if !entered || !left || strings.Contains(after, "\x1b") {
			t.Fatalf("the terminal was not given back as it was: %q", text)
		}
		says(t, after, "SETTLED since", "done: web is at on")
		for frame := range strings.SplitSeq(live, beginFrame) {
			lines := strings.Split(strings.TrimSuffix(frame, endFrame), "\r\n")
			if len(lines) > size[1] {
				t.Errorf("%d lines on a terminal of %d", len(lines), size[1])
			}
			for _, line := range lines {
				if n := cells(strings.TrimSuffix(line, "\x1b[K")); n > size[0] {
					t.Errorf("%d columns on a terminal of %d: %q", n, size[0], line)
				}
			}
		}
	}
}

func TestManyNodesOnALowTerminal(t *testing.T) {
	v := look(running(), place{}, at("02:19:12"))
	for i := range v.nodes {
		v.nodes[i].Refused = "everybody has something to tell"
	}
	w := &watcher{app: &app{}, cluster: "web-eu", request: "q-1"}
	p := w.frame(v, []string{"a note"}, 80, 24)
	if len(p.lines) > 24 {
		t.Errorf("%d lines on a terminal of 24", len(p.lines))
	}
	says(t, strings.Join(p.lines, "\n"), "the terminal is too low", "a note", "Ctrl-C")
}

func TestCtrlC(t *testing.T) {
	w := applied(t)
	w.slow = true
	go func() {
		for {
			w.mu.Lock()
			begun := w.writes > 2 // the first batch is ordered
			w.mu.Unlock()
			if begun {
				_ = syscall.Kill(syscall.Getpid(), syscall.SIGINT)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	text := w.must(exitInterrupted, "transition", "web", "on")
	says(t, text, "transition web: interrupted; 0 of 3 nodes at on", "orch resume web")
	if w.snapshot.Led {
		t.Error("the lease was not let go")
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain":          "plain",
		"\x1b[31mred":    `\x1b[31mred`,
		"tab\there":      "tab here",
		"\u202eback\a":   `\u202eback\a`,
		"bad\xff":        `bad\ufffd`,
		"wörter 日本":      "wörter 日本",
		"line\nbreak\r":  `line\nbreak\r`,
		"\u009b2J\u00ad": `\u009b2J\u00ad`,
	} {
		if got := visible(text); got != want {
			t.Errorf("visible(%q) is %q, not %q", text, got, want)
		}
	}
	if n := cells("日本"); n != 4 {
		t.Errorf("two wide runes take %d columns", n)
	}
}
