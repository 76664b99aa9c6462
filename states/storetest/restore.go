package storetest

import (
	"errors"
	"testing"

	"orch/states"
	"orch/states/store"
)

var restoreTests = []test{
	{"a restore turns keys and indexes back", restoreTurnsBack},
	{"a restore brings sessions back to life", restoreResurrects},
	{"a restore ends a blocked watch with what it saw", restoreEndsWatch},
}

func restoreTurnsBack(t *testing.T, h Harness) {
	h = h.Alone(t)
	key := h.Prefix + "k"
	first := create(t, h.KV, key, "1")
	restore := h.Save()
	second := txn(t, h.KV, store.Op{Verb: store.CAS, Key: key, Index: first, Value: []byte("2")})[0].Index
	restore()
	if pair := read(t, h.KV, key); string(pair.Value) != "1" || pair.Index != first {
		t.Errorf("restored: %+v; want the value of index %d", pair, first)
	}
	got, err := h.KV.Watch(t.Context(), store.Query{Key: key, After: second, Wait: h.TTL / 4})
	if err != nil || got.Index != first || string(got.Pair.Value) != "1" {
		t.Errorf("a watch after %d: %+v, %v; want index %d when its time is over", second, got, err, first)
	}
	third := txn(t, h.KV, store.Op{Verb: store.CAS, Key: key, Index: first, Value: []byte("3")})[0].Index
	if third <= second {
		t.Errorf("index %d was there before the restore already, which ended at %d", third, second)
	}
}

func restoreResurrects(t *testing.T, h Harness) {
	h = h.Alone(t)
	key := h.Prefix + "k"
	old := session(t, h, h.TTL*100)
	txn(t, h.KV, store.Op{Verb: store.Lock, Key: key, Value: []byte("old"), Session: old})
	restore := h.Save()
	must(t, h.KV.DestroySession(t.Context(), old))
	young := session(t, h, h.TTL*100)
	relock(t, h, key, young)
	restore()
	if pair := read(t, h.KV, key); pair.Session != old || string(pair.Value) != "old" {
		t.Errorf("restored: %+v; want it in the hands of %s", pair, old)
	}
	if err := h.KV.RenewSession(t.Context(), old); err != nil {
		t.Errorf("the session that is back: %v", err)
	}
	if err := h.KV.RenewSession(t.Context(), young); !errors.Is(err, states.ErrSessionGone) {
		t.Errorf("the session made later: %v", err)
	}
}

func restoreEndsWatch(t *testing.T, h Harness) {
	h = h.Alone(t)
	key := h.Prefix + "k"
	first := create(t, h.KV, key, "1")
	restore := h.Save()
	second := txn(t, h.KV, store.Op{Verb: store.CAS, Key: key, Index: first, Value: []byte("2")})[0].Index
	watching := watch(t.Context(), h.KV, store.Query{Key: key, After: second})
	blocked(t, h, watching)
	restore()
	if got := <-watching; got.err != nil || got.Index != second || string(got.Pair.Value) != "2" {
		t.Errorf("the watch gave %+v; want the value from before, at %d", got, second)
	}
}

// blocked gives a watch the time to reach the store. Nothing shows when it has.
func blocked(t *testing.T, h Harness, watching <-chan seen) {
	t.Helper()
	_, err := h.KV.Watch(t.Context(), store.Query{Key: h.Prefix + "k", After: read(t, h.KV, h.Prefix+"k").Index, Wait: h.TTL / 4})
	must(t, err)
	if len(watching) > 0 {
		t.Fatalf("the watch did not wait: %+v", <-watching)
	}
}
