package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// realScreen asks what the standard streams are.
func realScreen() screen {
	out := isatty.IsTerminal(os.Stdout.Fd()) && os.Getenv("TERM") != "dumb"
	_, plain := os.LookupEnv("NO_COLOR")
	return screen{
		in:     isatty.IsTerminal(os.Stdin.Fd()),
		out:    out,
		err:    isatty.IsTerminal(os.Stderr.Fd()),
		colour: out && (!plain || os.Getenv("NO_COLOR") == ""),
		size: func() (int, int) {
			width, height, err := term.GetSize(int(os.Stdout.Fd()))
			if err != nil {
				return 0, 0
			}
			return width, height
		},
		hurry: &hurry{},
	}
}

// hurry is how the terminal is given back when there is no time to leave in order.
type hurry struct {
	mu      sync.Mutex
	restore func()
}

// set arms it; nil disarms it.
func (h *hurry) set(restore func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.restore = restore
}

func (h *hurry) now() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.restore != nil {
		h.restore()
	}
}

// interruptible gives a context that the first signal ends, with its cause. The second one ends
// the program at once, after the terminal was given back.
func interruptible(h *hurry) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ended, over := make(chan struct{}), sync.WaitGroup{}
	over.Go(func() {
		for range 2 {
			select {
			case <-ended:
				return
			case <-signals:
			}
			if ctx.Err() != nil {
				h.now()
				os.Exit(exitInterrupted)
			}
			cancel(errInterrupted)
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(ended)
		over.Wait()
		cancel(nil)
	}
}

// outliveReaders keeps this process alive when whoever reads its output goes away, as a pager that is
// quit: Go ends a program by SIGPIPE then. What only shows something may end so. What leads would leave its
// cluster in mid-move, and its lease to time; it goes on, and Ctrl-C or --timeout ends it in good order.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// folded breaks the lines of a text between words where a terminal would break them anywhere.
func (a *app) folded(terminal bool, s string) string {
	if !terminal {
		return s
	}
	var b strings.Builder
	used, width := 0, a.width()
	for i, word := range strings.Split(s, " ") {
		before, _, _ := strings.Cut(word, "\n")
		switch {
		case i == 0:
		case before != "" && used+1+cells(before) > width:
			b.WriteString("\n  ")
			used = 2
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += cells(word)
		if at := strings.LastIndexByte(word, '\n'); at >= 0 {
			used = cells(word[at+1:])
		}
	}
	return b.String()
}

// width is how wide a line may be: the terminal's width, or COLUMNS, or 120.
func (a *app) width() int {
	if a.screen.out {
		if width, _ := a.screen.size(); width > 0 {
			return width
		}
	}
	if n := number(a.env("COLUMNS")); n > 20 {
		return n
	}
	return 120
}
