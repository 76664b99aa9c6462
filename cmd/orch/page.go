package main

import (
	"io"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"orch/states"
)

// page is text on its way to a screen or a pipe. Whatever is put on it is made visible first, so
// that nothing that a node wrote is ever obeyed by a terminal, and is cut to the width.
type page struct {
	width  int
	colour bool
	lines  []string
}

func (a *app) page() *page { return &page{width: a.width(), colour: a.screen.colour} }

// style is how a piece of text looks on a terminal that has colours.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "1;31"
	green  style = "32"
	yellow style = "33"
)

// span is a piece of a line.
type span struct {
	text  string
	style style
}

func text(s string) span { return span{text: s} }

// add puts a line on the page, without what does not fit.
func (p *page) add(spans ...span) {
	var b strings.Builder
	room := p.width
	for _, s := range spans {
		shown := clip(visible(s.text), room)
		room -= cells(shown)
		if p.colour && s.style != plain && shown != "" {
			shown = "\x1b[" + string(s.style) + "m" + shown + "\x1b[0m"
		}
		b.WriteString(shown)
	}
	p.lines = append(p.lines, strings.TrimRight(b.String(), " "))
}

// say puts a line of plain text on the page.
func (p *page) say(s string) { p.add(text(s)) }

// blank puts an empty line on the page, never two.
func (p *page) blank() {
	if n := len(p.lines); n > 0 && p.lines[n-1] != "" {
		p.lines = append(p.lines, "")
	}
}

// wrap puts a text behind a beginning, on as many lines as it takes; the later ones are indented
// as far as a short beginning reaches.
func (p *page) wrap(beginning span, s string) {
	indent := cells(visible(beginning.text))
	if indent > 16 {
		indent = 2
	}
	p.hang(beginning, indent, s)
}

// hang is wrap with the later lines indented by so much.
func (p *page) hang(beginning span, indent int, s string) {
	used := cells(visible(beginning.text))
	line := ""
	flush := func() {
		p.add(beginning, text(line))
		beginning, line, used = text(strings.Repeat(" ", indent)), "", indent
	}
	for word := range strings.FieldsSeq(visible(s)) {
		if line != "" && used+cells(line)+1+cells(word) > p.width {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	flush()
}

// sides puts a line with a left and a right end on the page. Where both do not fit, the right end
// is given up.
func (p *page) sides(left []span, right string) {
	used := 0
	for _, s := range left {
		used += cells(visible(s.text))
	}
	if gap := p.width - used - cells(right); gap >= 2 {
		left = append(left, text(strings.Repeat(" ", gap)+right))
	}
	p.add(left...)
}

func (p *page) writeTo(w io.Writer) error {
	if len(p.lines) == 0 {
		return nil
	}
	_, err := io.WriteString(w, strings.Join(p.lines, "\n")+"\n")
	return err
}

// mostShown is how much of one text is shown: more than anybody reads, and than any of orch's own is long. No
// document in Consul fills screen after screen.
const mostShown = 4000

// visible spells out what a terminal would obey, or what would not be seen, and cuts what has no end.
func visible(s string) string {
	if len(s) > mostShown {
		s = states.Clip(s, mostShown)
	}
	return legible(s)
}

func legible(s string) string {
	clean := func(r rune) bool { return r == ' ' || unicode.IsPrint(r) && r != unicode.ReplacementChar }
	if strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case clean(r):
			b.WriteRune(r)
		case r == '\t':
			b.WriteByte(' ')
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// cells is how many columns a visible text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// clip cuts a visible text to so many columns, and marks the cut.
func clip(s string, room int) string {
	if cells(s) <= room {
		return s
	}
	if room < 2 {
		return ""
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		if used+cellsOf(r) > room-2 {
			break
		}
		used += cellsOf(r)
		b.WriteRune(r)
	}
	return b.String() + ".."
}
