package hclfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orch/states/hclfile"
)

// A file of mistakes says on each line what is wrong there: # ERROR: Summary.
func TestInvalid(t *testing.T) {
	for _, name := range walk(t, "testdata/invalid/*.hcl") {
		if strings.HasSuffix(name, ".vars.hcl") {
			continue
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			var o hclfile.Options
			files := []string{name}
			if values := strings.TrimSuffix(name, ".hcl") + ".vars.hcl"; exists(values) {
				o.VarFiles, files = []string{values}, append(files, values)
			}
			_, diags := hclfile.Load([]string{name}, o)
			compare(t, expected(t, files...), diags)
		})
	}
}

func TestInvalidAgent(t *testing.T) {
	for _, name := range walk(t, "testdata/agent/invalid/*.hcl") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			_, diags := hclfile.LoadAgent(name)
			compare(t, expected(t, name), diags)
		})
	}
}

func compare(t *testing.T, want []string, diags hclfile.Diagnostics) {
	t.Helper()
	var got []string
	for _, d := range diags {
		got = append(got, fmt.Sprintf("%s:%d: %s", filepath.Base(d.File), d.Line, d.Summary))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("- want, + got:\n%s\n%s", diff, diags)
	}
}

var errorComment = regexp.MustCompile(`# ERROR: (.*)$`)

func expected(t *testing.T, names ...string) []string {
	t.Helper()
	var want []string
	for _, name := range names {
		for i, line := range strings.Split(string(readFile(t, name)), "\n") {
			if found := errorComment.FindStringSubmatch(line); found != nil {
				want = append(want, fmt.Sprintf("%s:%d: %s", filepath.Base(name), i+1, found[1]))
			}
		}
	}
	return want
}

// Every mistake that the code can report has a line in a fixture.
func TestEveryMistakeHasAFixture(t *testing.T) {
	var fixtures strings.Builder
	for _, pattern := range []string{"testdata/invalid/*.hcl", "testdata/agent/invalid/*.hcl", "testdata/leader/invalid/*.hcl", "testdata/mistakes.txt", "*_test.go"} {
		for _, name := range walk(t, pattern) {
			fixtures.Write(readFile(t, name))
		}
	}
	summary := regexp.MustCompile(`\b(?:add|put|addAnywhere)\((?:[^"\n]*, )?"([A-Z][a-z ]+)"`)
	for _, name := range append(walk(t, "*.go"), walk(t, "../check.go")...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, found := range summary.FindAllStringSubmatch(string(readFile(t, name)), -1) {
			if !strings.Contains(fixtures.String(), found[1]) {
				t.Errorf("%s reports %q, and no fixture expects it", name, found[1])
			}
		}
	}
}

func walk(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(names), err)
	}
	return names
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
