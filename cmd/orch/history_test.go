package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"orch/orchestrator"
	"orch/states"
)

// pastEntries is a journal in which a definition was applied, a move accepted and another refused.
func pastEntries() historyJSON {
	desired := func(generation uint64, state states.State, open bool) *states.Desired {
		return &states.Desired{Summary: fmt.Sprintf("to %s, generation %d", state, generation), Schema: 1, State: state, Stable: release(42),
			Mark: states.Mark{Epoch: 9, Generation: generation, Transition: "t-7"}, From: []states.State{release(42)}, Open: open,
			Joiners: states.JoinersStable, Known: []string{"off", "version"}}
	}
	entry := func(seq uint64, event, reason string) states.Entry {
		return states.Entry{Schema: 1, Seq: seq, At: at("02:14:02"), Epoch: 9, Generation: 17, Transition: "t-7", Event: event, Reason: reason,
			Leader: "ada@bastion-2", By: "ada@bastion-2", Accessor: "6a1253d2-1785-24fd-91c2-f8e78c745511", Status: states.Running, StatusBefore: states.Done}
	}
	applied := entry(211, states.EventApplied, "definition replaced")
	applied.Request, applied.Kind, applied.Why = "q-6", "apply", "CHG-4711: slower, after the incident of last week, as agreed with everybody who was in the room"
	applied.Definition, applied.DefinitionBefore, applied.StatusBefore = "b2c3d4e5f607", "a1b2c3d4e5f6", states.Running
	text := "cluster \"web-eu\" {\n  initial = \"off\"\n\n  state \"off\" {\n    serving = false\n  }\n\n  transition \"version\" {\n    from    = [\"off\", \"version\"]\n    batches = [\"1\", \"25%\"]\n  }\n}\n"
	applied.TextBefore, applied.Text = text, strings.Replace(text, `["1", "25%"]`, `["1", "10%", "25%"]`, 1)
	accepted := entry(212, states.EventAccepted, "version 42 -> version 43")
	accepted.Request, accepted.Kind, accepted.Overrides, accepted.Plan = "q-7", states.AskTransition, []string{"soak"}, "sha256:0b5c41d2"
	accepted.Before, accepted.Desired = desired(16, release(42), true), desired(17, release(43), false)
	ordered := entry(213, states.EventBatch, "batch 1: 1 node of 30 members may go to version 43: web-eu-01; canary")
	ordered.By, ordered.Accessor, ordered.StatusBefore = "", "", states.Running
	ordered.Nodes, ordered.Orders = []string{"web-eu-01"}, map[string]string{"web-eu-01": "r-0123456789", "web-eu-02": "void"}
	cut := entry(214, states.EventCompacted, "the journal begins with entry 120 from now on")
	cut.By, cut.Accessor, cut.From, cut.Restated = "", "", 120, map[string]string{"orders/web-eu-09": "x"}
	return historyJSON{Schema: 1, Cluster: "web-eu", Entries: []states.Entry{applied, accepted, ordered, cut}, Problems: []string{"it is empty"}}
}

// checkedClusters are one that is clean and one in which everything was edited.
func checkedClusters() fsckJSON {
	clean := checkedJSON{Cluster: "db", Clean: true, Entries: 41, First: 1, Last: 41, Keys: 6, Faults: []orchestrator.Finding{}, Notes: []orchestrator.Finding{}}
	faults := []orchestrator.Finding{
		{Kind: orchestrator.FoundDeleted, Key: "journal/000000000140", Entry: 140, Text: "entries 140 to 143 are not there, and no compaction took them"},
		{Kind: orchestrator.FoundEdited, Key: "journal/000000000151", Entry: 151, Text: "entry 151 is not the one that entry 152 was written after"},
		{Kind: orchestrator.FoundEdited, Key: "desired", Entry: 212, Text: "it is not as entry 212 wrote it"},
		{Kind: orchestrator.FoundPlanted, Key: "orders/web-eu-99", Text: "no entry of the journal ever wrote it; it cannot be used: it is not JSON as orch writes it: invalid character 'x' looking for beginning of value"},
	}
	notes := []orchestrator.Finding{{Kind: orchestrator.FoundUnchecked, Key: "journal/000000000139", Entry: 139, Text: "whether entry 139 is as it was written cannot be told: entry 140 does not tell"}}
	return fsckJSON{Schema: 1, Clusters: []checkedJSON{clean, {Cluster: "web-eu", Entries: 91, First: 120, Last: 214, Keys: 33, Faults: faults, Notes: notes}}}
}

func TestJournalScreens(t *testing.T) {
	for name, put := range map[string]func(*page){
		"history-list":  func(p *page) { journal(p, pastEntries(), false) },
		"history-entry": func(p *page) { journal(p, pastEntries(), true) },
		"fsck":          func(p *page) { fsckScreen(p, checkedClusters()) },
	} {
		for _, width := range []int{80, 120} {
			text := paged(width, put)
			golden(t, fmt.Sprintf("%s-%d.txt", name, width), text)
			for line := range strings.SplitSeq(text, "\n") {
				if cells(line) > width {
					t.Errorf("%s: %d columns, and only %d are there: %q", name, cells(line), width, line)
				}
			}
		}
	}
	for name, document := range map[string]any{"history-entry": pastEntries(), "fsck": checkedClusters()} {
		var b bytes.Buffer
		if err := (&app{out: &b}).printJSON(document); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", b.String())
	}
}

func TestHistoryOfOneThing(t *testing.T) {
	w := applied(t)
	w.must(exitDone, "apply", "--reason", "slower", file(t, strings.Replace(webFile, "5m", "6m", 1)))
	text := w.must(exitDone, "history", "web", "2")
	says(t, text, "definition replaced", "accessor: acc-1", "reason: slower", ", apply", " -> ", "-     ", "+     ")
	if strings.Contains(text, "born at") {
		t.Errorf("it shows other entries:\n%s", text)
	}
	w.must(exitDone, "transition", "web", "on", "--reason", "CHG-1")
	text = w.must(exitDone, "history", "web", w.filed[0].ID)
	says(t, text, "request: "+w.filed[0].ID+", transition", `-   "generation": 1`, `+   "generation": 2`, "transition: done -> running")
	says(t, w.must(exitError, "history", "web", "99"), "no entry has it")
}

func TestFsckVerb(t *testing.T) {
	w := applied(t)
	w.must(exitDone, "transition", "web", "on")
	says(t, w.must(exitDone, "fsck", "web"), "web: clean", "entries 1 to 8 of the journal", "without a chain")
	says(t, w.must(exitDone, "fsck"), "web: clean")
	w.snapshot.Desired.Value.Generation = 1
	says(t, w.must(exitError, "fsck", "web"), "lower", "desired: its generation is 1")
	says(t, w.must(exitError, "fsck", "-o", "json"), `"clean": false`, `"kind": "lower"`)
	says(t, w.must(exitError, "fsck", "nowhere"), "there is none of that name")
}

func TestDifference(t *testing.T) {
	for _, test := range []struct{ before, after, want string }{
		{"", "", ""},
		{"a\nb\n", "a\nb\n", "~"},
		{"", "a\nb\n", "+a +b"},
		{"a\n", "", "-a"},
		{"a\nb\nc\n", "a\nx\nc\n", " a -b +x  c"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\nX\n9\n", "~  6  7  8 +X  9"},
		{"a\nb\nc\nd\n", "b\nc\ne\nd\n", "-a  b  c +e  d"},
	} {
		var got []string
		for _, c := range difference(test.before, test.after) {
			got = append(got, string(c.sign)+c.line)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("from %q to %q: %q, want %q", test.before, test.after, strings.Join(got, " "), test.want)
		}
	}
}
