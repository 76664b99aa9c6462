package store

import (
	"bytes"
	"testing"

	"orch/states"
)

// FuzzParse: whatever lies in the store, reading it ends, and what was read is written and read
// again as the same.
func FuzzParse(f *testing.F) {
	for _, document := range []any{sampleDesired(), sampleOrder(), sampleStatus(), sampleRequest()} {
		f.Add(encode(document))
	}
	for _, text := range []string{"", "{", "[]", `{"schema":1}`, `{"schema":99}`, `{"schema":1,"schema":1}`, `{"schema":1}{}`,
		`{"schema":1,"held":{"by":"ada","at":"2026-03-01T02:15:00+23:59"}}`, `{"schema":1,"at":"0000-01-01T00:00:00-23:59"}`,
		`{"schema":1,"void":"\ud800\u0000","seconds":1e308}`, "\ufeff{}", "{\"schema\":1,\"a\":\"\xff\"}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		again[states.Desired](t, text)
		again[states.Order](t, text)
		again[states.Status](t, text)
		again[states.Request](t, text)
		again[states.Record](t, text)
		again[states.Entry](t, text)
		again[states.Leader](t, text)
		again[states.Freeze](t, text)
	})
}

func again[T any](t *testing.T, text []byte) {
	value, err := parse[T](text)
	if err != nil {
		return
	}
	once := encode(value)
	if len(once) > maxDocument {
		return
	}
	second, err := parse[T](once)
	if err != nil {
		t.Fatalf("%T was read from %q, written as %q, and cannot be read again: %v", value, text, once, err)
	}
	if twice := encode(second); !bytes.Equal(once, twice) {
		t.Fatalf("%T was written as %q, and then as %q", value, once, twice)
	}
}
