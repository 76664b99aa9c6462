package sense

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"orch/states"
)

// maxText is how many bytes of what a gate said are kept.
const maxText = 120

var escapes = regexp.MustCompile("\x1b(\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|[@-Z\\\\^_])")

// clean makes one line that can be shown anywhere of what some program wrote.
func clean(text string) string {
	text = escapes.ReplaceAllString(strings.ToValidUTF8(text, "\uFFFD"), "")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// brief is clean, and at most n bytes: what is cut is marked.
func brief(text string, n int) string {
	const mark = "…"
	text = clean(text)
	if len(text) <= n {
		return text
	}
	text = text[:n-len(mark)]
	for text != "" && !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text + mark
}

// named gives a name that others wrote as it is, where it can be shown; else in quotes, which no name of
// ours has: cleaned, it could turn into one.
func named(name string) string {
	if len(name) <= maxReason && utf8.ValidString(name) && strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return name
	}
	return brief(strconv.QuoteToASCII(name[:min(len(name), maxText)]), maxReason)
}

// firstLine gives the first line that says something, fit to be shown.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = brief(line, maxText); line != "" {
			return line
		}
	}
	return ""
}

// lastLine keeps the last line of a stream that says something, however long the stream is and
// whether or not it has line ends.
type lastLine struct{ line, last []byte }

const maxLine = 4 * maxText // before it is cleaned

// Write never fails and never keeps more than two lines.
func (l *lastLine) Write(data []byte) (int, error) {
	for _, b := range data {
		switch {
		case b == '\n' || b == '\r':
			l.end()
		case len(l.line) < maxLine:
			l.line = append(l.line, b)
		}
	}
	return len(data), nil
}

func (l *lastLine) end() {
	if clean(string(l.line)) != "" {
		l.last = append(l.last[:0], l.line...)
	}
	l.line = l.line[:0]
}

// String gives the line, also one without an end.
func (l *lastLine) String() string {
	l.end()
	return brief(string(l.last), maxText)
}

// unknown is the answer where nobody can tell.
func unknown(format string, args ...any) states.Reading {
	return states.Reading{Outcome: states.GateUnknown, Text: brief(fmt.Sprintf(format, args...), maxReason)}
}

// maxReason is how many bytes are kept of why something could not be found out.
const maxReason = 300

// at notes when something was asked: before that, not when it answered.
func at(when time.Time, reading states.Reading) states.Reading {
	reading.At = when
	return reading
}
