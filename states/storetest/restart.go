package storetest

import (
	"errors"
	"testing"
	"time"

	"orch/states/store"
)

var restartTests = []test{
	{"a start of all servers arms lock delays anew", restartArms},
	{"a start of all servers gives sessions their full time again", restartRenews},
}

// delayed asks for a lock, and tells whether a lock delay is what forbids it.
func delayed(t *testing.T, kv store.KV, key, session string) bool {
	t.Helper()
	_, err := kv.Txn(t.Context(), []store.Op{{Verb: store.Lock, Key: key, Session: session}})
	if failed := (*store.TxnError)(nil); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return err != nil
}

func restartArms(t *testing.T, h Harness) {
	l := h.Lasts(t)
	key, delay := l.Prefix+"k", min(3*l.TTL, 10*time.Second)
	first, next := l.Delayed(delay), session(t, l.Harness, l.TTL*100)
	txn(t, l.KV, store.Op{Verb: store.Lock, Key: key, Session: first})
	must(t, l.KV.DestroySession(t.Context(), first))
	relock(t, l.Harness, key, next)
	txn(t, l.KV, store.Op{Verb: store.Unlock, Key: key, Session: next})
	if delayed(t, l.KV, key, next) {
		t.Fatal("a lock delay forbids what it allowed already")
	}
	txn(t, l.KV, store.Op{Verb: store.Unlock, Key: key, Session: next})
	l.Restart()
	begun := time.Now()
	if !delayed(t, l.KV, key, next) {
		t.Error("after the start the key can be locked at once")
	}
	relock(t, l.Harness, key, next)
	if took := time.Since(begun); took > delay+5*time.Second {
		t.Errorf("a lock delay of %s took %s", delay, took)
	}
}

func restartRenews(t *testing.T, h Harness) {
	l := h.Lasts(t)
	key, ttl := l.Prefix+"k", min(3*l.TTL, 5*time.Second)
	mine := session(t, l.Harness, ttl)
	index := txn(t, l.KV, store.Op{Verb: store.Lock, Key: key, Session: mine})[0].Index
	held := func(wait time.Duration) bool {
		got, err := l.KV.Watch(t.Context(), store.Query{Key: key, After: index, Wait: wait})
		must(t, err)
		return got.Pair.Session == mine
	}
	if !held(2 * ttl / 3) {
		t.Fatal("a session ended before its TTL")
	}
	l.Restart()
	begun := time.Now()
	if !held(2 * ttl / 3) {
		t.Errorf("a session of %s ended %s after the start", ttl, time.Since(begun))
	}
	until(t, l.KV, store.Query{Key: key}, func(a store.Answer) bool { return a.Pair.Session == "" })
}
