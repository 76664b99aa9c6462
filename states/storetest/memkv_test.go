package storetest_test

import (
	"testing"
	"time"

	"orch/states/memkv"
	"orch/states/store"
	"orch/states/storetest"
)

func TestMemoryInFakeTime(t *testing.T) {
	storetest.RunFake(t, func(t *testing.T) storetest.Harness { return memory(t, 30*time.Second) })
}

func TestMemoryInRealTime(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness { return memory(t, 300*time.Millisecond) })
}

func memory(_ *testing.T, ttl time.Duration) storetest.Harness {
	kv := memkv.New(time.Now)
	return storetest.Harness{
		KV:     kv,
		Client: func(denied ...string) store.KV { return kv.Client(denied...) },
		Put:    kv.Put,
		Delete: kv.Delete,
		Save:   func() func() { snapshot := kv.Save(); return func() { kv.Restore(snapshot) } },
		Alone:  func(t *testing.T) storetest.Harness { return memory(t, ttl) },
		Lossy:  func() storetest.Lossy { return kv.Client() },
		Prefix: "test/",
		TTL:    ttl,
	}
}
