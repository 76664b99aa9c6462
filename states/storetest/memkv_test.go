package storetest_test

import (
	"testing"
	"time"

	"orch/states/memkv"
	"orch/states/store"
	"orch/states/storetest"
)

func TestMemoryInFakeTime(t *testing.T) {
	storetest.RunFake(t, func(t *testing.T) storetest.Harness { return inMemory(t, 30*time.Second) })
}

func TestMemoryInRealTime(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness { return inMemory(t, 300*time.Millisecond) })
}

func memory(_ *testing.T, ttl time.Duration) (*memkv.KV, storetest.Harness) {
	kv := memkv.New(time.Now)
	return kv, storetest.Harness{
		KV:     kv,
		Client: func(denied ...string) store.KV { return kv.Client(denied...) },
		Put:    kv.Put,
		Delete: kv.Delete,
		Save:   func() func() { snapshot := kv.Save(); return func() { kv.Restore(snapshot) } },
		Alone:  func(t *testing.T) storetest.Harness { return inMemory(t, ttl) },
		Lasts: func(t *testing.T) storetest.Lasting {
			kv, h := memory(t, ttl)
			return storetest.Lasting{Harness: h, Restart: kv.Restart, Delayed: func(delay time.Duration) string {
				kv.LockDelay(delay)
				defer kv.LockDelay(time.Millisecond)
				id, err := kv.NewSession(t.Context(), store.SessionSpec{TTL: 100 * ttl})
				if err != nil {
					t.Fatal(err)
				}
				return id
			}}
		},
		Lossy:  func() storetest.Lossy { return kv.Client() },
		Prefix: "test/",
		TTL:    ttl,
	}
}

func inMemory(t *testing.T, ttl time.Duration) storetest.Harness {
	_, h := memory(t, ttl)
	return h
}
