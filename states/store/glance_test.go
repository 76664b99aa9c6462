package store_test

import (
	"context"
	"errors"
	"sync/atomic"
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

// stuck is a Consul whose queries hear nothing any more, as on a server that was cut off or stopped,
// while all else goes through another one.
type stuck struct {
	store.KV
	on, ill atomic.Bool
}

func (m *stuck) Watch(ctx context.Context, q store.Query) (store.Answer, error) {
	if m.on.Load() {
		<-ctx.Done()
		return store.Answer{}, ctx.Err()
	}
	return m.KV.Watch(ctx, q)
}

func (m *stuck) RenewSession(ctx context.Context, id string) error {
	if m.ill.Load() {
		return states.ErrUnavailable
	}
	return m.KV.RenewSession(ctx, id)
}

func TestQueriesThatHearNothing(t *testing.T) {
	for name, within := range map[string]time.Duration{"until the next look": 31 * time.Second, "and a renewal tells of it": time.Second, "and a claim fails for it": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := memkv.New(time.Now)
				kv := &stuck{KV: memory}
				keys, _ := store.NewKeys("orch")
				memory.Put(keys.Desired("web"), `{"summary": "one"}`)
				agent := store.NewAgent(kv, keys, "web", "web1")
				if _, err := agent.Enlist(t.Context(), "", states.Status{Schema: states.Schema, Instance: "i-1"}); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended, sights := make(chan error, 1), make(chan states.Sight)
				go func() { ended <- agent.Follow(ctx, sights) }()
				before := (<-sights).Desired.Index
				kv.on.Store(true)
				memory.Put(keys.Desired("web"), `{"summary": "two"}`) // ends the query that goes on
				next := func(before uint64) (index uint64) {
					for index = before; index == before; index = (<-sights).Desired.Index {
					}
					return index
				}
				second := next(before)
				memory.Put(keys.Desired("web"), `{"summary": "three"}`)
				begun := time.Now()
				switch name {
				case "and a claim fails for it":
					status := states.Status{Schema: states.Schema, Instance: "i-1"}
					if err := agent.Claim(ctx, states.Sight{Desired: states.Doc[states.Desired]{Index: second}}, status, status); !errors.Is(err, states.ErrConflict) {
						t.Errorf("it claims by what is not there any more: %v", err)
					}
				case "and a renewal tells of it":
					kv.ill.Store(true)
					_ = agent.Renew(ctx, states.Status{Schema: states.Schema, Instance: "i-1"})
					kv.ill.Store(false)
					_ = agent.Renew(ctx, states.Status{Schema: states.Schema, Instance: "i-1"})
				}
				next(second)
				if took := time.Since(begun); took > within {
					t.Errorf("it saw what changed after %s", took)
				}
				memory.Delete(keys.Desired("web"))
				for sight := range sights {
					if !sight.Desired.There() {
						break
					}
				}
				cancel()
				<-ended
			})
		})
	}
}
