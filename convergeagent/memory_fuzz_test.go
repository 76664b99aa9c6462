package convergeagent

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// FuzzMemory: whatever lies in a state directory, it is taken whole and kept as it is, or refused with a
// word of what to do; a refused one stays where it is.
func FuzzMemory(f *testing.F) {
	run := states.Run{ID: "r-1", State: states.State{Name: "version", Argument: "42"}, Started: time.Date(2026, 3, 1, 2, 15, 0, 0, time.UTC), Tail: []string{"a line"}}
	full, err := json.Marshal(memory{Schema: states.Schema, Cluster: "web", Node: "web-01", Instance: "i-1", Mark: states.Mark{Epoch: 3, Generation: 7, Transition: "t-1"},
		State: run.State, Attempting: run.State, Last: run, Failed: run, Failures: 2, Session: "s-1", Drained: []drained{{}}, Drift: &states.Drift{}})
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{string(full), string(full[:len(full)/2]), string(full) + "{}", strings.ToUpper(string(full)), "", "{}", "null", "[]",
		`{"schema":1,"schema":1}`, `{"schema":99}`, `{"schema":1,"cluster":"web","node":"web-01","instance":"../i"}`, strings.Repeat(`{"last":`, 10_000)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &oneText{text: text}
		d, err := openDiary(s, "web", "web-01")
		if err != nil {
			if s.saved || !strings.Contains(err.Error(), "move the file away") {
				t.Fatalf("refused with %v; written over: %v", err, s.saved)
			}
			return
		}
		before := d.read()
		if err := d.write(func(m memory) memory { m.Failures++; return m }); err != nil {
			t.Fatal(err)
		}
		again, err := openDiary(s, "web", "web-01")
		if err != nil {
			t.Fatalf("what was read from %q and written as %q is not read again: %v", text, s.text, err)
		}
		before.Failures++
		if one, two := asJSON(t, before), asJSON(t, again.read()); one != two {
			t.Fatalf("written %s, read again %s", one, two)
		}
	})
}

func asJSON(t *testing.T, m memory) string {
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// oneText is a storage of one text.
type oneText struct {
	text  []byte
	saved bool
}

func (o *oneText) Load() ([]byte, error)           { return o.text, nil }
func (o *oneText) Path() string                    { return "agent.json" }
func (o *oneText) Save(text []byte) error          { o.text, o.saved = text, true; return nil }
func (o *oneText) Disabled() (*states.Word, error) { return nil, nil }
func (o *oneText) Close() error                    { return nil }
