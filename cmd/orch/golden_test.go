package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); if it should, go test ./cmd/orch -update\n%s", path, diff)
	}
}

// paged renders a page without colours.
func paged(width int, put func(*page)) string {
	p := &page{width: width}
	put(p)
	var b bytes.Buffer
	_ = p.writeTo(&b)
	return b.String()
}

func TestScreens(t *testing.T) {
	for _, story := range stories() {
		v := look(story.snapshot, place{"prod-eu1", "consul.eu1.example:8501"}, at(story.now))
		for _, width := range []int{80, 120} {
			for name, put := range map[string]func(*page){
				"status":  func(p *page) { v.statusScreen(p, statusOptions{}) },
				"live":    func(p *page) { v.statusScreen(p, statusOptions{live: true, leads: true}) },
				"all":     func(p *page) { v.statusScreen(p, statusOptions{all: true}) },
				"why":     v.whyCluster,
				"whynode": func(p *page) { v.whyNode(p, *find(v, story.node)) },
			} {
				if name == "live" && !story.snapshot.Led || name == "whynode" && story.node == "" || name == "all" && !story.all {
					continue
				}
				t.Run(story.name+" "+name, func(t *testing.T) {
					text := paged(width, put)
					golden(t, story.name+"-"+name+"-"+map[int]string{80: "80", 120: "120"}[width]+".txt", text)
					for _, line := range strings.Split(text, "\n") {
						if cells(line) > width {
							t.Errorf("%d columns, and only %d are there: %q", cells(line), width, line)
						}
					}
				})
			}
		}
	}
}

func find(v *view, name string) *nodeView {
	for i := range v.nodes {
		if v.nodes[i].Name == name {
			return &v.nodes[i]
		}
	}
	return nil
}

func TestJSONScreens(t *testing.T) {
	for _, story := range stories() {
		if !story.json {
			continue
		}
		v := look(story.snapshot, place{"prod-eu1", "consul.eu1.example:8501"}, at(story.now))
		for name, document := range map[string]any{"status": newStatusJSON(v), "why": newWhyJSON(v, find(v, story.node))} {
			var b bytes.Buffer
			if err := (&app{out: &b}).printJSON(document); err != nil {
				t.Fatal(err)
			}
			golden(t, story.name+"-"+name+".json", b.String())
		}
	}
}

// A cluster that stands is shown whole on a terminal of 24 lines, below the command and above the prompt.
func TestStandingFitsALowTerminal(t *testing.T) {
	for _, story := range stories() {
		if slices.Contains([]string{"paused", "gate", "awaiting", "closed", "born", "settled"}, story.name) {
			v := look(story.snapshot, place{"prod-eu1", "consul.eu1.example:8501"}, at(story.now))
			if n := strings.Count(paged(80, func(p *page) { v.statusScreen(p, statusOptions{}) }), "\n"); n > 22 {
				t.Errorf("%s takes %d lines", story.name, n)
			}
		}
	}
}
