package store_test

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

// mute is a network on which renewals hang, as long as there are some to hang.
type mute struct {
	store.KV
	hang  int           // so many renewals
	begun time.Duration // when the last renewal that hung began, since since
	since time.Time
}

func (m *mute) RenewSession(ctx context.Context, id string) error {
	if m.hang == 0 {
		return m.KV.RenewSession(ctx, id)
	}
	m.hang--
	m.begun = time.Since(m.since)
	<-ctx.Done()
	return states.ErrUnavailable
}

func campaign(t *testing.T, kv store.KV, ttl time.Duration) *states.Lease {
	t.Helper()
	keys, err := store.NewKeys("orch")
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(kv, keys, func(string) (states.Cluster, error) { return states.Cluster{}, nil })
	s.TTL = ttl
	lease, err := s.Campaign(t.Context(), "web", "ada@bastion", "")
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// A server may end the session one TTL after the last renewal that it saw. Its holder must have
// stopped by then, also where its calls hang instead of failing.
func TestLeaseEndsOneTTLAfterTheLastGoodRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ttl = 30 * time.Second
		kv := &mute{KV: memkv.New(time.Now), hang: 1000, since: time.Now()}
		lease := campaign(t, kv, ttl)
		<-lease.Context.Done()
		if took := time.Since(kv.since); took != ttl {
			t.Errorf("the lease was believed in for %s; want %s", took, ttl)
		}
		if kv.begun >= ttl {
			t.Errorf("a renewal was begun after %s", kv.begun)
		}
		if cause := context.Cause(lease.Context); !errors.Is(cause, states.ErrLeaseLost) {
			t.Errorf("it ended because of %v", cause)
		}
	})
}

func TestLeaseOutlivesHangingRenewals(t *testing.T) {
	for _, hanging := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			kv := &mute{KV: memkv.New(time.Now), hang: hanging, since: time.Now()}
			lease := campaign(t, kv, 30*time.Second)
			time.Sleep(5 * time.Minute)
			if err := lease.Context.Err(); err != nil {
				t.Errorf("%d renewals that hang cost the lease", hanging)
			}
			if err := lease.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
