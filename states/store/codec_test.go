package store

import (
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"orch/states"
)

func sampleDesired() states.Desired {
	attributes := map[string]string{"channel": "stable <&> \u2028"}
	return states.Desired{Summary: "to version 42", Schema: states.Schema,
		Mark:   states.Mark{Epoch: 3, Generation: 7, Transition: "0b5c41d2"},
		State:  states.State{Name: "version", Argument: "42", Attributes: attributes, Digest: states.Digest(attributes), Serving: true},
		Stable: states.State{Name: "version", Argument: "41", Serving: true}, From: []states.State{{}},
		Joiners: states.JoinersStable, Timeout: states.Duration(90 * time.Second)}
}

func sampleOrder() states.Order {
	return states.Order{Summary: "go", Schema: states.Schema, Transition: "0b5c41d2", Generation: 7,
		State: states.State{Name: "version", Argument: "42"}, Instance: "1nstance", Run: "run-1", Timeout: states.Duration(time.Minute)}
}

func sampleStatus() states.Status {
	return states.Status{Summary: "settled", Schema: states.Schema, Instance: "1nstance", Phase: states.Settled,
		State: states.State{Name: "version", Argument: "41"}, Since: time.Date(2026, 3, 1, 2, 15, 0, 1, time.UTC)}
}

func sampleRequest() states.Request {
	at := time.Date(2026, 3, 1, 2, 15, 0, 0, time.UTC)
	return states.Request{Schema: states.Schema, ID: "r1", Kind: states.AskTransition, Target: states.Ref{Name: "version", Argument: "42"},
		By: "ada@bastion", At: at, Expires: at.Add(time.Hour)}
}

// parses tells how a document is read.
func parses[T any](text string) string {
	return decode[T](nil, Pair{Key: "k", Value: []byte(text), Index: 7}).Problem
}

func TestOwnDocumentsAreRead(t *testing.T) {
	for name, problem := range map[string]string{
		"desired": parses[states.Desired](string(encode(sampleDesired()))),
		"order":   parses[states.Order](string(encode(sampleOrder()))),
		"status":  parses[states.Status](string(encode(sampleStatus()))),
		"request": parses[states.Request](string(encode(sampleRequest()))),
		"record":  parses[states.Record](string(encode(sampleRecord()))),
		"entry":   parses[states.Entry](string(encode(states.Entry{Schema: states.Schema, Seq: 1, Event: states.EventBorn}))),
		"leader":  parses[states.Leader](string(encode(states.Leader{Schema: states.Schema}))),
		"freeze":  parses[states.Freeze](string(encode(states.Freeze{Schema: states.Schema}))),
	} {
		if problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
	}
	if text := string(encode(sampleDesired())); !strings.Contains(text, "<&>") || !strings.Contains(text, "\n  \"summary\": ") {
		t.Errorf("not what people read easily:\n%s", text)
	}
}

// edit makes a document that is wrong in one place.
func edit(t *testing.T, document any, old, new string) string {
	t.Helper()
	text := string(encode(document))
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in %s", old, text)
	}
	return strings.Replace(text, old, new, 1)
}

func utf16le(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// hostile is what must never be taken for a desired state, and a word of why.
func hostile(t *testing.T) map[string][2]string {
	good := string(encode(sampleDesired()))
	deep := strings.Repeat(`{"a":`, 100_000)
	return map[string][2]string{
		"nothing":              {"", "empty"},
		"blanks":               {" \n\t\r\n", "empty"},
		"cut off":              {good[:len(good)/2], "JSON"},
		"cut off at the end":   {strings.TrimSuffix(good, "}\n"), "JSON"},
		"513 KiB":              {good + strings.Repeat(" ", 513*1024), "bytes"},
		"512 KiB of one word":  {strings.Repeat("x", 512*1024), "JSON"},
		"byte order mark":      {"\ufeff" + good, "JSON"},
		"NUL bytes":            {"\x00" + good, "JSON"},
		"NUL in a string":      {edit(t, sampleDesired(), "to version 42", "to\x00version"), "JSON"},
		"UTF-16":               {utf16le(good), "UTF-8"},
		"bad UTF-8":            {edit(t, sampleDesired(), "to version 42", "to \xc3\x28"), "UTF-8"},
		"a name twice":         {edit(t, sampleDesired(), `"epoch"`, `"epoch": 9, "epoch"`), "twice"},
		"a name twice, inside": {edit(t, sampleDesired(), `"name"`, `"name": "x", "name"`), "twice"},
		"a name twice, escape": {edit(t, sampleDesired(), `"epoch"`, `"\u0065poch": 9, "epoch"`), "twice"},
		"a name in capitals":   {edit(t, sampleDesired(), `"epoch"`, `"Epoch": 9, "epoch"`), "spelled otherwise"},
		"only in capitals":     {edit(t, sampleDesired(), `"epoch"`, `"EPOCH"`), "spelled otherwise"},
		"a name like ours":     {edit(t, sampleDesired(), `"schema"`, `"ſchema"`), "spelled otherwise"},
		"in capitals, inside":  {edit(t, sampleDesired(), `"argument"`, `"Argument": "43", "argument"`), "spelled otherwise"},
		"text after the end":   {good + "{}", "follows"},
		"a word after the end": {good + "true", "follows"},
		"junk after the end":   {good + "!", "follows"},
		"a list":               {"[" + good + "]", "object"},
		"null":                 {"null", "object"},
		"a string":             {`"` + "version 42" + `"`, "object"},
		"a number":             {"1", "object"},
		"deep objects":         {deep, "deep"},
		"deep lists, inside":   {`{"from":` + strings.Repeat("[", 250_000), "deep"},
		"deep lists":           {strings.Repeat("[", 100_000), "object"},
		"unbalanced":           {`{"schema": 1]`, "JSON"},
		"only a close":         {"}", "JSON"},
		"HTML of a proxy":      {"<html><body>502 Bad Gateway</body></html>", "JSON"},
		"HCL":                  {`cluster "web" {}`, "JSON"},
	}
}

// impossible is JSON that is no desired state.
func impossible(t *testing.T) map[string][2]string {
	return map[string][2]string{
		"schema 99":            {edit(t, sampleDesired(), `"schema": 1`, `"schema": 99`), "understands 1"},
		"schema 0":             {edit(t, sampleDesired(), `"schema": 1`, `"schema": 0`), "understands 1"},
		"no schema":            {edit(t, sampleDesired(), `"schema": 1,`, ""), "no schema"},
		"schema null":          {edit(t, sampleDesired(), `"schema": 1`, `"schema": null`), "no schema"},
		"schema text":          {edit(t, sampleDesired(), `"schema": 1`, `"schema": "1"`), "not a document"},
		"schema 1.5":           {edit(t, sampleDesired(), `"schema": 1`, `"schema": 1.5`), "not a document"},
		"epoch text":           {edit(t, sampleDesired(), `"epoch": 3`, `"epoch": "3"`), "not a document"},
		"epoch negative":       {edit(t, sampleDesired(), `"epoch": 3`, `"epoch": -3`), "not a document"},
		"epoch huge":           {edit(t, sampleDesired(), `"epoch": 3`, `"epoch": 99999999999999999999999`), "not a document"},
		"state text":           {edit(t, sampleDesired(), `"stable": {`, `"stable": "version 41", "x": {`), "not a document"},
		"from no list":         {edit(t, sampleDesired(), `"from": [`, `"from": 7, "x": [`), "not a document"},
		"timeout of words":     {edit(t, sampleDesired(), `"1m30s"`, `"soon"`), "not a document"},
		"timeout a number":     {edit(t, sampleDesired(), `"1m30s"`, `90`), "not a document"},
		"epoch 0":              {edit(t, sampleDesired(), `"epoch": 3`, `"epoch": 0`), "not possible"},
		"generation out of it": {edit(t, sampleDesired(), `"generation": 7`, `"generation": 9007199254740993`), "not possible"},
		"a path as transition": {edit(t, sampleDesired(), `0b5c41d2`, `../0b5c41d2`), "not possible"},
		"unknown joiners":      {edit(t, sampleDesired(), `"joiners": "stable"`, `"joiners": "all"`), "not possible"},
		"no time at all":       {edit(t, sampleDesired(), `"1m30s"`, `"0s"`), "not possible"},
		"negative time":        {edit(t, sampleDesired(), `"1m30s"`, `"-1m30s"`), "not possible"},
		"a state that is code": {edit(t, sampleDesired(), `"name": "version"`, `"name": "$(reboot)"`), "not possible"},
		"an argument as flag":  {edit(t, sampleDesired(), `"argument": "42"`, `"argument": "--force"`), "not possible"},
		"a digest of others":   {edit(t, sampleDesired(), states.Digest(sampleDesired().State.Attributes), "000000000000"), "not possible"},
		"state missing":        {edit(t, sampleDesired(), `"state"`, `"stat"`), "not possible"},
		"an order":             {string(encode(sampleOrder())), "not"},
	}
}

func TestHostileDocuments(t *testing.T) {
	rows := hostile(t)
	maps.Copy(rows, impossible(t))
	for name, row := range rows {
		doc := decode[states.Desired](nil, Pair{Key: "k", Value: []byte(row[0]), Index: 7})
		if !strings.Contains(doc.Problem, row[1]) || doc.OK() || !doc.There() {
			t.Errorf("%s: problem %q; want %q in it", name, states.Clip(doc.Problem, 200), row[1])
		}
		if doc.Value.Epoch != 0 || !doc.Value.State.None() {
			t.Errorf("%s: part of it is there to be used: %+v", name, doc.Value)
		}
		if len(doc.Problem) > 1000 {
			t.Errorf("%s: its problem takes %d bytes to tell", name, len(doc.Problem))
		}
	}
}

func TestImpossibleValuesOfOthers(t *testing.T) {
	for name, problem := range map[string]string{
		"order: no run, no word":     parses[states.Order](`{"schema":1}`),
		"order: run without state":   parses[states.Order](edit(t, sampleOrder(), `"version"`, `"no such name"`)),
		"order: no time":             parses[states.Order](edit(t, sampleOrder(), `"1m"`, `"0s"`)),
		"order: generation 0":        parses[states.Order](edit(t, sampleOrder(), `"generation": 7`, `"generation": 0`)),
		"order: another's instance":  parses[states.Order](edit(t, sampleOrder(), `1nstance`, `a/b`)),
		"status: no instance":        parses[states.Status](`{"schema":1}`),
		"status: planted epoch":      parses[states.Status](edit(t, sampleStatus(), `"epoch": 0`, `"epoch": 18446744073709551615`)),
		"status: time of words":      parses[states.Status](edit(t, sampleStatus(), `2026-03-01`, `the first of march`)),
		"request: nobody asks":       parses[states.Request](edit(t, sampleRequest(), `ada@bastion`, ``)),
		"request: unknown kind":      parses[states.Request](edit(t, sampleRequest(), `"transition"`, `"reboot"`)),
		"request: target is options": parses[states.Request](edit(t, sampleRequest(), `"42"`, `"--all"`)),
	} {
		if problem == "" {
			t.Errorf("%s: nothing is wrong with it", name)
		}
	}
}

// An old reader meets what a newer writer of the same schema adds.
func TestUnknownFieldsArePassedOver(t *testing.T) {
	text := edit(t, sampleDesired(), `"schema": 1`, `"schema": 1, "newer": {"than": ["this"]}`)
	if problem := parses[states.Desired](text); problem != "" {
		t.Error(problem)
	}
}

func TestNothingIsNoProblem(t *testing.T) {
	if doc := decode[states.Desired](nil, Pair{Key: "k"}); doc.There() || doc.Problem != "" {
		t.Errorf("a missing document is %+v", doc)
	}
}

func sampleRecord() states.Record {
	return states.Record{Schema: states.Schema, ID: "t-1", Status: states.Running, Hops: []states.Hop{{State: sampleDesired().State, Policy: states.BuiltIn()}}}
}
