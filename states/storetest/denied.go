package storetest

import (
	"errors"
	"testing"

	"orch/states"
	"orch/states/store"
)

var deniedTests = []test{
	{"what is denied is never absence", deniedReads},
	{"a denied operation fails all of a write", deniedWrites},
	{"a write leaves out the reads that are denied", deniedReadsInWrites},
	{"a watch that is denied", deniedWatches},
}

func deniedReads(t *testing.T, h Harness) {
	secret, open := h.Prefix+"secret/", h.Prefix+"open"
	create(t, h.KV, secret+"k", "1")
	create(t, h.KV, open, "1")
	kv := h.Client(secret)
	for name, ops := range map[string][]store.Op{
		"a key":         {{Verb: store.GetOrEmpty, Key: open}, {Verb: store.GetOrEmpty, Key: secret + "k"}},
		"a missing key": {{Verb: store.GetOrEmpty, Key: secret + "gone"}, {Verb: store.GetOrEmpty, Key: open}},
		"a tree":        {{Verb: store.GetTree, Key: secret}},
		"a part":        {{Verb: store.GetTree, Key: h.Prefix}},
	} {
		if pairs, err := kv.Txn(t.Context(), ops); !errors.Is(err, states.ErrDenied) {
			t.Errorf("reading %s: %v, %v", name, pairs, err)
		}
	}
	if string(read(t, kv, open).Value) != "1" {
		t.Error("what is not denied cannot be read")
	}
}

func deniedWrites(t *testing.T, h Harness) {
	secret, open := h.Prefix+"secret/", h.Prefix+"open"
	index := create(t, h.KV, secret+"k", "1")
	mine := session(t, h, h.TTL*100)
	kv := h.Client(secret)
	for _, op := range []store.Op{
		{Verb: store.CAS, Key: secret + "k", Index: index, Value: []byte("2")},
		{Verb: store.CAS, Key: secret + "new"},
		{Verb: store.DeleteCAS, Key: secret + "k", Index: index},
		{Verb: store.DeleteCAS, Key: secret + "gone"},
		{Verb: store.CheckIndex, Key: secret + "k", Index: index},
		{Verb: store.CheckNotExists, Key: secret + "gone"},
		{Verb: store.CheckSession, Key: secret + "k"},
		{Verb: store.Lock, Key: secret + "k", Session: mine},
		{Verb: store.Unlock, Key: secret + "k", Session: mine},
	} {
		_, err := kv.Txn(t.Context(), []store.Op{
			{Verb: store.CheckNotExists, Key: open}, {Verb: store.CAS, Key: open, Value: []byte("1")}, op})
		if !errors.Is(err, states.ErrDenied) {
			t.Errorf("%s %s: %v", op.Verb, op.Key, err)
		}
	}
	if read(t, h.KV, open).Index != 0 || read(t, h.KV, secret+"k").Index != index {
		t.Error("a denied transaction has written")
	}
}

func deniedReadsInWrites(t *testing.T, h Harness) {
	secret, open := h.Prefix+"secret/", h.Prefix+"open"
	create(t, h.KV, secret+"k", "1")
	pairs := txn(t, h.Client(secret),
		store.Op{Verb: store.GetOrEmpty, Key: secret + "k"},
		store.Op{Verb: store.GetOrEmpty, Key: secret + "gone"},
		store.Op{Verb: store.GetOrEmpty, Key: open},
		store.Op{Verb: store.CAS, Key: open, Value: []byte("1")})
	if len(pairs) != 2 || pairs[0].Key != open || pairs[1].Key != open {
		t.Errorf("the transaction answers %+v", pairs)
	}
}

func deniedWatches(t *testing.T, h Harness) {
	secret, open := h.Prefix+"secret/", h.Prefix+"open"
	create(t, h.KV, open, "1")
	index := create(t, h.KV, secret+"k", "1")
	kv := h.Client(secret)
	for _, key := range []string{secret + "k", secret + "gone"} {
		if got, err := kv.Watch(t.Context(), store.Query{Key: key}); !errors.Is(err, states.ErrDenied) {
			t.Errorf("watching %q: %+v, %v", key, got, err)
		}
	}
	got, err := kv.Watch(t.Context(), store.Query{Key: secret, Prefix: true})
	if err != nil || len(got.Keys) != 0 || got.Index != index {
		t.Errorf("watching a denied prefix: %+v, %v; it looks empty, at index %d", got, err, index)
	}
	got, err = kv.Watch(t.Context(), store.Query{Key: h.Prefix, Prefix: true})
	if err != nil || join(got.Keys) != open || got.Index != index {
		t.Errorf("watching above it: %+v, %v", got, err)
	}
}
