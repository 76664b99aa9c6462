package storetest

import (
	"errors"
	"testing"

	"orch/states/store"
)

var portTests = []test{
	{"transactions do all or nothing", allOrNothing},
	{"each verb fails where it should", verbsFail},
	{"what a transaction answers", answers},
	{"a missing key", missingKey},
	{"a tree comes in the order of its keys", tree},
	{"indexes: creation and change", indexes},
	{"an equal value is no change", equalValue},
	{"the first equal write after a lock is one", equalValueAfterLock},
	{"operations see those before them", sequence},
}

func allOrNothing(t *testing.T, h Harness) {
	a, b := h.Prefix+"a", h.Prefix+"b"
	create(t, h.KV, a, "1")
	_, err := h.KV.Txn(t.Context(), []store.Op{
		{Verb: store.CAS, Key: b, Value: []byte("1")},
		{Verb: store.CAS, Key: a, Value: []byte("2")},
	})
	wantFailed(t, err, 1)
	if read(t, h.KV, b).Index != 0 || string(read(t, h.KV, a).Value) != "1" {
		t.Error("a transaction that failed has written")
	}
}

func wantFailed(t *testing.T, err error, op int) {
	t.Helper()
	var failed *store.TxnError
	switch {
	case !errors.As(err, &failed):
		t.Errorf("the transaction gave %v; want operation %d to fail", err, op)
	case failed.Op != op:
		t.Errorf("the transaction gave %v; want operation %d to fail", err, op)
	}
}

func verbsFail(t *testing.T, h Harness) {
	here, locked := h.Prefix+"here", h.Prefix+"locked"
	index := create(t, h.KV, here, "v")
	mine, other, dead := session(t, h, h.TTL*100), session(t, h, h.TTL*100), session(t, h, h.TTL*100)
	txn(t, h.KV, store.Op{Verb: store.Lock, Key: locked, Session: mine})
	must(t, h.KV.DestroySession(t.Context(), dead))
	for name, op := range failures(here, h.Prefix+"gone", locked, index, mine, other, dead) {
		op.Value = []byte("new")
		_, err := h.KV.Txn(t.Context(), []store.Op{{Verb: store.CAS, Key: h.Prefix + "beside"}, op})
		var failed *store.TxnError
		if !errors.As(err, &failed) || failed.Op != 1 {
			t.Errorf("%s: %v; want operation 1 to fail", name, err)
		}
	}
	if left := txn(t, h.KV, store.Op{Verb: store.GetTree, Key: h.Prefix}); len(left) != 2 {
		t.Errorf("failed transactions left %v", left)
	}
}

// failures are operations that fail: here has no lock, locked is locked by mine, gone is not there.
func failures(here, gone, locked string, index uint64, mine, other, dead string) map[string]store.Op {
	return map[string]store.Op{
		"get of nothing":                {Verb: store.Get, Key: gone},
		"cas: stale":                    {Verb: store.CAS, Key: here, Index: index - 1},
		"cas: create over something":    {Verb: store.CAS, Key: here},
		"cas: change of nothing":        {Verb: store.CAS, Key: gone, Index: index},
		"delete-cas: stale":             {Verb: store.DeleteCAS, Key: here, Index: index - 1},
		"delete-cas: index 0":           {Verb: store.DeleteCAS, Key: here},
		"check-index: stale":            {Verb: store.CheckIndex, Key: here, Index: index - 1},
		"check-index: 0 is not absence": {Verb: store.CheckIndex, Key: gone},
		"check-not-exists":              {Verb: store.CheckNotExists, Key: here},
		"check-session: not locked":     {Verb: store.CheckSession, Key: here, Session: mine},
		"check-session: another's":      {Verb: store.CheckSession, Key: locked, Session: other},
		"check-session: nothing":        {Verb: store.CheckSession, Key: gone, Session: mine},
		"lock: held":                    {Verb: store.Lock, Key: locked, Session: other},
		"lock: dead session":            {Verb: store.Lock, Key: gone, Session: dead},
		"lock: no session":              {Verb: store.Lock, Key: gone},
		"unlock: another's":             {Verb: store.Unlock, Key: locked, Session: other},
		"unlock: not locked":            {Verb: store.Unlock, Key: here, Session: mine},
		"unlock: nothing":               {Verb: store.Unlock, Key: gone, Session: mine},
		"no key":                        {Verb: store.CAS},
	}
}

func answers(t *testing.T, h Harness) {
	a, b, c := h.Prefix+"a", h.Prefix+"b", h.Prefix+"c"
	mine := session(t, h, h.TTL*100)
	index := create(t, h.KV, a, "1")
	pairs := txn(t, h.KV,
		store.Op{Verb: store.CheckIndex, Key: a, Index: index},
		store.Op{Verb: store.CheckNotExists, Key: b},
		store.Op{Verb: store.Lock, Key: b, Value: []byte("2"), Session: mine},
		store.Op{Verb: store.CheckSession, Key: b, Session: mine},
		store.Op{Verb: store.DeleteCAS, Key: c, Index: 7}, // of nothing: succeeds
		store.Op{Verb: store.GetOrEmpty, Key: c},
		store.Op{Verb: store.Get, Key: b},
	)
	want := []store.Pair{
		{Key: a, Index: index},
		{Key: b, Index: index + 1, Session: mine},
		{Key: b, Index: index + 1, Session: mine},
		{Key: c},
		{Key: b, Index: index + 1, Session: mine, Value: []byte("2")},
	}
	if len(pairs) != len(want) {
		t.Fatalf("%d answers: %v; want %d", len(pairs), pairs, len(want))
	}
	for i, got := range pairs {
		newer := want[i].Index <= index || got.Index > index // by how much is nobody's business
		if got.Key != want[i].Key || got.Session != want[i].Session || string(got.Value) != string(want[i].Value) ||
			(got.Index == 0) != (want[i].Index == 0) || !newer {
			t.Errorf("answer %d is %+v; want %+v", i, got, want[i])
		}
	}
}

func missingKey(t *testing.T, h Harness) {
	key := h.Prefix + "gone"
	if pair := read(t, h.KV, key); pair.Key != key || pair.Index != 0 || pair.Created != 0 {
		t.Errorf("get-or-empty of nothing gives %+v", pair)
	}
	if pairs := txn(t, h.KV, store.Op{Verb: store.GetTree, Key: key + "/"}); len(pairs) != 0 {
		t.Errorf("an empty tree gives %+v", pairs)
	}
	answer, err := h.KV.Watch(t.Context(), store.Query{Key: key})
	if err != nil || answer.Pair.Index != 0 || answer.Index == 0 {
		t.Errorf("watching nothing gives %+v, %v; want no pair and an index", answer, err)
	}
}

func tree(t *testing.T, h Harness) {
	for _, name := range []string{"t/b", "t/a/z", "t/a", "t0", "t/B"} {
		create(t, h.KV, h.Prefix+name, name)
	}
	var names []string
	for _, pair := range txn(t, h.KV, store.Op{Verb: store.GetTree, Key: h.Prefix + "t/"}) {
		names = append(names, string(pair.Value))
	}
	if got := join(names); got != "t/B t/a t/a/z t/b" {
		t.Errorf("the tree is %q", got)
	}
}

func indexes(t *testing.T, h Harness) {
	a, b := h.Prefix+"a", h.Prefix+"b"
	born := create(t, h.KV, a, "1")
	later := create(t, h.KV, b, "1")
	pairs := txn(t, h.KV,
		store.Op{Verb: store.CAS, Key: a, Index: born, Value: []byte("2")},
		store.Op{Verb: store.CAS, Key: b, Index: later, Value: []byte("2")})
	if pairs[0].Index != pairs[1].Index || pairs[0].Index <= later || later <= born {
		t.Errorf("born at %d and %d, changed at %d and %d", born, later, pairs[0].Index, pairs[1].Index)
	}
	if pair := read(t, h.KV, a); pair.Created != born || pair.Index != pairs[0].Index {
		t.Errorf("%+v was created at %d and changed at %d", pair, born, pairs[0].Index)
	}
	h.Delete(a)
	if again := create(t, h.KV, a, "3"); read(t, h.KV, a).Created != again {
		t.Error("a key that was deleted and made again keeps its old birth")
	}
}

func equalValue(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	index := create(t, h.KV, key, "same")
	again := txn(t, h.KV, store.Op{Verb: store.CAS, Key: key, Index: index, Value: []byte("same")})[0].Index
	h.Put(key, "same")
	if now := read(t, h.KV, key).Index; again != index || now != index {
		t.Errorf("equal writes move the index from %d to %d and %d", index, again, now)
	}
}

// A lock counts itself in the entry, and a plain write starts that count over: the first write of
// an equal value after a lock is a change, the second is none.
func equalValueAfterLock(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	lock := store.Op{Verb: store.Lock, Key: key, Value: []byte("same"), Session: session(t, h, h.TTL*100)}
	locked := txn(t, h.KV, lock)[0].Index
	if again := txn(t, h.KV, lock)[0].Index; again != locked {
		t.Errorf("locking again with the same value moves the index from %d to %d", locked, again)
	}
	first := txn(t, h.KV, store.Op{Verb: store.CAS, Key: key, Index: locked, Value: lock.Value})[0]
	second := txn(t, h.KV, store.Op{Verb: store.CAS, Key: key, Index: first.Index, Value: lock.Value})[0]
	if first.Index == locked || second.Index != first.Index || second.Session != lock.Session {
		t.Errorf("locked at %d, then written equally at %d and %d", locked, first.Index, second.Index)
	}
}

func sequence(t *testing.T, h Harness) {
	key := h.Prefix + "k"
	index := create(t, h.KV, key, "1")
	pairs := txn(t, h.KV,
		store.Op{Verb: store.DeleteCAS, Key: key, Index: index},
		store.Op{Verb: store.CheckNotExists, Key: key},
		store.Op{Verb: store.CAS, Key: key, Value: []byte("2")},
		store.Op{Verb: store.GetTree, Key: key})
	if last := pairs[len(pairs)-1]; string(last.Value) != "2" || last.Created <= index {
		t.Errorf("deleted at %d and made again: %+v", index, last)
	}
}
