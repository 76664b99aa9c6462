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
	keyLines  = 100 // more than a private key has
)

// tail keeps the last lines of a stream, however long it is and whether or not it has line ends.
type tail struct {
	mu    sync.Mutex
	lines []string
	news  bool
	line  []byte            // the beginning of the line that is being read
	key   int               // how many more lines may be of the private key that began
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
	line, cut := Clean(string(t.line)), len(t.line) == lineBytes
	t.line = t.line[:0]
	if line == "" {
		return
	}
	if t.heard != nil {
		t.heard(line)
	}
	if cut {
		line = words(line)
	}
	if line = t.keyless(line); line == "" {
		return
	}
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, line)
}

// words is a line that goes on, up to its last word: of half a secret nobody knows what it is. A question is whole.
func words(line string) string {
	end := strings.LastIndexAny(line, " :?>])") + 1
	if end == len(line) {
		return line
	}
	return line[:end] + more
}

const more = "…"

// keyBegin is the first line of a private key, whatever stands before it.
var keyBegin = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)

// keyless is a line without the private key that it is a part of: that is known by its first line alone.
func (t *tail) keyless(line string) string {
	if t.key > 0 {
		if t.key--; strings.Contains(line, "-----END ") {
			t.key = 0
		}
		return ""
	}
	begin := keyBegin.FindStringIndex(line)
	if begin == nil {
		return line
	}
	if !strings.Contains(line[begin[1]:], "-----END ") {
		t.key = keyLines
	}
	return line[:begin[0]] + Hidden
}

// Hidden stands where a secret was.
const Hidden = "[hidden]"

// fresh gives the lines, also the one that is being written, if there is something new in them.
func (t *tail) fresh() ([]string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	news := t.news
	t.news = false
	lines := slices.Clone(t.lines)
	if line := words(Clean(string(t.line))); news && line != "" && line != more && t.key == 0 && !keyBegin.MatchString(line) { // as a question that nobody answers
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
	if !strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) { // nearly all are
		return strings.TrimRight(line, " ")
	}
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
