package hclfile_test

import (
	"path/filepath"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"orch/states/hclfile"
)

// normal writes a text as HCL reads it: composed letters.
func normal(text string) string { return cty.NormalizeString(text) }

// Whatever is in a file: no panic, every mistake inside the file, and what loads reads back.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*.hcl", "testdata/*/*.hcl", "testdata/agent/*/*.hcl"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			f.Add(string(readFile(f, name)))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		source := []hclfile.Source{{Name: "fuzz.hcl", Text: []byte(text)}}
		file, diags := hclfile.LoadSources(source, hclfile.Options{AllowNotYet: true, Known: anything})
		if !hclfile.Inside(diags, len(text)) {
			t.Errorf("a mistake outside of the file:\n%s", diags)
		}
		_ = diags.String()
		_, _ = hclfile.Parse(text)
		_, _ = hclfile.Format("fuzz.hcl", []byte(text))
		if len(diags) > 0 {
			return
		}
		for _, c := range file.Clusters {
			readsBack(t, c)
		}
		for _, r := range file.Runbooks {
			runbookReadsBack(t, r)
		}
	})
}

func FuzzAgent(f *testing.F) {
	names, _ := filepath.Glob("testdata/agent/*/*.hcl")
	for _, name := range names {
		f.Add(string(readFile(f, name)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, diags := hclfile.ParseAgent(hclfile.Source{Name: "fuzz.hcl", Text: []byte(text)})
		if !hclfile.Inside(diags, len(text)) {
			t.Errorf("a mistake outside of the file:\n%s", diags)
		}
	})
}
