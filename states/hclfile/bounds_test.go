package hclfile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orch/states/hclfile"
	"orch/states/racetest"
)

// What goes deep, or is long: none of it costs a reader its stack, or more than moments, and it says so.
func TestTextsWithoutMeasure(t *testing.T) {
	for _, piece := range []string{"[", "(", "{", "{a=", "!", "-", `"${`, "a(", "a[", "a{\n", "x ? ", "[for x in ", "{for x in a: x => ", "<<E\n${", "a.*",
		"x[a]", "[*]", "1+", "x == ", "%{if a}", `"%{if a}`, "\n", "x=1\n", "$${"} {
		for _, head := range []string{"", "a = ", "a = <<E\n"} {
			text := head + strings.Repeat(piece, 96*1024/racetest.Every/len(piece)) // enough for what is quadratic to show
			begun := time.Now()
			_, diags := hclfile.LoadSources([]hclfile.Source{{Name: "x.hcl", Text: []byte(text)}}, hclfile.Options{})
			if took := time.Since(begun); took > patient {
				t.Errorf("%q and many times %q: %s", head, piece, took)
			}
			if len(diags) == 0 && strings.TrimSpace(text) != "" {
				t.Errorf("%q and many times %q: nothing is wrong with it", head, piece)
			}
		}
	}
}

// patient is how long reading may take where several tests share a processor; it takes less than a second.
const patient = 20 * time.Second

func TestTooMuchIsNamed(t *testing.T) {
	deep := "cluster \"web\" {\n  initial = " + strings.Repeat("[", 600_000/racetest.Every)
	for name, text := range map[string]string{
		"deep":    deep,
		"chained": "a = " + strings.Repeat("1 + ", 11_000) + "1",
		"long":    strings.Repeat("# nothing\n", 110_000),
	} {
		source := hclfile.Source{Name: "x.hcl", Text: []byte(text)}
		_, loaded := hclfile.LoadSources([]hclfile.Source{source}, hclfile.Options{})
		_, agent := hclfile.ParseAgent(source)
		_, leader := hclfile.ParseLeader(source)
		same, formatted := hclfile.Format("x.hcl", source.Text)
		for _, diags := range []hclfile.Diagnostics{loaded, agent, leader, formatted} {
			if !strings.Contains(diags.String(), "Error: Too much to read") || len(diags.String()) > 1000 {
				t.Errorf("%s: %.300s", name, diags)
			}
		}
		if string(same) != text {
			t.Errorf("%s: fmt changed it", name)
		}
		if _, err := hclfile.Parse(text); err == nil || !strings.Contains(err.Error(), "Too much to read") || len(err.Error()) > 1000 {
			t.Errorf("%s: as a definition: %.300v", name, err)
		}
	}
}

// A variable's value is read as an expression where its default is no text.
func TestDeepVariable(t *testing.T) {
	source := hclfile.Source{Name: "x.hcl", Text: []byte("variable \"x\" {\n  default = 1\n}\n")}
	_, diags := hclfile.LoadSources([]hclfile.Source{source}, hclfile.Options{Env: map[string]string{"x": strings.Repeat("(", 200_000)}})
	if !strings.Contains(diags.String(), "Of ORCH_VAR_x: There are more than") {
		t.Errorf("%.300s", diags)
	}
}

// "Many mistakes" comes instead of what nobody reads.
func TestManyMistakes(t *testing.T) {
	const many = 80_000 / racetest.Every
	source := hclfile.Source{Name: "x.hcl", Text: []byte(strings.Repeat("nonsense {}\n", many))}
	begun := time.Now()
	_, diags := hclfile.LoadSources([]hclfile.Source{source}, hclfile.Options{})
	if text := diags.String(); len(diags) != 1001 || !strings.Contains(text, fmt.Sprintf("There are %d more: mend these first.", many-1000)) || time.Since(begun) > patient {
		t.Errorf("%d mistakes after %s: …%s", len(diags), time.Since(begun), text[max(0, len(text)-300):])
	}
}

// What is "Not UTF-8" would arrive as another text than was given.
func TestVariableThatIsNoText(t *testing.T) {
	source := hclfile.Source{Name: "x.hcl", Text: []byte("variable \"x\" {}\n")}
	_, diags := hclfile.LoadSources([]hclfile.Source{source}, hclfile.Options{Vars: map[string]string{"x": "\xda"}})
	if !strings.Contains(diags.String(), `--var x gives "\xda": write it in UTF-8`) {
		t.Error(diags)
	}
}
