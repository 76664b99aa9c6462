package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// live is a terminal that is drawn on in place. It uses the terminal's second screen, so that
// resizing it leaves no trace, and what was there before comes back when it is left.
type live struct {
	out   io.Writer
	size  func() (width, height int)
	hurry *hurry
	once  sync.Once
	last  string
}

const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[H\x1b[2J\x1b[?25h\x1b[?1049l"
	beginFrame  = "\x1b[?2026h\x1b[H" // the first is understood by some terminals, and means: all at once
	endFrame    = "\x1b[J\x1b[?2026l"
)

// enter takes the terminal; leave gives it back.
func (a *app) enter() *live {
	l := &live{out: a.out, size: a.screen.size, hurry: a.screen.hurry}
	l.hurry.set(l.restore)
	_, _ = io.WriteString(l.out, enterScreen)
	return l
}

func (l *live) restore() {
	l.once.Do(func() { _, _ = io.WriteString(l.out, leaveScreen) })
}

func (l *live) leave() {
	l.hurry.set(nil)
	l.restore()
}

// draw puts a page on the terminal, if it differs from the last one.
func (l *live) draw(frame func(width, height int) *page) {
	width, height := l.size()
	if width < 20 || height < 4 {
		width, height = max(width, 20), max(height, 4)
	}
	p := frame(width, height)
	if len(p.lines) > height {
		p.lines = append(p.lines[:height-1:height-1], "..")
	}
	var b strings.Builder
	b.WriteString(beginFrame)
	for i, line := range p.lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + "\x1b[K")
	}
	b.WriteString(endFrame)
	shown := b.String()
	if key := fmt.Sprint(width, height, shown); key != l.last {
		l.last = key
		_, _ = io.WriteString(l.out, shown)
	}
}
