package storetest

import (
	"errors"
	"testing"
	"time"

	"orch/states"
	"orch/states/store"
)

var sessionTests = []test{
	{"a session ends between one and two TTLs", sessionExpires},
	{"a renewed session lives on", renewalKeeps},
	{"a destroyed session lets go at once", destroyLetsGo},
	{"ending what is not there is no error", destroyNothing},
	{"unlocking frees without delay", unlockFrees},
	{"the fence holds", fence},
}

func sessionExpires(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	begun := time.Now()
	mine := session(t, h, h.TTL)
	txn(t, h.KV, store.Op{Verb: store.Lock, Key: key, Value: []byte("v"), Session: mine})
	got := until(t, h.KV, store.Query{Key: key}, func(a store.Answer) bool { return a.Pair.Session == "" })
	if took := time.Since(begun); took < h.TTL || took > 2*h.TTL+5*time.Second {
		t.Errorf("a session of %s ended after %s", h.TTL, took)
	}
	if string(got.Pair.Value) != "v" {
		t.Errorf("the end of a session leaves %q", got.Pair.Value)
	}
	if err := h.KV.RenewSession(t.Context(), mine); !errors.Is(err, states.ErrSessionGone) {
		t.Errorf("renewing it: %v", err)
	}
}

func renewalKeeps(t *testing.T, h Harness) {
	key, mine := h.Prefix+"k", session(t, h, h.TTL)
	index := txn(t, h.KV, store.Op{Verb: store.Lock, Key: key, Session: mine})[0].Index
	for range 6 {
		got, err := h.KV.Watch(t.Context(), store.Query{Key: key, After: index, Wait: h.TTL / 2})
		must(t, err)
		if got.Index != index {
			t.Fatalf("a session that is renewed has lost its key: %+v", got)
		}
		must(t, h.KV.RenewSession(t.Context(), mine))
	}
}

// relock takes a key as soon as its lock delay is over.
func relock(t *testing.T, h Harness, key, session string) {
	t.Helper()
	eventually(t, "the key can be locked again", func() bool {
		_, err := h.KV.Txn(t.Context(), []store.Op{{Verb: store.Lock, Key: key, Session: session}})
		var failed *store.TxnError
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		return err == nil
	})
}

func destroyLetsGo(t *testing.T, h Harness) {
	key, mine := h.Prefix+"k", session(t, h, h.TTL*100)
	index := txn(t, h.KV, store.Op{Verb: store.Lock, Key: key, Value: []byte("v"), Session: mine})[0].Index
	watching := watch(t.Context(), h.KV, store.Query{Key: key, After: index})
	must(t, h.KV.DestroySession(t.Context(), mine))
	if got := get(t, watching, index); got.Pair.Session != "" || string(got.Pair.Value) != "v" {
		t.Errorf("the key is left as %+v", got.Pair)
	}
	if err := h.KV.RenewSession(t.Context(), mine); !errors.Is(err, states.ErrSessionGone) {
		t.Errorf("renewing it: %v", err)
	}
	relock(t, h, key, session(t, h, h.TTL*100))
}

func destroyNothing(t *testing.T, h Harness) {
	for _, id := range []string{"00000000-0000-4000-8000-000000000000", "no-id-at-all"} {
		if err := h.KV.DestroySession(t.Context(), id); err != nil {
			t.Errorf("destroy %q: %v", id, err)
		}
		if err := h.KV.RenewSession(t.Context(), id); !errors.Is(err, states.ErrSessionGone) {
			t.Errorf("renew %q: %v", id, err)
		}
	}
}

func unlockFrees(t *testing.T, h Harness) {
	key, mine, next := h.Prefix+"k", session(t, h, h.TTL*100), session(t, h, h.TTL*100)
	txn(t, h.KV, store.Op{Verb: store.Lock, Key: key, Session: mine})
	txn(t, h.KV, store.Op{Verb: store.Unlock, Key: key, Value: []byte("bye"), Session: mine})
	if pair := read(t, h.KV, key); pair.Session != "" || string(pair.Value) != "bye" {
		t.Errorf("unlocked: %+v", pair)
	}
	txn(t, h.KV, store.Op{Verb: store.Lock, Key: key, Session: next})
}

// Whatever happened to the lease, the transaction of its former holder fails at its first
// operation and writes nothing.
func fence(t *testing.T, h Harness) {
	key, data := h.Prefix+"leader", h.Prefix+"data"
	mine, next := session(t, h, h.TTL*100), session(t, h, h.TTL*100)
	fenced := func(value string) error {
		_, err := h.KV.Txn(t.Context(), []store.Op{
			{Verb: store.CheckSession, Key: key, Session: mine},
			{Verb: store.CAS, Key: data, Index: read(t, h.KV, data).Index, Value: []byte(value)}})
		return err
	}
	wantFailed(t, fenced("nobody leads"), 0)
	txn(t, h.KV, store.Op{Verb: store.Lock, Key: key, Session: mine})
	must(t, fenced("mine"))
	txn(t, h.KV, store.Op{Verb: store.Unlock, Key: key, Session: mine})
	wantFailed(t, fenced("let go"), 0)
	txn(t, h.KV, store.Op{Verb: store.Lock, Key: key, Session: mine})
	must(t, h.KV.DestroySession(t.Context(), mine))
	wantFailed(t, fenced("destroyed"), 0)
	relock(t, h, key, next)
	wantFailed(t, fenced("in other hands"), 0)
	if pair := read(t, h.KV, data); string(pair.Value) != "mine" {
		t.Errorf("a deposed leader wrote %q", pair.Value)
	}
}
