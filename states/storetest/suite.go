package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orch/states/store"
)

// Harness is an implementation under test, and what can be done to it behind its back.
type Harness struct {
	KV     store.KV                        // a client with every right
	Client func(denied ...string) store.KV // one without rights below these prefixes
	Put    func(key, value string)         // a plain write, as from the Consul UI
	Delete func(key string)                // a plain delete
	Save   func() (restore func())         // takes a snapshot
	Alone  func(t *testing.T) Harness      // one that nobody else uses, for restores
	Lasts  func(t *testing.T) Lasting      // one that nobody else uses, for starting its servers anew
	Lossy  func() Lossy                    // a client with every right that can lose answers
	Prefix string                          // below which this test's keys lie
	TTL    time.Duration                   // the shortest of a session
}

// Lasting is an implementation whose servers can be started anew.
type Lasting struct {
	Harness
	Restart func()
	Delayed func(delay time.Duration) (session string) // one with that lock delay
}

// Lossy is a client that can lose the answer of its next transaction that writes.
type Lossy interface {
	store.KV
	LoseNextWrite(applied bool)
}

type test struct {
	name string
	run  func(t *testing.T, h Harness)
}

// Run asks an implementation for everything, the cases side by side.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, one := range tests() {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			one.run(t, open(t))
		})
	}
}

// RunFake does the same in fake time, each case in a bubble of its own.
func RunFake(t *testing.T, open func(t *testing.T) Harness) {
	for _, one := range tests() {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { one.run(t, open(t)) })
		})
	}
}

func tests() []test {
	return slices.Concat(portTests, watchTests, sessionTests, deniedTests, restoreTests, restartTests, leaseTests, commitTests,
		agentTests, claimTests, followTests, lostTests, blindTests, lateTests, queueTests, unlockTests)
}

// patient bounds what a test waits for; it is reached only by a test that fails.
const patient = 20 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// txn is a transaction that must go through.
func txn(t *testing.T, kv store.KV, ops ...store.Op) []store.Pair {
	t.Helper()
	pairs, err := kv.Txn(t.Context(), ops)
	must(t, err)
	return pairs
}

// read gives what lies at a key.
func read(t *testing.T, kv store.KV, key string) store.Pair {
	t.Helper()
	return txn(t, kv, store.Op{Verb: store.GetOrEmpty, Key: key})[0]
}

// create writes a key that is not there yet, and gives its index.
func create(t *testing.T, kv store.KV, key, value string) uint64 {
	t.Helper()
	return txn(t, kv, store.Op{Verb: store.CAS, Key: key, Value: []byte(value)})[0].Index
}

// session makes one that ends with the test.
func session(t *testing.T, h Harness, ttl time.Duration) string {
	t.Helper()
	id, err := h.KV.NewSession(t.Context(), store.SessionSpec{Name: t.Name(), TTL: ttl})
	must(t, err)
	t.Cleanup(func() { _ = h.KV.DestroySession(context.Background(), id) })
	return id
}

func join(names []string) string { return strings.Join(names, " ") }

// eventually waits for what becomes true by itself.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patient)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for: %s", patient, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
