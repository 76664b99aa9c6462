package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"orch/states"
)

const webFile = `
policy {
  converge_timeout = "5m"
}

cluster "web" {
  initial = "off"

  state "off" { serving = false }
  state "on" {}
  state "version" {
    argument { pattern = "[0-9]+" }
  }

  transition "off" {
    from    = ["*"]
    batches = ["100%"]
  }
  transition "on" { from = ["off", "version"] }
  transition "version" { from = ["on", "version"] }
}
`

func file(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "web.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// applied is a world whose cluster is born.
func applied(t *testing.T) *world {
	w := newWorld(t)
	w.must(exitDone, "apply", "--yes", file(t, webFile))
	return w
}

func TestApply(t *testing.T) {
	w := newWorld(t)
	path := file(t, webFile)
	says(t, w.must(exitUsage, "apply", path), "web is new, and converges to off at once: web-1, web-2, web-3", "--yes")
	w.typed = "wbe\n"
	says(t, w.must(exitRefused, "apply", path), "nothing was done")
	if w.writes != 0 {
		t.Fatalf("%d writes before anybody agreed", w.writes)
	}
	w.typed = "web\n"
	says(t, w.must(exitDone, "apply", "--reason", "first", path), "web: born at off, generation 1", "orch transition web on")
	w.typed = ""
	says(t, w.must(exitDone, "apply", path), "web: unchanged")
	says(t, w.must(exitDone, "apply", file(t, strings.Replace(webFile, "5m", "6m", 1))), "definition replaced")
	says(t, w.must(exitRefused, "apply", file(t, strings.ReplaceAll(strings.Replace(webFile, `state "off" { serving = false }`, "", 1), "off", "on"))), "drops state")
	says(t, w.must(exitError, "apply", file(t, `cluster "web" {`)), "Error:")
	if e := w.journal[0]; e.By != "ada@bastion" || e.Accessor != "acc-1" || e.Why != "first" {
		t.Errorf("the journal does not say who asked: %+v", e)
	}
}

func TestApplyWhileSomebodyLeads(t *testing.T) {
	w := applied(t)
	w.snapshot.Led, w.snapshot.Leader.Value.Who = true, "bob@desk"
	says(t, w.must(exitRefused, "apply", file(t, strings.Replace(webFile, "5m", "6m", 1))), "bob@desk leads it since", "orch status web --watch")
}

func TestTransition(t *testing.T) {
	w := applied(t)
	text := w.must(exitDone, "transition", "web", "on", "--reason", "CHG-1")
	says(t, text, "path: off -> on", "03:00:00Z  web  accepted    off -> on", "batch 1: 1 node of 3 members may go to on", "done: web is at on after")
	if !everywhere(w.at(), "on") {
		t.Errorf("nodes are at %v", w.at())
	}
	r := w.filed[0]
	if r.By != "ada@bastion" || r.Accessor != "acc-1" || r.Why != "CHG-1" || !states.ValidID(r.ID) || r.Generation != 1 || r.Transition == "" || r.Summary == "" {
		t.Errorf("the request is %+v", r)
	}
	says(t, w.must(exitDone, "transition", "web", "on"), "nothing to do")
	says(t, w.must(exitRefused, "transition", "web", "version"), "takes an argument")
	says(t, w.must(exitRefused, "plan", "web", "nowhere"), "find state")
	says(t, w.must(exitUsage, "transition", "web", "off"), "web serves, and off serves nobody", "--yes")
	w.typed = "web\n"
	says(t, w.must(exitDone, "transition", "web", "off"), "done: web is at off")
	says(t, w.must(exitError, "transition", "db", "off"))
}

func TestTransitionFails(t *testing.T) {
	w := applied(t)
	w.bad["web-2"] = true
	says(t, w.must(exitFailed, "transition", "web", "on"), "failed", "web-2", "orch why web")
	says(t, w.must(exitDone, "status", "web"), "PAUSED after a failure", "orch resume web --accept-failures")
	says(t, w.must(exitDone, "why", "web", "web-2"), "exit 1")
	says(t, w.must(exitRefused, "resume", "web"), "--accept-failures")
	says(t, w.must(exitFailed, "status", "web", "--watch"))
	says(t, w.must(exitDone, "resume", "web", "--accept-failures"), "done: web is at on")
	says(t, w.must(exitDone, "status", "web", "--watch"))
}

func TestTimeoutIsNoAbort(t *testing.T) {
	w := applied(t)
	w.slow = true
	text := w.must(exitUnfinished, "transition", "web", "on", "--timeout", "300ms")
	says(t, text, "--timeout", "0 of 3 nodes at on", "orch resume web")
	if w.snapshot.Record.Value.Status != states.Running || w.snapshot.Led {
		t.Errorf("the move is %s, led %v", w.snapshot.Record.Value.Status, w.snapshot.Led)
	}
	says(t, w.must(exitRefused, "transition", "web", "off", "--yes"), "ada@bastion moves web to on", "--supersede")
	says(t, w.must(exitDone, "pause", "web", "--reason", "lunch"), "paused by ada@bastion (lunch)")
	says(t, w.must(exitUnfinished, "status", "web", "--watch"))
	says(t, w.must(exitDone, "abort", "web"), "aborted by ada@bastion")
	says(t, w.must(exitRefused, "resume", "web"), "nothing to resume")
}

// anyRun and anyMove are ids, which differ each time because the request's does.
var (
	anyRun  = regexp.MustCompile(`r-[0-9a-f]{10}`)
	anyMove = regexp.MustCompile(`t-[0-9a-z]{16}-[0-9a-f]{8}`)
)

func TestReading(t *testing.T) {
	w := applied(t)
	w.must(exitDone, "transition", "web", "on")
	for name, line := range map[string][]string{
		"verb-status-all.txt": {"status"}, "verb-status.txt": {"status", "web"}, "verb-history.txt": {"history", "web"},
		"verb-show.txt": {"show", "web"}, "verb-plan.txt": {"plan", "web", "version", "42"}, "verb-why.txt": {"why", "web", "web-1"},
	} {
		text := w.must(exitDone, line...)
		if name != "verb-show.txt" {
			text = anyMove.ReplaceAllString(text, "t-20260314t030000z-01234567")
			golden(t, name, anyRun.ReplaceAllString(text, "r-0123456789"))
		} else {
			says(t, text, "# from ", `cluster "web"`)
		}
	}
	id := w.snapshot.Record.Value.ID
	says(t, w.must(exitDone, "history", "web", id), "led by: ada@bastion, epoch 2", "request: q-", "orders: web-1=r-")
	says(t, w.must(exitError, "history", "web", "t-none"), "no entry has it")
	says(t, w.must(exitError, "why", "web", "web-9"), "no node of that name")
}

func TestJSON(t *testing.T) {
	w := applied(t)
	for _, line := range [][]string{{"transition", "web", "on"}, {"status"}, {"status", "web"}, {"why", "web"}, {"why", "web", "web-1"},
		{"plan", "web", "version", "42"}, {"history", "web"}, {"show", "web"}, {"version"}, {"pause", "web"}, {"validate", file(t, webFile)},
		{"fmt", file(t, webFile)}} {
		w.must(exitDone, append(line, "-o", "json")...)
		var document struct{ Schema int }
		if err := json.Unmarshal(w.out.Bytes(), &document); err != nil || document.Schema != 1 {
			t.Errorf("orch %v: schema %d, %v\n%s", line, document.Schema, err, &w.out)
		}
	}
	w.must(exitRefused, "transition", "web", "nowhere", "-o", "json")
	w.must(exitError, "validate", file(t, "cluster {"), "-o", "json")
}

func TestUsage(t *testing.T) {
	w := newWorld(t)
	for line, part := range map[string]string{
		"status -out x":  "--output",
		"status --nope":  "unknown flag",
		"status -o yaml": "text or json",
		"stat":           "did you mean status",
		"statsu web":     "did you mean status",
		"stop web":       "orch pause CLUSTER",
		"undo web":       "orch rollback CLUSTER",
		"restart web":    "orch reconverge CLUSTER",
		"hold web web-1": "--reason",
		"hold web web-1 --reason x --until yesterday": "--until",
		"transition web on --step":                    "on a terminal",
		"why":                                         "none given",
		"completion foosh":                            "1 given",
		"transition web on --timeout -3s":             "longer than 0",
		"resume web --timeout -3s":                    "longer than 0",
		"promote web":                                 "orch approve",
		"transition web":                              "1 given",
		"transition web two words x":                  "4 given",
		"transition Web on":                           "small letters",
		"transition web -help":                        "--help",
		"transition web on --override gates":          "members, min_healthy, soak, gate[=NAME], requires=CLUSTER",
		"transition web on --override requires":       "requires=CLUSTER",
		"transition web on --override soak=5s":        "members, min_healthy, soak",
		"rollback web --override members":             "min_healthy, soak, gate[=NAME]",
		"retry web --node ..":                         "cannot be the name",
		"status --watch":                              "one cluster",
		"forget web ..":                               "cannot be the name",
		"apply --initial Nope x":                      "read state",
		"validate --var x x.hcl":                      "name=value",
	} {
		says(t, w.must(exitUsage, strings.Fields(line)...), part)
	}
}

// No line of the help is broken by a terminal of the usual width, where it would break within words.
func TestHelpFits(t *testing.T) {
	w := newWorld(t)
	w.width, w.height = 80, 24
	lines := 0
	var each func(cmd *cobra.Command)
	each = func(cmd *cobra.Command) {
		if cmd.Hidden || cmd.Name() == "help" || cmd.Parent() != nil && cmd.Parent().Name() == "completion" { // cobra's own
			return
		}
		for line := range strings.Lines(w.must(exitDone, append(strings.Fields(cmd.CommandPath())[1:], "--help")...)) {
			if lines++; cells(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s --help: %q", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			each(sub)
		}
	}
	each(newRoot(&app{env: func(string) string { return "" }}))
	if lines < 500 {
		t.Errorf("only %d lines were looked at", lines)
	}
}

func TestHelpHasEveryCode(t *testing.T) {
	w := newWorld(t)
	text := w.must(exitDone, "--help")
	for _, code := range []string{"    0  ", "    1  ", "    2  ", "    3  ", "    4  ", "    5  ", "    6  ", "  130  "} {
		says(t, text, code)
	}
	root := newRoot(&app{env: func(string) string { return "" }})
	var each func(*cobra.Command)
	each = func(cmd *cobra.Command) {
		if cmd.Short == "" && !cmd.Hidden {
			t.Errorf("%s has no help", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			each(sub)
		}
	}
	each(root)
}

func TestFmt(t *testing.T) {
	w := newWorld(t)
	path := file(t, "cluster   \"web\" {\n initial=\"off\"\n}\n")
	says(t, w.must(exitError, "fmt", "--check", path), path)
	says(t, w.must(exitError, "fmt", "--check", "-o", "json", path), `"changed": [`, path)
	says(t, w.must(exitDone, "fmt", path), path)
	if w.must(exitDone, "fmt", "--check", path) != "" {
		t.Error("what was laid out is not laid out")
	}
}
