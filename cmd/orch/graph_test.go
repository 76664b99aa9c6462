package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"orch/states"
	"orch/states/skiptest"
)

// travelling is a cluster on the second of three hops, one of which only "*" allows.
func travelling() states.Snapshot {
	s := running()
	s.Definition.Value.States = []states.StateDef{{Name: "off"}, {Name: "end"}, {Name: "converged", Serving: true},
		{Name: "version", Serving: true, Argument: &states.Argument{}}}
	s.Definition.Value.Transitions = []states.Transition{{To: "off", From: []string{"*"}}, {To: "end", From: []string{"off"}},
		{To: "converged", From: []string{"end"}}, {To: "version", From: []string{"converged", "version"}}}
	s.Definition.Value.Initial = "off"
	record := s.Record.Value
	record.Start, record.Hop = states.State{Name: "end"}, 1
	record.Hops = []states.Hop{{State: states.State{Name: "converged", Serving: true}}, {State: release(43)}, {State: states.State{Name: "off"}}}
	record.Target = record.Hops[2].State
	s.Record = doc(record)
	return s
}

func TestGraph(t *testing.T) {
	for _, story := range []story{{name: "running", snapshot: running()}, {name: "settled", snapshot: settled()},
		{name: "back", snapshot: goingBack()}, {name: "garbage", snapshot: garbage()}, {name: "travelling", snapshot: travelling()}} {
		t.Run(story.name, func(t *testing.T) {
			v := look(story.snapshot, place{"prod-eu1", "consul.eu1.example:8501"}, at("02:19:12"))
			golden(t, "graph-"+story.name+"-80.txt", paged(80, v.graphScreen))
			g := newGraphJSON(v)
			golden(t, "graph-"+story.name+".dot", dotOf(g))
			golden(t, "graph-"+story.name+".mmd", mermaidOf(g))
			var b bytes.Buffer
			if err := (&app{out: &b}).printJSON(g); err != nil {
				t.Fatal(err)
			}
			golden(t, "graph-"+story.name+".json", b.String())
			for form, parse := range map[string]func(*testing.T, string) (nodes []string, moves [][2]string){"dot": parseDOT, "mermaid": parseMermaid} {
				nodes, moves := parse(t, graphForms[form](g))
				if len(nodes) != len(g.States) || len(moves) != len(g.Moves) {
					t.Errorf("%s has %v and %v", form, nodes, moves)
				}
				for _, m := range moves {
					if !slices.Contains(nodes, m[0]) || !slices.Contains(nodes, m[1]) {
						t.Errorf("%s: a move between what is not declared: %v", form, m)
					}
				}
			}
		})
	}
}

func TestGraphMarksThePath(t *testing.T) {
	g := newGraphJSON(look(travelling(), place{}, at("02:19:12")))
	if g.State != "converged" || g.Target != "off" {
		t.Errorf("it is at %q, on its way to %q", g.State, g.Target)
	}
	found := map[string]graphMove{}
	for _, m := range g.Moves {
		found[m.From+" "+m.To] = m
	}
	for move, want := range map[string]graphMove{"end converged": {Hop: hopDone}, "converged version": {Hop: hopUnderWay},
		"version off": {Hop: hopAhead, Any: true}, "end off": {Any: true}, "off end": {}} {
		if got, legal := found[move]; !legal || got.Hop != want.Hop || got.Any != want.Any {
			t.Errorf("%s is %+v", move, got)
		}
	}
	if _, legal := found["off off"]; legal {
		t.Error(`"*" stands for the other states only`)
	}
}

func TestGraphVerb(t *testing.T) {
	w := applied(t)
	says(t, w.must(exitDone, "graph", "web"), "*  off", "(off)")
	says(t, w.must(exitDone, "graph", "web", "--format", "dot"), `digraph "web" {`)
	says(t, w.must(exitDone, "graph", "web", "--format", "mermaid"), "flowchart LR")
	says(t, w.must(exitDone, "graph", "web", "-o", "json"), `"cluster": "web"`)
	says(t, w.must(exitUsage, "graph", "web", "--format", "svg"), "text, dot or mermaid")
	says(t, w.must(exitUsage, "graph", "web", "--format", "dot", "-o", "json"), "exclude each other")
	w.snapshot.Definition.Problem = "line 3: what is this"
	says(t, w.must(exitError, "graph", "web"), "line 3", "apply it again")
}

// drawn are the graphs that real parsers are given.
func drawn() []graphJSON {
	var graphs []graphJSON
	for _, s := range []states.Snapshot{running(), settled(), goingBack(), travelling()} {
		graphs = append(graphs, newGraphJSON(look(s, place{}, at("02:19:12"))))
	}
	return graphs
}

// TestGraphviz gives what is drawn to Graphviz itself, where that is installed, as make tools does.
func TestGraphviz(t *testing.T) {
	dot, err := exec.LookPath("dot")
	if err != nil {
		skiptest.Lacks(t, "graphviz is not installed: make tools installs it")
	}
	for _, g := range drawn() {
		cmd := exec.Command(dot, "-Tsvg")
		cmd.Stdin = strings.NewReader(dotOf(g))
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("</svg>")) || bytes.Contains(out, []byte("Warning")) {
			t.Errorf("%v: %s", err, out)
		}
	}
}

// TestMermaid has Mermaid itself draw it, in a browser: ORCH_MERMAID names its mermaid.min.js, as the npm
// package mermaid brings it.
func TestMermaid(t *testing.T) {
	script, browser := os.Getenv("ORCH_MERMAID"), ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && browser == "" {
			browser = path
		}
	}
	if script == "" || browser == "" {
		t.Skip("no Mermaid: ORCH_MERMAID is to name its mermaid.min.js, and Chromium is to be there; the parser in this file has looked at all of it")
	}
	texts := []string{"flowchart LR\n  a[\" --> b"} // what is wrong has to be told from what is right
	for _, g := range drawn() {
		texts = append(texts, mermaidOf(g))
	}
	list, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page.html")
	text := `<body><script src="file://` + script + `"></script><script type="module">
const says = []
for (const text of ` + string(list) + `) {
  try { await mermaid.render("drawn", text); says.push("drawn") } catch (e) { says.push("no") }
}
document.body.innerHTML = "<p>says: " + says.join(" ") + ".</p>"
</script></body>`
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=20000", "--dump-dom", "file://"+page).Output()
	if want := "says: no drawn drawn drawn drawn."; err != nil || !bytes.Contains(out, []byte(want)) {
		t.Errorf("want %q, %v: %s", want, err, out)
	}
}

var (
	dotString = `"(?:[^"\\\n]|\\["\\n])*"`
	dotLook   = `[a-z]+=(?:[a-z0-9]+|` + dotString + `)`
	dotLooks  = `\[(?:` + dotLook + `(?:, ` + dotLook + `)*)?\]`
	dotHead   = regexp.MustCompile(`^digraph ` + dotString + ` \{$`)
	dotPlain  = regexp.MustCompile(`^  (?:rankdir=LR|node ` + dotLooks + `)$`)
	dotNode   = regexp.MustCompile(`^  (` + dotString + `) ` + dotLooks + `$`)
	dotMove   = regexp.MustCompile(`^  (` + dotString + `) -> (` + dotString + `) ` + dotLooks + `$`)
)

// parseDOT reads as much of the DOT language as orch writes, and nothing else.
func parseDOT(t *testing.T, text string) (nodes []string, moves [][2]string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if !dotHead.MatchString(lines[0]) || lines[len(lines)-1] != "}" {
		t.Fatalf("it does not begin or end as a graph:\n%s", text)
	}
	for _, line := range lines[1 : len(lines)-1] {
		node, move := dotNode.FindStringSubmatch(line), dotMove.FindStringSubmatch(line)
		switch {
		case dotPlain.MatchString(line):
		case move != nil:
			moves = append(moves, [2]string{move[1], move[2]})
		case node != nil:
			nodes = append(nodes, node[1])
		default:
			t.Fatalf("this line means nothing: %q", line)
		}
	}
	return nodes, moves
}

var (
	mermaidNode  = regexp.MustCompile(`^  (s[0-9]+)\["([^"<>]|<br/>)+"\]$`)
	mermaidMove  = regexp.MustCompile(`^  (s[0-9]+) (?:-->|==>|-\.->)(?:\|[a-z, ]+\|)? (s[0-9]+)$`)
	mermaidClass = regexp.MustCompile(`^  (?:classDef [a-z]+ fill:#[0-9a-f]{6}|class s[0-9]+(?:,s[0-9]+)* [a-z]+)$`)
)

// parseMermaid reads as much of Mermaid's flowcharts as orch writes, and nothing else.
func parseMermaid(t *testing.T, text string) (nodes []string, moves [][2]string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if !strings.HasPrefix(lines[0], "%% ") || lines[1] != "flowchart LR" {
		t.Fatalf("it does not begin as a flowchart:\n%s", text)
	}
	for _, line := range lines[2:] {
		node, move := mermaidNode.FindStringSubmatch(line), mermaidMove.FindStringSubmatch(line)
		switch {
		case mermaidClass.MatchString(line):
		case move != nil:
			moves = append(moves, [2]string{move[1], move[2]})
		case node != nil:
			nodes = append(nodes, node[1])
		default:
			t.Fatalf("this line means nothing: %q", line)
		}
	}
	return nodes, moves
}
