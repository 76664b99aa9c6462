package runner

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Limits of the tail of an output. A line is kept longer than anybody is shown, so that whoever looks
// for secrets in it finds them whole.
const (
	tailLines = 20
	lineBytes = 4 << 10
)

// tail keeps the last lines of a stream, however long it is and whether or not it has line ends.
type tail struct {
	mu    sync.Mutex
	lines []string
	news  bool
	line  []byte            // the beginning of the line that is being read
	heard func(line string) // hears of every line; nil: nobody does
}

// Write never fails and never keeps more than its limits.
func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(data)
	t.news = true
	for len(data) > 0 {
		end := bytes.IndexAny(data, "\n\r")
		part := data
		if end >= 0 {
			part = data[:end]
		}
		t.line = append(t.line, part[:min(len(part), lineBytes-len(t.line))]...)
		if end < 0 {
			break
		}
		t.end()
		data = data[end+1:]
	}
	return n, nil
}

// end takes the line that was read.
func (t *tail) end() {
	line := Clean(string(t.line))
	t.line = t.line[:0]
	if line == "" {
		return
	}
	if t.heard != nil {
		t.heard(line)
	}
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, line)
}

// fresh gives the lines, also the one that is being written, if there is something new in them.
func (t *tail) fresh() ([]string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	news := t.news
	t.news = false
	lines := slices.Clone(t.lines)
	if line := Clean(string(t.line)); news && line != "" { // as a question that nobody answers
		lines = append(lines, line)
	}
	return lines, news
}

// last gives the lines, also the one without an end.
func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
	return slices.Clone(t.lines)
}

var escapes = regexp.MustCompile("\x1b(\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|[@-Z\\\\^_])")

// Clean makes valid UTF-8 without control characters of what some program wrote.
func Clean(line string) string {
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
