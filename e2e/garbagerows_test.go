package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
)

// row is one thing that somebody puts where a good document lies, and what is said of it.
type row struct {
	name  string
	spoil func(good string) string
	says  string
}

// set gives another value to the first field of a name.
func set(name, value string) func(string) string {
	field := regexp.MustCompile(`"` + name + `": ("[^"]*"|[0-9]+|true|false)`)
	return func(good string) string {
		at := field.FindStringIndex(good)
		if at == nil {
			panic("no field " + name)
		}
		return good[:at[0]] + `"` + name + `": ` + value + good[at[1]:]
	}
}

func swap(old, with string) func(string) string {
	return func(good string) string {
		if !strings.Contains(good, old) {
			panic(old + " is not in " + good)
		}
		return strings.Replace(good, old, with, 1)
	}
}

func wide(good string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + good)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// deep is as deep as half a megabyte, which is all that Consul takes, lets it be.
func deep(string) string {
	return `{"schema": 1, "x": ` + strings.Repeat("[", 520_000)
}

// texts are what is no document at all, whichever it should be.
var texts = []row{
	{"UTF-16", wide, "not UTF-8"},
	{"a BOM", func(good string) string { return "\ufeff" + good }, "JSON"},
	{"NUL", func(good string) string { return good + "\x00" }, "JSON"},
	{"NUL in a name", swap(`"schema"`, "\"sche\x00ma\""), "JSON"},
	{"letter case", swap(`"schema"`, `"Schema"`), "spelled otherwise"},
	{"a letter that looks the same", swap(`"schema"`, `"ſchema"`), "spelled otherwise"},
	{"a name twice", swap(`"schema": 1`, `"schema": 1, "schema": 1`), "twice"},
	{"two documents", func(good string) string { return good + good }, "follows its end"},
	{"a list", func(good string) string { return "[" + good + "]" }, "no object"},
	{"nested as deep as it goes", deep, "deep"},
	{"512 KiB", func(string) string { return strings.Repeat("x", 512*1024) }, "JSON"},
	{"schema 99", swap(`"schema": 1`, `"schema": 99`), "schema is 99"},
	{"schema of the wrong type", swap(`"schema": 1`, `"schema": "1"`), "schema"},
	{"no schema", swap(`"schema": 1,`, ``), "no schema"},
}

// Whatever lies at the key that every agent watches: they keep what they are, run nothing, and say
// which key it is and why; so does why. Mended, it goes on by itself.
func TestGarbageRowsForAgents(t *testing.T) {
	const key = "clusters/web/desired"
	f := newField(t)
	f.web(`batches = ["100%"]`)
	f.nodes(2)
	f.ok("transition", "web", "waiting") // by a second leader
	good, before := f.consul.get(key), len(f.runs())
	rows := append([]row{
		{"letter case of what counts", swap(`"epoch"`, `"EPOCH"`), "spelled otherwise"},
		{"a generation twice", swap(`"generation":`, `"generation": 99, "generation":`), "twice"},
		{"an unknown state", set("name", `"gone"`), `state \"gone\" is none of`},
		{"a state that is a path", set("name", `"../../etc"`), "malformed"},
		{"an argument that is a command", swap(`"state": {`, `"state": {"argument": "$(reboot)",`), "malformed"},
		{"an argument that is an option", swap(`"state": {`, `"state": {"argument": "-rf",`), "malformed"},
		{"generation 0", set("generation", "0"), "start at 1"},
		{"generation -1", set("generation", "-1"), "not a document"},
		{"generation 2^63", set("generation", "9223372036854775808"), "below"},
		{"generation above 2^53", set("generation", "9007199254740993"), "below"},
		{"generation above all", set("generation", "18446744073709551616"), "not a document"},
		{"generation 1.5", set("generation", "1.5"), "not a document"},
		{"generation NaN", set("generation", "NaN"), "JSON"},
		{"generation in words", set("generation", `"7"`), "not a document"},
		{"a lower generation", set("generation", "1"), "is not followed"},
		{"epoch 0", set("epoch", "0"), "start at 1"},
		{"a lower epoch", set("epoch", "1"), "epoch 1 is below"},
		{"another move of the same generation", set("transition", `"t-other"`), "is not followed"},
		{"no timeout", set("timeout", `"0s"`), "timeout"},
		{"a timeout below 0", set("timeout", `"-1h"`), "timeout"},
		{"a timeout of 292 years", set("timeout", `"2562047h"`), "out of range"},
		{"a timeout that is none", set("timeout", `"soon"`), "not a document"},
		{"retries below 0", set("retries", "-1"), "retries"},
		{"retries above all", set("retries", "9000000000"), "out of range"},
		{"another cluster's", set("cluster", `"db"`), "it is that of cluster"},
		{"joiners of no kind", set("joiners", `"all"`), "joiners"},
	}, texts...)
	for _, r := range rows {
		f.consul.put(key, r.spoil(good))
		eventually(t, r.name+": both agents to refuse it", patience, func() bool {
			return f.refuses("web-01", r.says) && f.refuses("web-02", r.says)
		})
		if why, _ := f.orch("why", "web"); !strings.Contains(why, "desired") && !strings.Contains(why, "has seen more") {
			t.Errorf("%s: orch why does not name the key:\n%s", r.name, why)
		}
		f.consul.put(key, good)
		eventually(t, r.name+": both agents to go on", patience, func() bool {
			return len(f.phase("settled")) == 2 && f.node("web-01").Refused+f.node("web-02").Refused == ""
		})
	}
	f.stands(before)
	f.ok("transition", "web", "converged")
}

// refuses tells whether an agent says which document it does not follow, and why.
func (f *field) refuses(node, says string) bool {
	status := f.node(node)
	return status.Phase == "refusing" && strings.Contains(status.Refused, "desired") && strings.Contains(fmt.Sprintf("%q", status.Refused), says)
}

// stands fails when anything ran, or an agent ended, because of what lay there.
func (f *field) stands(before int) {
	f.t.Helper()
	if got := len(f.runs()); got != before {
		f.t.Errorf("%d runs because of garbage: %+v", got-before, f.runs())
	}
	for name, agent := range f.agents {
		if !agent.running() || strings.Contains(agent.text(), "panic:") {
			f.t.Errorf("the agent of %s did not stand it:\n%s", name, agent.text())
		}
	}
}

// Whatever lies at a key that leaders go by: they write nothing, let nobody go, and status and why
// name the key and the field. Mended, it goes on.
func TestGarbageRowsForLeaders(t *testing.T) {
	f := newField(t)
	f.web(`batches = [1]`)
	f.nodes(2)
	before := len(f.runs())
	const record, definition = "clusters/web/transition", "clusters/web/definition"
	good := map[string]string{record: f.consul.get(record), definition: f.consul.get(definition)}
	refused := func(key string, r row) {
		f.consul.put(key, r.spoil(good[key]))
		defer f.consul.put(key, good[key])
		for _, verb := range []string{"why", "status"} {
			text, code := f.orch(verb, "web")
			flat := strings.Join(strings.Fields(text), " ")
			if code > 6 || code == 2 || verb == "why" && (!strings.Contains(flat, key[len("clusters/web/"):]) || !strings.Contains(flat, r.says)) {
				t.Errorf("%s: orch %s does not name it, code %d:\n%s", r.name, verb, code, text)
			}
		}
		if text, code := f.orch("transition", "web", "waiting", "--timeout", "1s"); code == 0 || strings.Contains(text, "panic") {
			t.Errorf("%s: a move went through, code %d:\n%s", r.name, code, text)
		}
	}
	for _, r := range []row{
		{"a hop that there is not", set("hop", "7"), "hop is 7"},
		{"a hop below 0", set("hop", "-1"), "hop is -1"},
		{"no status", set("status", `""`), "status is"},
		{"a status of no kind", set("status", `"halfway"`), "status is"},
		{"a word that means nothing", set("on_failure", `"explode"`), "on_failure"},
		{"a batch below 0", swap(`"batches": [`, `"batches": [-1,`), "out of range"},
		{"a move of no name", set("id", `"../t"`), "malformed"},
		{"times that run over", set("converge_timeout", `"2562047h"`), "out of range"},
		{"nested as deep as it goes", deep, "deep"},
		{"schema 99", swap(`"schema": 1`, `"schema": 99`), "schema is 99"},
	} {
		refused(record, r)
	}
	for _, r := range []row{
		{"nested without measure", func(string) string { return `cluster "web" { initial = ` + strings.Repeat("[", 500_000) }, "brackets"},
		{"signs without measure", func(string) string { return `cluster "web" { initial = ` + strings.Repeat("!", 500_000) + "a }" }, "definition"},
		{"another cluster's", swap(`cluster "web"`, `cluster "db"`), "it is that of cluster"},
		{"UTF-16", wide, "definition"},
	} {
		refused(definition, r)
	}
	f.stands(before)
	f.ok("transition", "web", "waiting", "--supersede")
	f.atMost(1, f.to("waiting"))
}
