package memkv_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// What can be asked of Consul too is asked of both by states/storetest; here is only what the twin
// has besides, and that fake time passes through it.

func TestSessionEndsInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(time.Now)
		session, err := kv.NewSession(t.Context(), store.SessionSpec{TTL: 30 * time.Second})
		must(t, err)
		pairs, err := kv.Txn(t.Context(), []store.Op{{Verb: store.Lock, Key: "k", Session: session}})
		must(t, err)
		begun := time.Now()
		answer, err := kv.Watch(t.Context(), store.Query{Key: "k", After: pairs[0].Index, Wait: time.Hour})
		must(t, err)
		if took := time.Since(begun); took != time.Minute || answer.Pair.Session != "" {
			t.Errorf("after %s the key is held by %q; want nobody after 1m0s", took, answer.Pair.Session)
		}
		if err := kv.RenewSession(t.Context(), session); !errors.Is(err, states.ErrSessionGone) {
			t.Errorf("renewing an expired session: %v", err)
		}
	})
}

func TestWatchWaitsNoLongerThanItShould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(nil)
		kv.Put("k", "v")
		index := kv.All()[0].Index
		begun := time.Now()
		answer, err := kv.Watch(t.Context(), store.Query{Key: "k", After: index, Wait: time.Minute})
		must(t, err)
		if time.Since(begun) != time.Minute || answer.Index != index {
			t.Errorf("after %s index %d; want %d after 1m0s", time.Since(begun), answer.Index, index)
		}
	})
}

func TestDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(nil)
		cut := kv.Client()
		ended := make(chan error)
		go func() {
			_, err := cut.Watch(t.Context(), store.Query{Key: "k", After: 1, Wait: time.Hour})
			ended <- err
		}()
		synctest.Wait()
		cut.Down(true)
		if err := <-ended; !errors.Is(err, states.ErrUnavailable) {
			t.Errorf("a watch that was cut off: %v", err)
		}
		if _, err := kv.Txn(t.Context(), nil); err != nil {
			t.Errorf("another client: %v", err)
		}
		kv.Down(true)
		cut.Down(false)
		for _, client := range []store.KV{kv, cut} {
			if _, err := client.NewSession(t.Context(), store.SessionSpec{TTL: time.Second}); !errors.Is(err, states.ErrUnavailable) {
				t.Errorf("a store that is down: %v", err)
			}
		}
	})
}

func TestLostAnswers(t *testing.T) {
	for _, applied := range []bool{true, false} {
		kv := memkv.New(nil)
		kv.LoseNextWrite(applied)
		if _, err := kv.Txn(t.Context(), []store.Op{{Verb: store.GetOrEmpty, Key: "k"}}); err != nil {
			t.Errorf("a read is no write: %v", err)
		}
		write := []store.Op{{Verb: store.CAS, Key: "k", Value: []byte("v")}}
		if _, err := kv.Txn(t.Context(), write); !errors.Is(err, states.ErrUnknownOutcome) {
			t.Errorf("lost answer: %v", err)
		}
		if there := len(kv.All()) == 1; there != applied {
			t.Errorf("applied is %v, and the key is there: %v", applied, there)
		}
		_, err := kv.Txn(t.Context(), write)
		if gone := err == nil; gone == applied {
			t.Errorf("the write after it: %v", err)
		}
	}
}

func TestLimits(t *testing.T) {
	kv := memkv.New(nil)
	for name, ops := range map[string][]store.Op{
		"operations": make([]store.Op, 129),
		"bytes":      {{Verb: store.CAS, Key: "k", Value: make([]byte, 400*1024)}},
	} {
		if _, err := kv.Txn(t.Context(), ops); !errors.Is(err, states.ErrTooLarge) {
			t.Errorf("too many %s: %v", name, err)
		}
	}
}

func TestCancelledCall(t *testing.T) {
	kv := memkv.New(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := kv.Watch(ctx, store.Query{Key: "k"}); !errors.Is(err, states.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("watch with an ended context: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLockDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(nil)
		kv.LockDelay(15 * time.Second)
		lock := func() error {
			session, err := kv.NewSession(t.Context(), store.SessionSpec{TTL: time.Hour})
			must(t, err)
			if _, err = kv.Txn(t.Context(), []store.Op{{Verb: store.Lock, Key: "k", Session: session}}); err == nil {
				must(t, kv.DestroySession(t.Context(), session))
			}
			return err
		}
		must(t, lock())
		time.Sleep(15*time.Second - 1)
		var failed *store.TxnError
		if err := lock(); !errors.As(err, &failed) {
			t.Errorf("within the lock delay: %v", err)
		}
		time.Sleep(1)
		must(t, lock())
	})
}

// Rights that change while a watch is blocked reach the next one.
func TestDeny(t *testing.T) {
	kv := memkv.New(nil)
	client := kv.Client("secret/")
	read := func() error {
		_, err := client.Watch(t.Context(), store.Query{Key: "secret/k"})
		return err
	}
	if err := read(); !errors.Is(err, states.ErrDenied) {
		t.Errorf("denied: %v", err)
	}
	client.Deny()
	must(t, read())
	client.Deny("secret/k")
	if err := read(); !errors.Is(err, states.ErrDenied) {
		t.Errorf("denied again: %v", err)
	}
}
