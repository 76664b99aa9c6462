package main

import (
	"encoding/json"
	"strings"
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
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

// printable makes a text of many lines safe for a terminal, and keeps its lines.
func printable(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = visible(l)
	}
	return strings.Join(lines, "\n")
}
