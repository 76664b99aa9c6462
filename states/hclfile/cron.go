package hclfile

import (
	"fmt"
	"strconv"
	"strings"
)

// cronFields are the five fields of a schedule, with what each may hold.
var cronFields = []struct {
	name        string
	least, most int
	words       string // in the order of the numbers, from least on
}{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of month", 1, 31, ""},
	{"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"},
	{"day of week", 0, 7, "sun mon tue wed thu fri sat"},
}

// checkCron says what is wrong with a schedule, or nothing.
func checkCron(text string) string {
	parts := strings.Fields(text)
	if len(parts) != len(cronFields) {
		return fmt.Sprintf("%q has %d fields", text, len(parts))
	}
	for i, part := range parts {
		for item := range strings.SplitSeq(part, ",") {
			if !cronItem(i, item) {
				return fmt.Sprintf("%q is no %s", part, cronFields[i].name)
			}
		}
	}
	return ""
}

// cronItem reads *, 5, 1-5, and each with a step as in */15.
func cronItem(field int, item string) bool {
	span, step, stepped := strings.Cut(item, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
		return false
	}
	if span == "*" {
		return true
	}
	first, last, ranged := strings.Cut(span, "-")
	from, ok := cronNumber(field, first)
	if !ranged {
		return ok && !stepped
	}
	to, alsoOK := cronNumber(field, last)
	return ok && alsoOK && from <= to
}

func cronNumber(field int, text string) (int, bool) {
	f := cronFields[field]
	for i, word := range strings.Fields(f.words) {
		if strings.EqualFold(word, text) {
			return f.least + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.least && n <= f.most && text[0] != '+'
}
