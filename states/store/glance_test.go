package store_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// An agent that starts while Consul is away must not be blind for another 30 s when it is back.
func TestFreezesAreLookedAtSoonAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(time.Now)
		kv.Down(true)
		keys, _ := store.NewKeys("orch")
		ctx, cancel := context.WithCancel(t.Context())
		ended, sights := make(chan error, 1), make(chan states.Sight)
		go func() { ended <- store.NewAgent(kv, keys, "web", "web1").Follow(ctx, sights) }()
		if first := <-sights; first.Trouble == "" {
			t.Errorf("without Consul it sees %+v", first)
		}
		go func() {
			time.Sleep(3 * time.Second)
			kv.Down(false)
		}()
		begun := time.Now()
		for sight := range sights {
			if sight.Trouble == "" {
				break
			}
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("Consul was away for 3s, and it saw again after %s", took)
		}
		cancel()
		<-ended
	})
}
