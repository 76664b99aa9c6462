package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every row names a test that there is, where it says: one that was renamed or moved would be a promise
// without evidence.
func TestRowsNameTests(t *testing.T) {
	seen := map[string]bool{}
	for _, chapter := range chapters {
		for _, row := range chapter.Rows {
			sources := testsOf(t, folderOf(row))
			name, sub, _ := strings.Cut(row.Test, "/")
			if !strings.Contains(sources, "func "+name+"(t *testing.T)") {
				t.Errorf("%q: there is no test %s in %s", row.Fault, name, folderOf(row))
			}
			if sub != "" && !strings.Contains(sources, `"`+strings.ReplaceAll(sub, "_", " ")+`"`) {
				t.Errorf("%q: %s has no part %q", row.Fault, name, sub)
			}
			if seen[row.Test] {
				t.Errorf("%q: %s is the evidence of another row already", row.Fault, row.Test)
			}
			seen[row.Test] = true
		}
	}
}

// testsOf reads the tests of a folder as go test is given it.
func testsOf(t *testing.T, folder string) string {
	t.Helper()
	name, below := strings.CutSuffix(folder, "/...")
	patterns := []string{filepath.Join("../..", name, "*_test.go")}
	if below {
		patterns = append(patterns, filepath.Join("../..", name, "*", "*_test.go"))
	}
	var sources strings.Builder
	for _, pattern := range patterns {
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
	return sources.String()
}

// A promise held only if it did every time, and was tried.
func TestVerdict(t *testing.T) {
	for want, ends := range map[string][]string{
		"yes, 2 of 2": {"pass", "pass"}, "**no**, 1 of 2": {"pass", "fail"}, "**no**, 0 of 2": nil, "**not made here**": {"skip", "pass"},
	} {
		if got := verdict(ends, 2); got != want {
			t.Errorf("%v: want %q, got %q", ends, want, got)
		}
	}
	if got := verdict([]string{"pass"}, 2); got != "**no**, 1 of 2" {
		t.Errorf("once of two times is %q", got)
	}
}

// What a test asserts after its parts, it asserts of each of them; what one of them broke, the others did not.
func TestPartsOfATestThatFails(t *testing.T) {
	r := results{}
	for _, end := range [][2]string{{"T/a", "pass"}, {"T/b", "pass"}, {"T", "fail"}, {"T/a", "pass"}, {"T/b", "fail"}, {"T", "fail"}, {"T/a", "pass"}, {"T/b", "pass"}, {"T", "pass"}, {"Tail/a", "pass"}} {
		r.add(end[0], end[1])
	}
	want := results{"T/a": {"fail", "pass", "pass"}, "T/b": {"fail", "fail", "pass"}, "T": {"fail", "fail", "pass"}, "Tail/a": {"pass"}}
	if !maps.EqualFunc(r, want, slices.Equal) {
		t.Errorf("want %v, got %v", want, r)
	}
}
