package hclfile_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"orch/states"
	"orch/states/hclfile"
	"orch/states/racetest"
)

const rendered = `# from a file

cluster "web" {
  initial = "off"

  state "off" {
    serving = false
  }
}
`

func TestParseIsStrict(t *testing.T) {
	if _, err := hclfile.Parse(rendered); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"nothing":           {"", "it holds 0 clusters"},
		"two clusters":      {rendered + `cluster "db" {}`, "it holds 2 clusters"},
		"a newer setting":   {strings.Replace(rendered, "serving", "sleeping", 1), `"sleeping" is not expected here`},
		"a newer block":     {rendered + `magic "x" {}`, "Blocks of type \"magic\" are not expected here"},
		"a variable":        {rendered + `variable "x" { default = 1 }`, "Blocks of type \"variable\" are not expected"},
		"use of a variable": {strings.Replace(rendered, `"off"`, "var.x", 1), "Not resolved"},
		"a condition":       {strings.Replace(rendered, "false", "1 == 1", 1), "Not resolved"},
		"its own name":      {strings.Replace(rendered, "serving = false", "description = cluster.name", 1), "Not resolved"},
		"a template":        {strings.Replace(rendered, "initial", "template = \"t\"\n initial", 1), "Unknown template"},
		"half of it":        {rendered[:50], "read definition: definition line"},
		"a bad state":       {strings.Replace(rendered, `"off"`, `"on"`, 1), `cluster "web": definition line 4: Unknown state`},
		"a runbook":         {`runbook "x" {}`, "are not expected here"},
	} {
		if _, err := hclfile.Parse(test.text); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v\nwant %q", name, err, test.want)
		}
	}
	if _, err := hclfile.ParseRunbook(rendered); err == nil {
		t.Error("a cluster is read as a runbook")
	}
}

func TestFormat(t *testing.T) {
	got, diags := hclfile.Format("a.hcl", []byte("cluster \"web\" {\ninitial=\"off\"\n  description   = \"x\"\n}\n"))
	want := "cluster \"web\" {\n  initial     = \"off\"\n  description = \"x\"\n}\n"
	if string(got) != want || len(diags) > 0 {
		t.Errorf("got %s%s", got, diags)
	}
	broken := "cluster \"web\" {\n"
	if got, diags := hclfile.Format("a.hcl", []byte(broken)); string(got) != broken || len(diags) != 1 {
		t.Errorf("got %s%s", got, diags)
	}
}

// Whatever texts a definition holds, it reads back the same: signs that look like holes, quotes,
// controls, combining letters, beside real holes and not.
func TestAnyTextReadsBack(t *testing.T) {
	alphabet := []string{"$", "$", "{", "}", "%", "\"", "\\", "\n", "\r", "\t", "a", " ", "\u0301", "☃", "\x00", "\x7f", "\u2028", "\U000e0001", "😀", "${", "%{", "argument"}
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var b strings.Builder
		for range random.IntN(8) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		return normal(b.String())
	}
	for range 2000 / racetest.Every {
		template := states.Template{text()}
		for range random.IntN(3) {
			template = append(template, text())
		}
		c := states.Cluster{
			Name: "web", Initial: "off", Description: text(),
			States: []states.StateDef{
				{Name: "off"},
				{Name: "on", Argument: &states.Argument{}, Attributes: map[string]states.Template{normal("k" + text()): template}},
			},
		}
		readsBack(t, c)
		if t.Failed() {
			return
		}
	}
}
