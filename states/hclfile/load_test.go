package hclfile_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orch/states/hclfile"
)

// The answer to the file of mistakes is part of the language's definition, to the last byte.
func TestMistakes(t *testing.T) {
	text := readFile(t, "testdata/mistakes.hcl")
	_, diags := hclfile.LoadSources([]hclfile.Source{{Name: "mistakes.hcl", Text: text}}, hclfile.Options{})
	if diff := cmp.Diff(string(readFile(t, "testdata/mistakes.txt")), diags.String()); diff != "" {
		t.Errorf("- want, + got:\n%s", diff)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
