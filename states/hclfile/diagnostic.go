package hclfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"orch/states"
)

// Diagnostic is one mistake in what somebody wrote, told so that they can mend it.
type Diagnostic struct {
	File    string `json:"file,omitempty"` // as it was given; empty: it belongs to no file
	Line    int    `json:"line,omitempty"` // from 1, as Column
	Column  int    `json:"column,omitempty"`
	In      string `json:"in,omitempty"`     // the block around it: cluster "web"
	Source  string `json:"source,omitempty"` // the line itself
	Summary string `json:"summary"`
	Detail  string `json:"detail"`

	start, end int // in bytes
}

// Diagnostics is every mistake of one call, sorted by file and place. None means that what was
// read can be used.
type Diagnostics []Diagnostic

// wideLine is how much of a line is shown.
const wideLine = 300

// String renders the mistake as people see it.
func (d Diagnostic) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Error: %s\n\n", d.Summary)
	if d.File != "" {
		in := ""
		if d.In != "" {
			in = ", in " + d.In
		}
		fmt.Fprintf(&b, "  on %s line %d%s:\n%4d: %s\n\n", visible(d.File), d.Line, visible(in), d.Line, visible(states.Clip(d.Source, wideLine)))
	}
	fmt.Fprintf(&b, "%s\n", visible(d.Detail))
	return b.String()
}

// String renders all mistakes, and how many there are; nothing where there is none.
func (ds Diagnostics) String() string {
	if len(ds) == 0 {
		return ""
	}
	var b strings.Builder
	for _, d := range ds {
		b.WriteString(d.String())
		b.WriteByte('\n')
	}
	fmt.Fprintln(&b, states.Count(len(ds), "mistake"))
	return b.String()
}

// fewMistakes is how many of them one line tells.
const fewMistakes = 10

// Err gives the mistakes, or the first few, as one error on one line, for where there is no screen to
// fill; nil where there is none.
func (ds Diagnostics) Err() error {
	if len(ds) == 0 {
		return nil
	}
	var texts []string
	for i, d := range ds {
		if i == fewMistakes {
			texts = append(texts, fmt.Sprintf("and %d more", len(ds)-i))
			break
		}
		text := d.Summary + ": " + d.Detail
		if d.File != "" {
			text = fmt.Sprintf("%s line %d: %s", d.File, d.Line, text)
		}
		texts = append(texts, strings.TrimRight(visible(text), "."))
	}
	return errors.New(strings.Join(texts, "; "))
}

func (ds Diagnostics) sort() {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.start-b.start, a.end-b.end,
			cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
}

// visible keeps a file from sending commands to the terminal it is shown on, and from looking there like
// something else than it says: letters that nobody sees, or that turn the line around.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && r != '\t' && r != '\n' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
