package sense_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"orch/orchestrator"
	"orch/orchestrator/sense"
	"orch/states"
	"orch/states/hostiletest"
	"orch/states/memkv"
	"orch/states/store"
)

// vicious are texts that somebody may put wherever others write: what a terminal obeys, what nobody sees,
// what only looks like something else, and what fills a transaction.
var vicious = []string{"", " ", "\x00", "\xff\xfe", "\x1b]0;evil\x07\x1b[2J", "web-01\u200b", "web-01\x00", " web-01", "web-01\n", "web-02", "web\x1b[0m", "passing\x00", "PASSING", "passing\u200b",
	"pass\n", "PASS", "../web", `"`, "\u202egnp.bew", "a\nb\r\nc\u2028d", strings.Repeat("x", 300_000), "web-01" + strings.Repeat("\u200b", 100_000), strings.Repeat("x\n", 200_000)}

// others is a Consul in which somebody else wrote.
type others struct {
	check states.Check
	node  string
	err   error
}

func (o others) ServiceChecks(context.Context, string) ([]states.Check, error) {
	return []states.Check{o.check}, o.err
}
func (o others) ChecksByID(context.Context, []string) ([]states.Check, error) {
	return []states.Check{o.check}, o.err
}
func (o others) Holder(context.Context, string) (string, error) { return o.node, o.err }
func (o others) Tagged(context.Context, string, string) ([]string, error) {
	return []string{o.node}, o.err
}

// asked gives what a leader sees of all that, with these documents in its store.
func asked(t *testing.T, catalog others, documents map[string]any, ask orchestrator.Ask) states.Evidence {
	t.Helper()
	kv := memkv.New(time.Now)
	for key, document := range documents {
		text, err := json.Marshal(document)
		if as, is := document.(raw); is {
			text, err = []byte(as), nil
		}
		if err != nil {
			t.Fatal(err)
		}
		kv.Put("orch/"+key, string(text))
	}
	keys, err := store.NewKeys("orch")
	if err != nil {
		t.Fatal(err)
	}
	w := sense.New(catalog, store.New(kv.Client(), keys, nil), func() (map[string][]string, error) { return nil, catalog.err })
	defer w.Close()
	return w.Sense(t.Context(), ask, nil)
}

// fit asks of everything in some evidence that it can be shown anywhere, and is short.
func fit(t *testing.T, what string, evidence states.Evidence) {
	t.Helper()
	var walk func(at string, v reflect.Value)
	walk = func(at string, v reflect.Value) {
		switch {
		case v.Type() == reflect.TypeFor[time.Time]():
		case v.Kind() == reflect.String:
			text := v.String()
			bad := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
			if bad >= 0 || !utf8.ValidString(text) || len(text) > 400 {
				t.Errorf("%s: %s is %d bytes: %.200q", what, at, len(text), text)
			}
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				walk(at+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				walk(at, v.Index(i))
			}
		case v.Kind() == reflect.Map:
			for _, key := range v.MapKeys() {
				walk(at+"{"+fmt.Sprintf("%.20q", key)+"}", v.MapIndex(key))
			}
		}
	}
	walk("evidence", reflect.ValueOf(evidence))
}

// Whatever somebody puts into any field that a gate, a primary or a requirement rests on: what a leader
// takes from it can be shown and written down, and no name of it turns into that of another node or check.
func TestHostileEvidence(t *testing.T) {
	everything := everything("")
	everything.Gates = everything.Gates[2:] // by a vote; the others are below
	for _, text := range vicious {
		for _, p := range hostiletest.Places[states.Check]() {
			check := states.Check{Node: "web-01", ID: "web", Status: "passing", Output: "fine"}
			p.Set(reflect.ValueOf(&check).Elem(), text)
			what := fmt.Sprintf("%s = %.40q", p.Name, text)
			got := asked(t, others{check: check, node: "web-01"}, nil, everything)
			fit(t, what, got)
			for gate, checks := range got.Checks {
				if len(checks.Checks) != 1 {
					t.Fatalf("%s: %s has %+v", what, gate, checks)
				}
				if is := checks.Checks[0]; is.Node == "web-01" && check.Node != "web-01" || is.ID == "web" && check.ID != "web" || is.Passing() && !check.Passing() {
					t.Errorf("%s: it turned into %+v", what, is)
				}
			}
		}
		for _, role := range []states.Primary{{Service: "web", Tag: "primary"}, {Lock: "service/web/leader"}} {
			ask := everything
			ask.Primary = &role
			what := fmt.Sprintf("a primary %.40q", text)
			got := asked(t, others{node: text, check: states.Check{Node: "web-01"}}, nil, ask)
			fit(t, what, got)
			if len(got.Primary.Nodes) == 1 && got.Primary.Nodes[0] == "web-01" {
				t.Errorf("%s turned into another node", what)
			}
		}
		fit(t, fmt.Sprintf("an error %.40q", text), asked(t, others{err: errors.New("500 " + text)}, nil, everything))
	}
}

// The same for the documents of others: votes, and where a required cluster is.
func TestHostileDocumentsOfOthers(t *testing.T) {
	ask := everything("")
	ask.Gates, ask.Checks, ask.Primary = ask.Gates[2:], nil, nil
	for _, text := range vicious {
		for _, p := range hostiletest.Places[states.Vote]() {
			vote := states.Vote{Schema: 1, Outcome: states.GatePass, By: "carol"}
			p.Set(reflect.ValueOf(&vote).Elem(), text)
			what := fmt.Sprintf("%s = %.40q", p.Name, text)
			got := asked(t, others{}, map[string]any{"gates/qa": vote}, ask)
			fit(t, what, got)
			if got.Gates["qa"].Outcome == states.GatePass && vote.Outcome != states.GatePass {
				t.Errorf("%s passes: %+v", what, got.Gates["qa"])
			}
		}
	}
	for i, p := range hostiletest.Places[states.Desired]() {
		for _, text := range some(i) {
			desired := read[states.Desired](t, dbDesired)
			p.Set(reflect.ValueOf(&desired).Elem(), text)
			settles(t, fmt.Sprintf("%s = %.40q", p.Name, text), asked(t, others{}, map[string]any{"clusters/db/desired": desired, "clusters/db/transition": raw(dbRecord)}, ask), desired.State)
		}
	}
	for i, p := range hostiletest.Places[states.Record]() {
		for _, text := range some(i) {
			record := read[states.Record](t, dbRecord)
			p.Set(reflect.ValueOf(&record).Elem(), text)
			settles(t, fmt.Sprintf("%s = %.40q", p.Name, text), asked(t, others{}, map[string]any{"clusters/db/desired": raw(dbDesired), "clusters/db/transition": record}, ask), record.Target)
		}
	}
	for _, vote := range []string{`{"schema":1,"outcome":"pass","by":"carol","until":"0000-01-01T00:00:00Z"}`, `{"schema":1,"outcome":"pass","by":"carol","until":"1970-01-01T00:00:00Z"}`,
		`{"schema":-1,"outcome":"pass","by":"carol"}`, `{"schema":1e300,"outcome":"pass","by":"carol"}`, `{"schema":1,"outcome":1,"by":"carol"}`, `{"schema":1,"outcome":"pass"}`,
		`{"schema":1,"Outcome":"pass","by":"carol"}`, `{"schema":1,"outcome":"fail","outcome":"pass","by":"carol"}`, `["pass"]`, `"pass"`, `pass`, ``} {
		got := asked(t, others{}, map[string]any{"gates/qa": raw(vote)}, ask)
		fit(t, vote, got)
		if got.Gates["qa"].Outcome == states.GatePass {
			t.Errorf("%s passes: %+v", vote, got.Gates["qa"])
		}
	}
}

// some of the texts: others for each place.
func some(place int) (texts []string) {
	for i := place % 5; i < len(vicious); i += 5 {
		texts = append(texts, vicious[i])
	}
	return texts
}

// raw is put as it is, also where it is no JSON.
type raw string

// settles asks of where a required cluster is that it is fit, and that it is settled nowhere but where it says.
func settles(t *testing.T, what string, got states.Evidence, state states.State) {
	t.Helper()
	fit(t, what, got)
	if db := got.Elsewhere["db"]; db.Settled && !db.State.Same(state) {
		t.Errorf("%s: it is settled at %s", what, db.State)
	}
}

func read[T any](t *testing.T, text string) (document T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// And for whoever answers a gate of its own: an address, and a program.
func TestHostileAnswers(t *testing.T) {
	for _, text := range vicious {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			defer connection.Close()
			line := strings.NewReplacer("\n", " ", "\r", " ").Replace(text)
			fmt.Fprintf(connection, "HTTP/1.1 418 %.2000s\r\nContent-Length: %d\r\n\r\n%s", line, len(text), text)
		}))
		file := filepath.Join(t.TempDir(), "said")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w := sense.New(others{}, nil, func() (map[string][]string, error) {
			return map[string][]string{"lag": {"/bin/sh", "-c", "cat " + file + "; exit 7"}}, nil
		})
		ask := everything(server.URL)
		ask.Checks, ask.Elsewhere, ask.Primary, ask.Gates = nil, nil, nil, ask.Gates[:2]
		news, got := make(chan struct{}, 1), states.Evidence{}
		for got = w.Sense(t.Context(), ask, news); len(got.Gates) < 2; got = w.Sense(t.Context(), ask, news) {
			<-news
		}
		w.Close()
		server.Close()
		fit(t, fmt.Sprintf("%.40q", text), got)
		for name, reading := range got.Gates {
			if reading.Outcome != states.GateUnknown {
				t.Errorf("%.40q: gate %s says %+v", text, name, reading)
			}
		}
	}
}
