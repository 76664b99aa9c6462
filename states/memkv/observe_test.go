package memkv_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"orch/states/memkv"
	"orch/states/store"
)

// Whoever observes is told of every change, once, in their order, with who made it; and of nothing that
// changed nothing.
func TestObserversSeeEveryChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(nil)
		var seen []string
		kv.Observe(func(c memkv.Commit) {
			for _, pair := range c.Pairs {
				seen = append(seen, fmt.Sprintf("%s:%s=%s/%t/%t", c.By, pair.Key, pair.Value, pair.Session != "", pair.Index == 0))
			}
		})
		ada := kv.Client().As("ada")
		session, err := ada.NewSession(t.Context(), store.SessionSpec{TTL: 10 * time.Second})
		must(t, err)
		do := func(ops ...store.Op) { _, _ = ada.Txn(t.Context(), ops) }
		do(store.Op{Verb: store.CAS, Key: "a", Value: []byte("1")}, store.Op{Verb: store.Lock, Key: "b", Session: session})
		index := kv.All()[0].Index
		do(store.Op{Verb: store.CAS, Key: "a", Value: []byte("1"), Index: index})     // the same once more
		do(store.Op{Verb: store.CAS, Key: "a", Value: []byte("2"), Index: index + 9}) // fails
		time.Sleep(20 * time.Second)                                                  // the session ends
		kv.Delete("a")
		want := []string{"ada:a=1/false/false", "ada:b=/true/false", ":b=/false/false", ":a=/false/true"}
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("seen: %q; want %q", seen, want)
		}
	})
}

// A new leader among the servers knows of no renewal: every session has its full time again.
func TestANewLeaderGivesSessionsTheirTimeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(nil)
		session, err := kv.NewSession(t.Context(), store.SessionSpec{TTL: 10 * time.Second})
		must(t, err)
		time.Sleep(19 * time.Second)
		kv.Elect()
		time.Sleep(19 * time.Second)
		if err := kv.RenewSession(t.Context(), session); err != nil {
			t.Errorf("19s after the election: %v", err)
		}
		time.Sleep(20 * time.Second)
		if err := kv.RenewSession(t.Context(), session); err == nil {
			t.Error("it lives on for ever")
		}
	})
}
