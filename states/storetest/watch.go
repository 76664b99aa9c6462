package storetest

import (
	"context"
	"testing"
	"time"

	"orch/states/store"
)

var watchTests = []test{
	{"a watch wakes on a change", wakesOnChange},
	{"a watch answers at once where there is news", answersAtOnce},
	{"a watch without news waits and says so", waitsItsTime},
	{"an equal write wakes nobody", equalWriteWakesNobody},
	{"a watch wakes when its key is born", wakesOnBirth},
	{"a watch wakes when its key is deleted", wakesOnDelete},
	{"a watch wakes on lock and unlock", wakesOnLock},
	{"a watch on a prefix", watchesPrefix},
	{"a watch on a prefix counts deletions", prefixCountsDeletions},
	{"a watch ends with its context", watchEnds},
}

type seen struct {
	store.Answer
	err error
}

// watch begins a watch beside the test.
func watch(ctx context.Context, kv store.KV, q store.Query) <-chan seen {
	if q.Wait == 0 {
		q.Wait = patient
	}
	out := make(chan seen, 1)
	go func() {
		answer, err := kv.Watch(ctx, q)
		out <- seen{answer, err}
	}()
	return out
}

// get takes what a watch saw, which must be something newer.
func get(t *testing.T, watching <-chan seen, after uint64) store.Answer {
	t.Helper()
	got := <-watching
	must(t, got.err)
	if got.Index <= after {
		t.Fatalf("the watch gave index %d; want a newer one than %d", got.Index, after)
	}
	return got.Answer
}

func wakesOnChange(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	index := create(t, h.KV, key, "1")
	watching := watch(t.Context(), h.KV, store.Query{Key: key, After: index})
	create(t, h.KV, key+"2", "a neighbour")
	h.Put(key, "2")
	if got := get(t, watching, index); string(got.Pair.Value) != "2" || got.Pair.Index != got.Index {
		t.Errorf("the watch gave %+v", got)
	}
}

func answersAtOnce(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	index := create(t, h.KV, key, "1")
	for _, after := range []uint64{0, index - 1} {
		got, err := h.KV.Watch(t.Context(), store.Query{Key: key, After: after, Wait: patient})
		if err != nil || got.Index != index || string(got.Pair.Value) != "1" {
			t.Errorf("after %d: %+v, %v", after, got, err)
		}
	}
}

func waitsItsTime(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	index := create(t, h.KV, key, "1")
	begun := time.Now()
	got, err := h.KV.Watch(t.Context(), store.Query{Key: key, After: index, Wait: h.TTL / 4})
	if err != nil || got.Index != index || string(got.Pair.Value) != "1" || time.Since(begun) < h.TTL/4 {
		t.Errorf("after %s: %+v, %v; want what is there after %s", time.Since(begun), got, err, h.TTL/4)
	}
}

func equalWriteWakesNobody(t *testing.T, h Harness) {
	key, below := h.Prefix+"d/k", h.Prefix+"d/"
	index := create(t, h.KV, key, "same")
	one := watch(t.Context(), h.KV, store.Query{Key: key, After: index})
	all := watch(t.Context(), h.KV, store.Query{Key: below, Prefix: true, After: index})
	h.Put(key, "same")
	txn(t, h.KV, store.Op{Verb: store.CAS, Key: key, Index: index, Value: []byte("same")})
	last := txn(t, h.KV, store.Op{Verb: store.CAS, Key: key, Index: index, Value: []byte("other")})[0].Index
	for _, watching := range []<-chan seen{one, all} {
		if got := get(t, watching, index); got.Index != last {
			t.Errorf("woken at index %d; the only change is %d", got.Index, last)
		}
	}
}

// until follows one key, as states/store does, until it looks as wanted.
func until(t *testing.T, kv store.KV, q store.Query, ok func(store.Answer) bool) store.Answer {
	t.Helper()
	q.Wait = 3 * patient
	for deadline := time.Now().Add(5 * patient); time.Now().Before(deadline); {
		begun := time.Now()
		got, err := kv.Watch(t.Context(), q)
		must(t, err)
		if ok(got) {
			return got
		}
		if got.Index == q.After && time.Since(begun) >= q.Wait {
			t.Fatalf("nothing woke the watch on %q", q.Key)
		}
		q.After = got.Index
	}
	t.Fatalf("%q never looked as it should", q.Key)
	return store.Answer{}
}

func wakesOnBirth(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	for _, q := range []store.Query{{Key: key}, {Key: key, Prefix: true}} {
		born := make(chan store.Answer, 1)
		first, err := h.KV.Watch(t.Context(), q)
		must(t, err)
		q.After = first.Index
		go func() {
			born <- until(t, h.KV, q, func(a store.Answer) bool { return a.Pair.Index != 0 || len(a.Keys) > 0 })
		}()
		index := create(t, h.KV, key, "1")
		if got := <-born; got.Index != index {
			t.Errorf("born at %d, seen at %d", index, got.Index)
		}
		h.Delete(key)
	}
}

func wakesOnDelete(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	index := create(t, h.KV, key, "1")
	watching := watch(t.Context(), h.KV, store.Query{Key: key, After: index})
	h.Delete(key)
	if got := get(t, watching, index); got.Pair.Index != 0 {
		t.Errorf("a deleted key looks like %+v", got)
	}
}

func wakesOnLock(t *testing.T, h Harness) {
	key, mine := h.Prefix+"k", session(t, h, h.TTL*100)
	index := create(t, h.KV, key, "1")
	for _, op := range []store.Op{
		{Verb: store.Lock, Key: key, Value: []byte("1"), Session: mine},
		{Verb: store.Unlock, Key: key, Value: []byte("1"), Session: mine},
	} {
		watching := watch(t.Context(), h.KV, store.Query{Key: key, After: index})
		txn(t, h.KV, op)
		got := get(t, watching, index)
		if locked := got.Pair.Session == mine; locked != (op.Verb == store.Lock) {
			t.Errorf("after %s the key is held by %q", op.Verb, got.Pair.Session)
		}
		index = got.Index
	}
}

func watchesPrefix(t *testing.T, h Harness) {
	q := store.Query{Key: h.Prefix + "d/", Prefix: true}
	create(t, h.KV, h.Prefix+"d/b/deep/er", "1")
	create(t, h.KV, h.Prefix+"d/b", "1")
	index := create(t, h.KV, h.Prefix+"d/a", "1")
	create(t, h.KV, h.Prefix+"d2", "1")
	got, err := h.KV.Watch(t.Context(), q)
	must(t, err)
	if want := join([]string{h.Prefix + "d/a", h.Prefix + "d/b", h.Prefix + "d/b/"}); join(got.Keys) != want || got.Index != index {
		t.Errorf("below the prefix: %q at %d; want %q at %d", join(got.Keys), got.Index, want, index)
	}
	q.After = got.Index
	watching := watch(t.Context(), h.KV, q)
	h.Put(h.Prefix+"d2", "2")
	h.Put(h.Prefix+"d/b/deep/er", "2")
	if got := get(t, watching, index); got.Index != read(t, h.KV, h.Prefix+"d/b/deep/er").Index {
		t.Errorf("woken at %d, which is not the change below the prefix", got.Index)
	}
}

func prefixCountsDeletions(t *testing.T, h Harness) {
	q := store.Query{Key: h.Prefix + "d/", Prefix: true}
	create(t, h.KV, h.Prefix+"d/a", "1")
	q.After = create(t, h.KV, h.Prefix+"d/b", "1")
	watching := watch(t.Context(), h.KV, q)
	h.Delete(h.Prefix + "d/b")
	got := get(t, watching, q.After)
	if join(got.Keys) != h.Prefix+"d/a" {
		t.Errorf("after a deletion there is %q", join(got.Keys))
	}
	if again, err := h.KV.Watch(t.Context(), q); err != nil || again.Index != got.Index {
		t.Errorf("looking again gives index %d, %v; want %d", again.Index, err, got.Index)
	}
}

func watchEnds(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	index := create(t, h.KV, key, "1")
	ctx, cancel := context.WithCancel(t.Context())
	watching := watch(ctx, h.KV, store.Query{Key: key, After: index, Wait: time.Hour})
	cancel()
	if got := <-watching; got.err == nil {
		t.Errorf("a watch whose context ended gives %+v", got.Answer)
	}
}
