package hclfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/states"
	"orch/states/hclfile"
)

// The answer to the file of mistakes is part of the language's definition, to the last byte.
func TestMistakes(t *testing.T) {
	text := readFile(t, "testdata/mistakes.hcl")
	for _, all := range []bool{false, true} {
		_, diags := hclfile.LoadSources([]hclfile.Source{{Name: "mistakes.hcl", Text: text}}, hclfile.Options{AllowNotYet: all})
		if diff := cmp.Diff(string(readFile(t, "testdata/mistakes.txt")), diags.String()); diff != "" {
			t.Errorf("- want, + got:\n%s", diff)
		}
	}
}

// load reads a text in which nothing is wrong.
func load(t *testing.T, text string, o hclfile.Options) *hclfile.File {
	t.Helper()
	o.AllowNotYet = true
	file, diags := hclfile.LoadSources([]hclfile.Source{{Name: "test.hcl", Text: []byte(text)}}, o)
	if len(diags) > 0 {
		t.Fatalf("%s", diags)
	}
	return file
}

// complains reads a text and wants one mistake out of it.
func complains(t *testing.T, text string, o hclfile.Options, want string) {
	t.Helper()
	_, diags := hclfile.LoadSources([]hclfile.Source{{Name: "test.hcl", Text: []byte(text)}}, o)
	if err := diags.Err(); len(diags) != 1 || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v\nwant one mistake with %q", err, want)
	}
}

func TestLoadReference(t *testing.T) {
	file, diags := hclfile.Load([]string{"testdata/language/reference.hcl"}, hclfile.Options{AllowNotYet: true})
	if len(diags) > 0 {
		t.Fatalf("%s", diags)
	}
	db, web := file.Clusters[0], file.Clusters[1]
	version, _ := web.State("version")
	want := states.Template{"https://repo.example/web-", ".tgz"}
	if diff := cmp.Diff(want, version.Attributes["artifact"]); diff != "" {
		t.Error(diff)
	}
	if _, ok := db.Into("converged", "version"); ok {
		t.Error("the template has no transition to version, and db has one")
	}
	up, _ := web.Into("converged", "version")
	wanted := states.BuiltIn()
	wanted.Batches = []states.Size{states.Nodes(1), states.Percent(10), states.Percent(50)}
	wanted.ConvergeTimeout, wanted.Retries = states.Duration(15*time.Minute), 1 // from the policy
	wanted.MinHealthy, wanted.MaxFailures = states.Percent(75), states.Percent(5)
	wanted.ProgressDeadline, wanted.Soak = states.Duration(45*time.Minute), states.Duration(30*time.Second)
	wanted.GroupBy, wanted.Approve, wanted.Joiners = "rack", states.ApproveAfterFirstBatch, states.JoinersStable
	if diff := cmp.Diff(wanted, up.Policy); diff != "" {
		t.Error(diff)
	}
	wanted.Batches = []states.Size{states.Percent(50)}
	if diff := cmp.Diff(&wanted, up.Rollback); diff != "" {
		t.Error(diff)
	}
}

func TestNearestPolicyWins(t *testing.T) {
	file := load(t, `
		policy {
		  retries     = 1
		  retry_delay = "1s"
		  soak        = "1s"
		  batches     = [1]
		}
		template "t" {
		  initial = "off"
		  policy {
		    retry_delay = "2s"
		    soak        = "2s"
		    batches     = [2]
		  }
		  state "off" {}
		  state "on" {}
		  transition "on" {
		    from    = ["off"]
		    batches = [4]
		    drain "web" {}
		  }
		  transition "off" { from = ["*"] }
		}
		cluster "c" {
		  template = "t"
		  policy {
		    soak    = "3s"
		    batches = [3]
		  }
		  transition "off" { from = ["on"] }
		}
		cluster "d" {
		  template = "t"
		  initial  = "on"
		  transition "on" { from = ["off"] }
		}`, hclfile.Options{})
	for _, test := range []struct {
		cluster, to string
		batches     int
		soak        time.Duration
		drains      int
	}{
		{"c", "on", 4, 3 * time.Second, 1},
		{"c", "off", 3, 3 * time.Second, 0},
		{"d", "on", 2, 2 * time.Second, 0}, // replaced as a whole, its blocks too
	} {
		c := file.Clusters[test.cluster[0]-'c']
		from := map[string]string{"on": "off", "off": "on"}[test.to]
		got, _ := c.Into(from, test.to)
		p := got.Policy
		if p.Retries != 1 || p.RetryDelay.D() != 2*time.Second || p.Batches[0] != states.Nodes(test.batches) || p.Soak.D() != test.soak || len(got.Drains) != test.drains {
			t.Errorf("%s to %s: got %+v", test.cluster, test.to, got)
		}
	}
	if file.Clusters[0].Initial != "off" || file.Clusters[1].Initial != "on" {
		t.Error("a cluster's own initial state does not win")
	}
}

const oneVariable = `
	variable "x" { default = "fallback" }
	cluster "web" {
	  initial = "off"
	  state "off" { description = var.x }
	}`

func TestVariables(t *testing.T) {
	values := filepath.Join(t.TempDir(), "x.vars.hcl")
	if err := os.WriteFile(values, []byte(`x = "file"`), 0o600); err != nil {
		t.Fatal(err)
	}
	x := func(value string) map[string]string { return map[string]string{"x": value} }
	for _, test := range []struct {
		want string
		o    hclfile.Options
	}{
		{"fallback", hclfile.Options{}},
		{"env", hclfile.Options{Env: map[string]string{"x": "env", "unknown": "fine"}}},
		{"file", hclfile.Options{Env: x("env"), VarFiles: []string{values}}},
		{"flag", hclfile.Options{Env: x("env"), VarFiles: []string{values}, Vars: x("flag")}},
	} {
		if got := load(t, oneVariable, test.o).Clusters[0].States[0].Description; got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	complains(t, oneVariable, hclfile.Options{Vars: map[string]string{"xx": "1"}}, `--var xx: no variable "xx" in these files. Did you mean "x"?`)
	complains(t, oneVariable, hclfile.Options{VarFiles: []string{"gone"}}, "Cannot be read")
	complains(t, `variable "x" { one_of = ["a"] }`, hclfile.Options{Vars: x("b")}, `x is one of a; --var x is "b"`)
	complains(t, `variable "x" { default = 1 }`, hclfile.Options{Vars: x("b")}, "Value of another type")
	complains(t, `variable "x" { default = [1] }`, hclfile.Options{Env: x("1")}, "Value of another type")
}

func TestVariablesOfOtherTypes(t *testing.T) {
	text := `
		variable "sizes" { default = [1] }
		variable "most" {}
		cluster "web" {
		  initial = "off"
		  state "off" {}
		  state "on" {}
		  transition "on" {
		    from         = ["off"]
		    batches      = var.sizes
		    max_failures = var.most
		  }
		}`
	file := load(t, text, hclfile.Options{Vars: map[string]string{"sizes": `[2, "50%"]`, "most": "3"}})
	p := file.Clusters[0].Transitions[0].Policy
	if diff := cmp.Diff([]states.Size{states.Nodes(2), states.Percent(50)}, p.Batches); diff != "" || p.MaxFailures != states.Nodes(3) {
		t.Errorf("%s%v", diff, p.MaxFailures)
	}
}

func TestAFolderIsItsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[a]")
	for name, text := range map[string]string{
		"b.hcl": oneVariable, "b.vars.hcl": `x = "file"`, "notes.txt": "not read", "deeper/c.hcl": "not read",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, diags := hclfile.Load([]string{dir, filepath.Join(dir, "b.hcl")}, hclfile.Options{})
	if len(diags) > 0 || len(file.Clusters) != 1 {
		t.Errorf("got %d clusters\n%s", len(file.Clusters), diags)
	}
	_, diags = hclfile.Load([]string{t.TempDir(), "gone"}, hclfile.Options{})
	if err := diags.Err(); len(diags) != 2 || !strings.Contains(err.Error(), "Nothing to read") {
		t.Errorf("got %v", err)
	}
}

func TestARunbookAndItsClustersAreOneSet(t *testing.T) {
	_, diags := hclfile.Load([]string{"testdata/language"}, hclfile.Options{AllowNotYet: true})
	if err := diags.Err(); err == nil || !strings.Contains(err.Error(), "Duplicate cluster") {
		t.Errorf("the reference and the shop both have a db: %v", err)
	}
	file, diags := hclfile.Load([]string{"testdata/language/runbook.hcl", "testdata/language/three-tier.hcl"}, hclfile.Options{AllowNotYet: true})
	if len(diags) > 0 || len(file.Clusters) != 4 || len(file.Runbooks) != 1 {
		t.Errorf("got %d clusters, %d runbooks\n%s", len(file.Clusters), len(file.Runbooks), diags)
	}
}

func TestRequiredClustersMayBeAppliedElsewhere(t *testing.T) {
	text := `
		cluster "web" {
		  initial = "off"
		  state "off" {}
		  transition "off" {
		    from = ["*"]
		    requires "db" { states = ["settled"] }
		  }
		}`
	db := states.Cluster{Name: "db", States: []states.StateDef{{Name: "off"}}}
	known := func(name string) (states.Cluster, bool) { return db, name == "db" }
	complains(t, text, hclfile.Options{}, `No cluster "db" in these files`)
	complains(t, text, hclfile.Options{Known: known}, `Cluster "db" has off`)
	db.States[0].Name = "settled"
	load(t, text, hclfile.Options{Known: known})
}

// A template that many clusters share is read for each, and its mistakes are told once.
func TestATemplatesMistakeIsToldOnce(t *testing.T) {
	shared := `
		template "t" {
		  initial = "off"
		  state "off" {}
		  transition "off" { from = ["onn"] }
		}
		cluster "a" { template = "t" }
		cluster "b" { template = "t" }`
	complains(t, shared, hclfile.Options{}, "Unknown state")
	complains(t, strings.Replace(shared, `["onn"]`, `["off", 5]`, 1), hclfile.Options{}, "Not a text")
}

// Every shipped example loads as it is, with what is acted on today.
func TestExamples(t *testing.T) {
	folders, err := filepath.Glob("../../hcl-examples/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		var definitions []string
		names, _ := filepath.Glob(filepath.Join(folder, "*.hcl"))
		for _, name := range names {
			switch base := filepath.Base(name); {
			case strings.HasPrefix(base, "convergeagent"):
				if _, diags := hclfile.LoadAgent(name); len(diags) > 0 {
					t.Errorf("%s", diags)
				}
			case !strings.HasSuffix(base, ".vars.hcl"):
				definitions = append(definitions, name)
			}
		}
		if _, diags := hclfile.Load(definitions, hclfile.Options{}); len(diags) > 0 {
			t.Errorf("%s", diags)
		}
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
