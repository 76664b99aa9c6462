package hclfile_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"orch/states/hclfile"
)

// normal writes a text as HCL reads it: composed letters.
func normal(text string) string { return cty.NormalizeString(text) }

// Whatever is in a file: no panic, every mistake inside the file, and what loads reads back.
func FuzzLoad(f *testing.F) {
	everyFile(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > longest {
			return
		}
		source := []hclfile.Source{{Name: "fuzz.hcl", Text: []byte(text)}}
		file, diags := hclfile.LoadSources(source, hclfile.Options{AllowNotYet: true, Known: anything})
		if !hclfile.Inside(diags, len(text)) {
			t.Errorf("a mistake outside of the file:\n%s", diags)
		}
		shown(t, diags)
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

// Whatever is in a file: its layout is changed once, and no word of it. It is a target of its own because it
// takes longer than reading does.
func FuzzFormat(f *testing.F) {
	everyFile(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) <= longest {
			laidOut(t, text)
		}
	})
}

// everyFile begins with all files that there are.
func everyFile(f *testing.F) {
	for _, pattern := range []string{"testdata/*.hcl", "testdata/*/*.hcl", "testdata/agent/*/*.hcl"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			f.Add(string(readFile(f, name)))
		}
	}
}

// longest is as long as a fuzzer's text is looked at: it makes them longer and longer, and a parser takes its
// time.
const longest = 6000

// shown asks that mistakes are told in a way that can be shown on a terminal, each with what to do.
func shown(t *testing.T, diags hclfile.Diagnostics) {
	t.Helper()
	for _, d := range diags {
		if d.Summary == "" || d.Detail == "" {
			t.Errorf("a mistake is told without a word: %+v", d)
		}
	}
	for _, text := range []string{diags.String(), fmt.Sprint(diags.Err())} {
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }) {
			t.Errorf("what is wrong is told in letters that a terminal may obey: %q", text)
		}
	}
}

// laidOut asks that fmt has nothing to do after fmt, and changes no word.
func laidOut(t *testing.T, text string) {
	t.Helper()
	once, diags := hclfile.Format("fuzz.hcl", []byte(text))
	if len(diags) > 0 {
		if string(once) != text {
			t.Errorf("a broken file comes back as %q", once)
		}
		return
	}
	twice, diags := hclfile.Format("fuzz.hcl", once)
	if len(diags) > 0 || !bytes.Equal(once, twice) {
		t.Errorf("laid out as %q, and then as %q%s", once, twice, diags)
	}
	if squeezed(text) != squeezed(string(once)) {
		t.Errorf("%q is laid out as %q", text, once)
	}
}

// squeezed is a text without what a layout may change.
func squeezed(text string) string { return strings.Join(strings.Fields(text), "") }

// FuzzDefinition: whatever lies in Consul as a definition is refused, or is written and read again as
// the same.
func FuzzDefinition(f *testing.F) {
	for _, name := range []string{"testdata/language/reference.hcl", "testdata/language/three-tier.hcl", "testdata/language/runbook.hcl", "testdata/valid/odd.hcl"} {
		file, diags := hclfile.Load([]string{name}, hclfile.Options{AllowNotYet: true, Known: anything, Env: map[string]string{"environment": "prod"}})
		if err := diags.Err(); err != nil {
			f.Fatal(err)
		}
		for _, c := range file.Clusters {
			f.Add(hclfile.Render(c, "from a file"))
		}
		for _, r := range file.Runbooks {
			f.Add(hclfile.RenderRunbook(r, "from a file"))
		}
	}
	for _, text := range []string{"", "cluster", `cluster "web" {}`, `cluster "web" { initial = "on" }`, `cluster "../db" {}`, "\x00", "\ufeff",
		`cluster "web" { initial = "${argument}" }`, `cluster "web" { initial = [for a in "b": a] }`, strings.Repeat("[", 1000), strings.Repeat("!", 20_000)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := hclfile.Parse(text); err == nil {
			readsBack(t, c)
		} else if err.Error() == "" {
			t.Error("it is refused without a word")
		}
		if r, err := hclfile.ParseRunbook(text); err == nil {
			runbookReadsBack(t, r)
		}
	})
}

// FuzzVariable: whatever a variable is given, by a flag, the environment or a file of values, it is
// taken as it is or named; it never becomes a part of the language.
func FuzzVariable(f *testing.F) {
	for _, value := range []string{"", "x", "7", "-1", "true", "null", "[1]", `"x"`, "${argument}", "${var.x}", "%{if true}", "\x1b[2J", "\x00", "\n", "off\"\n}", strings.Repeat("(", 20_000)} {
		for kind := range uint8(3) {
			f.Add(value, kind)
		}
	}
	f.Fuzz(func(t *testing.T, value string, kind uint8) {
		fallback := []string{"", "default = 1", `default = [ "a" ]`}[int(kind)%3]
		text := `variable "x" { ` + fallback + ` }
			cluster "web" {
			  initial = "off"
			  state "off" { attributes = { x = var.x } }
			}`
		if kind%3 == 2 {
			text = `variable "x" { ` + fallback + ` }
			cluster "web" {
			  initial = "off"
			  state "off" {}
			  transition "off" {
			    from    = ["*"]
			    batches = var.x
			  }
			}`
		}
		for _, o := range []hclfile.Options{{Vars: map[string]string{"x": value}}, {Env: map[string]string{"x": value}}} {
			file, diags := hclfile.LoadSources([]hclfile.Source{{Name: "fuzz.hcl", Text: []byte(text)}}, o)
			shown(t, diags)
			if len(diags) > 0 {
				continue
			}
			readsBack(t, file.Clusters[0])
			if kind%3 == 0 && utf8.ValidString(value) {
				if got := file.Clusters[0].States[0].Attributes["x"].Fill("hole"); got != normal(value) {
					t.Errorf("%q arrives as %q", value, got)
				}
			}
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
		shown(t, diags)
	})
}
