package sense

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBrief(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		n    int
		want string
	}{
		"short":         {"0.2%", 120, "0.2%"},
		"exact":         {"12345678", 8, "12345678"},
		"cut":           {"123456789", 8, "12345…"},
		"cut in a rune": {"1234éé789", 8, "1234…"},
		"colours":       {"\x1b[31mred\x1b[0m \x1b]0;title\x07alert", 120, "red alert"},
		"controls":      {"a\tb\r\nc\x00\x07d\u202ee", 120, "a b cde"},
		"not UTF-8":     {"caf\xe9", 120, "caf\uFFFD"},
		"nothing":       {" \n\t ", 120, ""},
	} {
		if got := brief(test.text, test.n); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string][2]string{
		"":                     {"", ""},
		"one":                  {"one", "one"},
		"\n \none\ntwo\n\n \n": {"one", "two"},
		"one\rtwo":             {"one two", "two"},
		"one\n\x1b[0m\n":       {"one", "one"},
	} {
		last := &lastLine{}
		_, _ = last.Write([]byte(text))
		if got := [2]string{firstLine(text), last.String()}; got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestLastLineKeepsLittle(t *testing.T) {
	l := &lastLine{}
	for range 1000 {
		_, _ = l.Write([]byte(strings.Repeat("é", 4096)))
	}
	if got := l.String(); len(got) > maxText || !utf8.ValidString(got) || cap(l.line)+cap(l.last) > 8*maxLine {
		t.Errorf("%d bytes are kept, and %q is said", cap(l.line)+cap(l.last), got)
	}
}
