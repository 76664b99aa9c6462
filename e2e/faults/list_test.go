package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every row names a test that there is: one that was renamed would be a promise without evidence.
func TestRowsNameTests(t *testing.T) {
	var sources strings.Builder
	for _, pattern := range []string{"../*_test.go", "../../convergeagent/*_test.go", "../../convergeagent/*/*_test.go", "../../states/*/*_test.go", "../../states/*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(text)
		}
	}
	seen := map[string]bool{}
	for _, chapter := range chapters {
		for _, row := range chapter.Rows {
			name, sub, _ := strings.Cut(row.Test, "/")
			if !strings.Contains(sources.String(), "func "+name+"(t *testing.T)") {
				t.Errorf("%q: there is no test %s", row.Fault, name)
			}
			if sub != "" && !strings.Contains(sources.String(), `"`+strings.ReplaceAll(sub, "_", " ")+`"`) {
				t.Errorf("%q: %s has no part %q", row.Fault, name, sub)
			}
			if seen[row.Test] {
				t.Errorf("%q: %s is the evidence of another row already", row.Fault, row.Test)
			}
			seen[row.Test] = true
		}
	}
}

// A promise held only if it did every time, and was tried.
func TestVerdict(t *testing.T) {
	for want, ends := range map[string][]string{
		"yes": {"pass", "pass"}, "**no**: 1 of 2": {"pass", "fail"}, "**no**: 0 of 2": nil, "**not made here**": {"skip", "pass"},
	} {
		if got := verdict(ends, 2); got != want {
			t.Errorf("%v: want %q, got %q", ends, want, got)
		}
	}
	if got := verdict([]string{"pass"}, 2); got == "yes" {
		t.Errorf("once of two times is %q", got)
	}
}
