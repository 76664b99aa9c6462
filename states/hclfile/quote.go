package hclfile

import (
	"fmt"
	"strings"
	"unicode"

	"orch/states"
)

// quote writes a text as a literal that reads back as the same text, whatever is in it.
func quote(text string) string { return `"` + escape(text, false) + `"` }

// quoteTemplate writes a text with ${argument} in its holes.
func quoteTemplate(t states.Template) string {
	var b strings.Builder
	for i, piece := range t {
		hole := i+1 < len(t)
		b.WriteString(escape(piece, hole))
		if hole {
			b.WriteString("${argument}")
		}
	}
	return `"` + b.String() + `"`
}

// escape writes the inside of a literal. A sign that would begin a hole is doubled; where it
// stands behind a sign or before a real hole, doubling would be ambiguous and a number is used.
func escape(text string, beforeHole bool) string {
	var b strings.Builder
	runes := []rune(text)
	for i, r := range runes {
		next := rune(0)
		if i+1 < len(runes) {
			next = runes[i+1]
		} else if beforeHole {
			next = '$'
		}
		b.WriteString(escapeRune(r, next, i > 0 && isSign(runes[i-1])))
	}
	return b.String()
}

func escapeRune(r, next rune, behindSign bool) string {
	switch {
	case isSign(r) && next == '{' && !behindSign:
		return string(r) + string(r)
	case isSign(r) && (next == '{' || isSign(next) || behindSign):
		return fmt.Sprintf(`\u%04x`, r)
	case r == '"' || r == '\\':
		return `\` + string(r)
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r > 0xffff && !unicode.IsPrint(r):
		return fmt.Sprintf(`\U%08x`, r)
	case !unicode.IsPrint(r):
		return fmt.Sprintf(`\u%04x`, r)
	}
	return string(r)
}

func isSign(r rune) bool { return r == '$' || r == '%' }
