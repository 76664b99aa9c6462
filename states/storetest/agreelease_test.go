package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// bench is one of the two sides of a struggle for a lease: three rivals, what each of them holds, and a hand
// that reaches in from outside.
type bench struct {
	rivals []*store.Store
	leases []*states.Lease
	put    func(key, value string)
	delete func(key string)
	key    string
}

func newBench(t *testing.T, kv store.KV, prefix string, put func(key, value string), remove func(key string)) *bench {
	keys, err := store.NewKeys(prefix)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{leases: make([]*states.Lease, 3), put: put, delete: remove, key: keys.Leader("web")}
	for range b.leases {
		s := store.New(kv, keys, func(text string) (states.Cluster, error) { return states.Cluster{Name: text}, nil })
		s.TTL = time.Hour
		b.rivals = append(b.rivals, s)
	}
	return b
}

// does does a deed of a struggle, and tells what came of it in words that are the same on both sides.
func (b *bench) does(ctx context.Context, what string, n int, other int) string {
	lease := b.leases[n]
	switch what {
	case "campaign":
		return b.campaigns(ctx, n)
	case "release":
		if lease != nil {
			return said(lease.Release(ctx))
		}
	case "destroy":
		if lease != nil {
			err := b.rivals[n].KV.DestroySession(ctx, lease.Session)
			time.Sleep(5 * time.Millisecond) // nothing tells of the end of the lock delay
			return said(err)
		}
	case "unlock":
		if lease != nil {
			err := b.rivals[other].Unlock(ctx, "web", lease.Session)
			time.Sleep(5 * time.Millisecond)
			return said(err)
		}
	case "put":
		b.put(b.key, fmt.Sprintf(`{"schema": 1, "who": "somebody", "epoch": %d}`, 3+n))
	case "delete":
		b.delete(b.key)
		time.Sleep(5 * time.Millisecond)
	}
	return ""
}

func (b *bench) campaigns(ctx context.Context, n int) string {
	lease, err := b.rivals[n].Campaign(ctx, "web", fmt.Sprint("rival ", n), "")
	if err != nil {
		return said(err)
	}
	if lost := b.leases[n]; lost != nil {
		_ = lost.Release(ctx) // its session is gone
	}
	b.leases[n] = lease
	return fmt.Sprintf("leads with epoch %d", lease.Epoch)
}

// lies is who leads now, and what every lease may still write.
func (b *bench) lies(ctx context.Context) string {
	snapshot, err := b.rivals[0].Snapshot(ctx, "web")
	text := fmt.Sprintf("%s led %t by %q with epoch %d;", said(err), snapshot.Led, snapshot.Leader.Value.Who, snapshot.Leader.Value.Epoch)
	for n, lease := range b.leases {
		if lease == nil {
			continue
		}
		_, err := b.rivals[n].KV.Txn(ctx, []store.Op{{Verb: store.CheckSession, Key: b.key, Session: lease.Session}})
		text += fmt.Sprintf(" the lease of %d counts: %t", n, err == nil)
	}
	return text
}

// said tells an error by its verdict.
func said(err error) string {
	var held *states.HeldError
	if errors.As(err, &held) {
		return fmt.Sprintf("held by %q with epoch %d", held.Leader.Who, held.Leader.Epoch)
	}
	for _, verdict := range []error{states.ErrConflict, states.ErrUnavailable, states.ErrUnknownOutcome, states.ErrDenied, states.ErrLeaseLost} {
		if errors.Is(err, verdict) {
			return verdict.Error()
		}
	}
	if err != nil {
		return "refused"
	}
	return ""
}

// TestConsulAgreesOnLeases has three rivals struggle for a lease, at random, while others end their
// sessions, write over the key and delete it: who leads, with which epoch, and whose writes still count
// is the same in memory and on Consul.
func TestConsulAgreesOnLeases(t *testing.T) {
	t.Parallel()
	p := newPairs(t)
	deeds := []string{"campaign", "campaign", "campaign", "campaign", "release", "release", "destroy", "unlock", "put", "delete"}
	led, done := 0, map[string]int{}
	for seed := range uint64(12) {
		kv, prefix := memkv.New(time.Now), fmt.Sprintf("lease%d", seed)
		memory := newBench(t, kv, prefix, kv.Put, kv.Delete)
		real := newBench(t, p.full, prefix, func(key, value string) { p.server.Must(t, "PUT", "/v1/kv/"+key, value) },
			func(key string) { p.server.Must(t, "DELETE", "/v1/kv/"+key, "") })
		random := rand.New(rand.NewPCG(seed, 2))
		var story string
		for range 40 {
			what, n, other := deeds[random.IntN(len(deeds))], random.IntN(3), random.IntN(3)
			a, b := memory.does(t.Context(), what, n, other), real.does(t.Context(), what, n, other)
			lies, truly := memory.lies(t.Context()), real.lies(t.Context())
			story += fmt.Sprintf("%s by %d (%d): %s\n", what, n, other, a)
			if a != b || lies != truly {
				t.Fatalf("seed %d differs:\n%s\nin memory: %s\n%s\nin Consul: %s\n%s", seed, story, a, lies, b, truly)
			}
			if done[what]++; strings.HasPrefix(a, "leads") {
				led++
			}
		}
		for _, b := range []*bench{memory, real} {
			for _, lease := range b.leases {
				if lease != nil {
					_ = lease.Release(context.Background())
				}
			}
		}
	}
	t.Logf("%d times somebody led; %v", led, done)
	if led < 20 {
		t.Errorf("only %d times somebody led: nothing is proved", led)
	}
}
