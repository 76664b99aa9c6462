package hclfile_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orch/states"
	"orch/states/hclfile"
)

// Rendering what was rendered changes nothing, and what is read back is what was rendered.
func TestRenderReadsBack(t *testing.T) {
	for _, name := range valid(t) {
		for _, environment := range []string{"prod", "dev"} {
			t.Run(filepath.Base(name)+" "+environment, func(t *testing.T) {
				o := hclfile.Options{AllowNotYet: true, Known: anything, Env: map[string]string{"environment": environment}}
				file, diags := hclfile.Load([]string{name}, o)
				if err := diags.Err(); err != nil {
					t.Fatal(err)
				}
				for _, c := range file.Clusters {
					readsBack(t, c)
				}
				for _, r := range file.Runbooks {
					runbookReadsBack(t, r)
				}
			})
		}
	}
}

func readsBack(t *testing.T, c states.Cluster) {
	t.Helper()
	text := hclfile.Render(c, "from a file\nrevision 1")
	back, err := hclfile.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !reflect.DeepEqual(c, back) { // what differs is found only where something does: that takes its time
		t.Errorf("- rendered, + read back:\n%s\n%s", cmp.Diff(c, back), text)
	}
	if again := hclfile.Render(back, "from a file\nrevision 1"); again != text {
		t.Errorf("- rendered, + rendered again:\n%s", cmp.Diff(text, again))
	}
	if formatted, diags := hclfile.Format("rendered", []byte(text)); len(diags) > 0 || string(formatted) != text {
		t.Errorf("what is rendered is not laid out as fmt does:\n%s", text)
	}
	file, diags := hclfile.LoadSources([]hclfile.Source{{Name: "rendered", Text: []byte(text)}}, hclfile.Options{
		AllowNotYet: true, Known: anything,
	})
	if !reflect.DeepEqual([]states.Cluster{c}, file.Clusters) || len(diags) > 0 {
		t.Errorf("- rendered, + loaded:\n%s%v", cmp.Diff([]states.Cluster{c}, file.Clusters), diags)
	}
}

func runbookReadsBack(t *testing.T, r states.Runbook) {
	t.Helper()
	text := hclfile.RenderRunbook(r, "from a file")
	back, err := hclfile.ParseRunbook(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("- rendered, + read back:\n%s\n%s", diff, text)
	}
	if again := hclfile.RenderRunbook(back, "from a file"); again != text {
		t.Errorf("rendered:\n%s\nrendered again:\n%s", text, again)
	}
}

// anything stands for clusters that are applied elsewhere, of which nothing is known.
func anything(string) (states.Cluster, bool) { return states.Cluster{}, true }

// valid finds every file that must load: those of the language, the fixtures and the examples.
func valid(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"testdata/language/*.hcl", "testdata/valid/*.hcl"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	return names
}
