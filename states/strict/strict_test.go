package strict_test

import (
	"strings"
	"testing"
	"time"

	"orch/states"
	"orch/states/strict"
)

// part is embedded, as marks and words are.
type part struct {
	Epoch uint64 `json:"epoch"`
}

type sample struct {
	part
	Schema int               `json:"schema"`
	Kind   string            `json:"kind"`
	Nodes  map[string]string `json:"nodes"`
	Inner  *sample           `json:"inner"`
	List   []part            `json:"list"`
	At     time.Time         `json:"at"`
	Wait   states.Duration   `json:"wait"`
	Hidden string            `json:"-"`
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		`{"schema":1,"epoch":2,"at":"2026-03-01T00:00:00Z","wait":"1m"}`: "",
		`{"nodes":{"web-01":"a","WEB-01":"b"}}`:                          "", // two nodes
		`{"Hidden":"x","hidden":"y","newer":{"Schema":1,"schema":2}}`:    "", // nobody reads those
		`{"inner":{"inner":{"list":[{"epoch":1},{}]}},"list":null}`:      "",
		` {} `:                             "",
		``:                                 "empty",
		` `:                                "empty",
		"{\"kind\":\"\xff\"}":              "UTF-8",
		`{"schema":1,"schema":1}`:          `"schema" is there twice`,
		`{"newer":{"a":1,"a":1}}`:          `"a" is there twice`,
		`{"nodes":{"a":"1","\u0061":""}}`:  `"a" is there twice`,
		`{"Schema":1}`:                     `"Schema" is spelled otherwise: "schema"`,
		`{"schema":1,"SCHEMA":2}`:          `"SCHEMA" is spelled otherwise`,
		`{"ſchema":1}`:                     `"ſchema" is spelled otherwise`,
		`{"\u212aind":"x"}`:                `is spelled otherwise: "kind"`,
		`{"Epoch":1}`:                      `is spelled otherwise: "epoch"`,
		`{"inner":{"list":[{"Epoch":1}]}}`: `is spelled otherwise: "epoch"`,
		`{"nodes":{"a":{}}}`:               "not a document",
		`{"list":{"epoch":1}}`:             "not a document",
		`{"schema":"1"}`:                   "not a document",
		`{}{}`:                             "follows its end",
		`{}]`:                              "follows its end",
		`{`:                                "unexpected end",
		`{"a"`:                             "unexpected end",
		`{"a":}`:                           "JSON",
		`{"a" 1}`:                          "JSON",
		`{a:1}`:                            "JSON",
		`{"a":1,}`:                         "JSON",
		`]`:                                "JSON",
		`[{}]`:                             "no object",
		`"schema"`:                         "no object",
		`null`:                             "no object",
		"\ufeff{}":                         "JSON",
	} {
		var into sample
		switch err := strict.Decode([]byte(text), &into); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v; want %q in it", text, err, want)
		}
	}
}

// Nesting costs neither the stack nor the time that it is deep.
func TestDeepNesting(t *testing.T) {
	for _, open := range []string{"[", `{"a":`, `{"inner":`, `{"list":[`} {
		var into sample
		begun := time.Now()
		err := strict.Decode([]byte(`{"newer":`+strings.Repeat(open, 1_000_000)), &into)
		if err == nil || !strings.Contains(err.Error(), "deep") || time.Since(begun) > time.Second {
			t.Errorf("%q a million times: after %s %v", open, time.Since(begun), err)
		}
	}
}
