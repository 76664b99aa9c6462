package convergeagent

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"orch/states"
)

// Limits of the tail that travels in the status.
const (
	tailLines = 20
	tailRunes = 200
)

// tail keeps the last lines of a stream, however long it is and whether or not it has line ends.
type tail struct {
	lines []string
	line  []byte            // the beginning of the line that is being read
	said  func(line string) // hears of every line; nil: nobody does
}

// Write never fails and never keeps more than its limits.
func (t *tail) Write(data []byte) (int, error) {
	for _, b := range data {
		switch {
		case b == '\n' || b == '\r':
			t.end()
		case len(t.line) < tailRunes*utf8.UTFMax:
			t.line = append(t.line, b)
		}
	}
	return len(data), nil
}

func (t *tail) end() {
	line := clean(string(t.line))
	t.line = t.line[:0]
	if line == "" {
		return
	}
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	line = states.Clip(line, tailRunes)
	t.lines = append(t.lines, line)
	if t.said != nil {
		t.said(line)
	}
}

// last gives the lines, also the one without an end.
func (t *tail) last() []string {
	t.end()
	return t.lines
}

var escapes = regexp.MustCompile("\x1b(\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|[@-Z\\\\^_])")

// clean makes valid UTF-8 without control characters of what some program wrote.
func clean(line string) string {
	line = escapes.ReplaceAllString(strings.ToValidUTF8(line, "\uFFFD"), "")
	line = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			return -1
		}
		return r
	}, line)
	return strings.TrimRight(line, " ")
}
