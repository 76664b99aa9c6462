package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"orch/states"
	"orch/states/hostiletest"
	"orch/states/racetest"
)

// vicious is evil, what ends a string where it is quoted, and what fills screens.
var vicious = evil + "\u2028\u200b\x7f\"];evil[label=\"|evil|<b>\\" + strings.Repeat("endless ", 5_000) + evil

// asking are the verbs that show what lies in Consul, or answer somebody who wants something.
var asking = []string{"status", "status web", "why web", "why web web-2", "history web", "show web", "show web --definition", "graph web", "graph web --format dot",
	"graph web --format mermaid", "plan web version 7", "plan web off --simulate", "fsck web", "recover web", "status web --watch --timeout 20ms", "unlock web",
	"transition web version 8 --timeout 20ms", "resume web --timeout 20ms", "recover web off"}

// asJSON are those that answer in JSON as well.
var asJSON = []string{"status", "status web", "why web", "why web web-2", "history web", "show web", "graph web", "plan web version 7", "fsck web", "recover web", "unlock web"}

// room is a kind of documents, and how one string of one of them is spoiled.
type room struct {
	name   string
	places []hostiletest.Place
	spoil  func(w *world, p hostiletest.Place, text string)
}

func roomOf[T any](name string, find func(w *world) []*T) room {
	return room{name, hostiletest.Places[T](), func(w *world, p hostiletest.Place, text string) {
		for _, document := range find(w) {
			p.Set(reflect.ValueOf(document).Elem(), text)
		}
	}}
}

// rooms are all that commands read of Consul.
var rooms = []room{
	roomOf("status", func(w *world) []*states.Status { return []*states.Status{&w.snapshot.Nodes[1].Status.Value} }),
	roomOf("order", func(w *world) []*states.Order { return []*states.Order{&w.snapshot.Nodes[1].Order.Value} }),
	roomOf("record", func(w *world) []*states.Record { return []*states.Record{&w.snapshot.Record.Value} }),
	roomOf("desired", func(w *world) []*states.Desired { return []*states.Desired{&w.snapshot.Desired.Value} }),
	roomOf("leader", func(w *world) []*states.Leader { return []*states.Leader{&w.snapshot.Leader.Value} }),
	roomOf("freeze", func(w *world) []*states.Freeze {
		w.snapshot.Freeze.Index, w.snapshot.Frozen.Index = 7, 7
		return []*states.Freeze{&w.snapshot.Freeze.Value, &w.snapshot.Frozen.Value}
	}),
	roomOf("request", func(w *world) []*states.Request {
		w.snapshot.Requests = []states.Doc[states.Request]{doc(states.Request{ID: "q-1", Kind: states.AskPause, By: "bob", At: at("02:59:00"), Expires: at("03:59:00")})}
		return []*states.Request{&w.snapshot.Requests[0].Value}
	}),
	roomOf("entry", func(w *world) []*states.Entry { return []*states.Entry{&w.journal[0], &w.journal[len(w.journal)-1]} }),
	roomOf("elsewhere", func(w *world) []*elsewhere { return []*elsewhere{&w.far} }),
	{"problem", []hostiletest.Place{{Name: "of each document"}}, func(w *world, _ hostiletest.Place, text string) {
		n := &w.snapshot.Nodes[1]
		n.Status.Problem, n.Order.Problem, w.snapshot.Leader.Problem, w.snapshot.Freeze.Index = text, text, text, 7
		w.snapshot.Record.Problem, w.snapshot.Desired.Problem, w.snapshot.Definition.Problem, w.snapshot.Freeze.Problem = text, text, text, text
	}},
	{"name", []hostiletest.Place{{Name: "of a node"}}, func(w *world, _ hostiletest.Place, text string) { w.snapshot.Nodes[1].Name = text }},
	{"source", []hostiletest.Place{{Name: "of the definition"}}, func(w *world, _ hostiletest.Place, text string) { w.snapshot.Source += text }},
	{"answer", []hostiletest.Place{{Name: "of Consul"}}, func(w *world, _ hostiletest.Place, text string) {
		w.says = fmt.Errorf("ask: 500 %s: %w", text, states.ErrUnavailable)
	}},
}

// spoiled is a cluster that a failure stopped in mid-move, with most of what there is to show, and one
// text in one place of it.
func spoiled(t *testing.T, r room, p hostiletest.Place, text string) *world {
	w := applied(t)
	w.bad["web-2"] = true
	w.run("transition", "web", "version", "3", "--yes", "--reason", "for show")
	w.run("hold", "web", "web-3", "--reason", "disk")
	w.snapshot.Leader = doc(states.Leader{Schema: 1, Who: "bob", Since: at("02:59:00"), Epoch: 3, For: "q-1"})
	r.spoil(w, p, text)
	return w
}

// Whatever somebody puts into any text that commands read of Consul: nothing of it is obeyed by a
// terminal, it fills no screen, and JSON and graphs stay what they are.
func TestHostileFieldsOnScreens(t *testing.T) {
	for _, r := range rooms {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for i := 0; i < len(r.places); i += racetest.Every {
				p := r.places[i]
				w := spoiled(t, r, p, vicious)
				w.width = []int{0, 80, 120}[i%3]
				w.height = 24 * min(w.width, 1)
				before := w.snapshot
				for _, line := range asking {
					w.snapshot = before
					w.run(strings.Fields(line)...)
					w.harmless(t, r.name+p.Name+": orch "+line)
				}
				for _, line := range asJSON {
					w.snapshot = before
					if code := w.run(append(strings.Fields(line), "-o", "json")...); code == exitDone && !json.Valid(w.out.Bytes()) {
						t.Errorf("%s%s: orch %s -o json: %.300q", r.name, p.Name, line, w.out.String())
					}
					shownSafely(t, r.name+p.Name+": orch "+line+" -o json", w.out.String()+w.err.String())
				}
			}
		})
	}
}

// own are the sequences that orch itself writes to a terminal: the second screen, and colours.
var own = regexp.MustCompile(`\x1b\[(\?1049[hl]|\?25[hl]|\?2026[hl]|[HJK]|2J|0m|[12]m|1;31m|3[23]m)`)

// harmless asks of what was shown that no terminal obeys it, that it can be read on a few screens, and that
// a drawing holds no more than what is quoted.
func (w *world) harmless(t *testing.T, what string) {
	t.Helper()
	text := w.out.String() + w.err.String()
	shownSafely(t, what, own.ReplaceAllString(strings.ReplaceAll(text, "\r\n", "\n"), ""))
	if len(text) > 36_000 && !strings.Contains(what, "orch show") { // whoever wants the definition gets it whole

		t.Errorf("%s: %d bytes are shown of a text of %d", what, len(text), len(vicious))
	}
	if strings.Contains(what, "--format") && strings.Contains(quotedText.ReplaceAllString(text, ""), "evil") && !strings.HasPrefix(text, "orch: ") {
		t.Errorf("%s: it is drawn:\n%.2000s", what, text)
	}
}

// quotedText is what is between quotes in a drawing, and what is a comment.
var quotedText = regexp.MustCompile(`"(\\.|[^"\\])*"|%%[^\n]*|orch: [^\n]*`)
