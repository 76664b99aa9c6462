package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"orch/states"
)

// print renders a result: as JSON, or on a page for people.
func (a *app) print(document any, people func(*page)) error {
	if a.json() {
		return a.printJSON(document)
	}
	p := a.page()
	people(p)
	return p.writeTo(a.out)
}

func (a *app) printJSON(document any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return err
	}
	_, err := io.WriteString(a.out, asNumbers(text.String()))
	return err
}

// asNumbers writes as numbers what a terminal would obey, or what would not be seen, in JSON that means the
// same: such letters stand inside of its texts only.
func asNumbers(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// shortened keeps a message readable that quotes what somebody typed without measure: of a long word it
// shows how it begins.
func shortened(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		words[i] = states.Clip(word, longWord)
	}
	return strings.Join(words, " ")
}

// longWord is longer than any name and most paths.
const longWord = 300

// recorded is a text as it is written into Consul, where many programs show it: one line, in letters that can
// be shown, and not longer than whoever reads a journal has patience for.
func recorded(text string, limit int) string {
	return states.Clip(legible(strings.Join(strings.Fields(text), " ")), limit)
}

// How long the name of whoever asks may be, and a reason.
const (
	longName   = 100
	longReason = 1000
)

// printable makes a text of many lines safe for a terminal, and keeps its lines.
func printable(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = legible(l)
	}
	return strings.Join(lines, "\n")
}
