package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"orch/states"
	"orch/states/store"
)

var leaseTests = []test{
	{"an epoch is never taken twice", epochsOnce},
	{"an epoch taken between looking and locking", epochBetween},
	{"an epoch is above every mark", epochAboveMarks},
	{"a held lease says who holds it", heldSaysWho},
	{"a lease is lost with its session", leaseLostDestroyed},
	{"a lease is given up before its session ends", leaseLostSilent},
	{"a released lease is free at once", releaseFrees},
	{"letting go of a lost lease is no error", releaseLost},
}

func epochsOnce(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	var mu sync.Mutex
	taken := map[uint64]string{}
	var rivals sync.WaitGroup
	for i := range 4 {
		rivals.Go(func() {
			who := fmt.Sprint("rival ", i)
			for led := 0; led < 3 && t.Context().Err() == nil; {
				lease, err := s.Campaign(t.Context(), cluster, who, "")
				var held *states.HeldError
				switch {
				case errors.As(err, &held), errors.Is(err, states.ErrConflict):
					time.Sleep(time.Millisecond)
					continue
				case err != nil:
					t.Errorf("%s: %v", who, err)
					return
				}
				led++
				mu.Lock()
				if before := taken[lease.Epoch]; before != "" {
					t.Errorf("epoch %d was taken by %s and by %s", lease.Epoch, before, who)
				}
				taken[lease.Epoch] = who
				mu.Unlock()
				if err := lease.Release(context.Background()); err != nil {
					t.Errorf("%s lets go: %v", who, err)
				}
			}
		})
	}
	rivals.Wait()
	if len(taken) != 12 {
		t.Errorf("%d epochs were taken; want 12", len(taken))
	}
}

// between lets something happen after a campaign has looked and before it locks.
type between struct {
	store.KV
	happen func()
}

func (b between) NewSession(ctx context.Context, spec store.SessionSpec) (string, error) {
	b.happen()
	return b.KV.NewSession(ctx, spec)
}

func epochBetween(t *testing.T, h Harness) {
	other := storeOn(t, h, h.KV)
	s := storeOn(t, h, between{h.KV, func() {
		lease, err := other.Campaign(t.Context(), cluster, "grace@laptop", "")
		must(t, err)
		must(t, lease.Release(t.Context()))
	}})
	for range 2 { // where no leader ever was, and where one was
		before := snapshot(t, s).Leader.Value.Epoch
		lease, err := s.Campaign(t.Context(), cluster, "ada@bastion", "")
		wantErr(t, "a campaign on an older look", err, states.ErrConflict)
		if lease != nil {
			t.Errorf("two leaders took epoch %d", lease.Epoch)
			must(t, lease.Release(t.Context()))
		}
		if now := snapshot(t, s); now.Leader.Value.Epoch != before+1 || now.Led {
			t.Errorf("after epoch %d comes %d, led %v", before, now.Leader.Value.Epoch, now.Led)
		}
	}
}

func epochAboveMarks(t *testing.T, h Harness) {
	s, a := storeOn(t, h, h.KV), agentOn(t, h, h.KV, "web1")
	marked := status(states.Settled)
	marked.Epoch, marked.Generation = 40, 7
	_, err := a.Enlist(t.Context(), "", marked)
	must(t, err)
	t.Cleanup(func() { _ = a.Leave(context.Background()) })
	if lease := lead(t, s); lease.Epoch != 41 {
		t.Errorf("epoch %d; a node has seen 40", lease.Epoch)
	}
}

func heldSaysWho(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	_, err := s.Campaign(t.Context(), cluster, "grace@laptop", "")
	var held *states.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("a second campaign: %v", err)
	}
	if held.Leader.Who != "ada@bastion" || held.Session != lease.Session || held.Leader.Epoch != lease.Epoch || held.AtMost < 2*s.TTL {
		t.Errorf("%v: %+v", held, held)
	}
	now := snapshot(t, s)
	if !now.Led || now.Session != lease.Session || !now.Leader.OK() {
		t.Errorf("the snapshot shows %+v, led %v by %s", now.Leader, now.Led, now.Session)
	}
}

func ended(t *testing.T, lease *states.Lease) {
	t.Helper()
	<-lease.Context.Done()
	wantErr(t, "why the lease ended", context.Cause(lease.Context), states.ErrLeaseLost)
}

func leaseLostDestroyed(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	s.TTL = h.TTL
	lease := lead(t, s)
	must(t, h.KV.DestroySession(t.Context(), lease.Session))
	ended(t, lease)
	if snapshot(t, s).Led {
		t.Error("the lease is lost and somebody leads")
	}
}

// silent is a network through which no renewal gets.
type silent struct{ store.KV }

func (silent) RenewSession(context.Context, string) error { return states.ErrUnavailable }

func leaseLostSilent(t *testing.T, h Harness) {
	s := storeOn(t, h, silent{h.KV})
	s.TTL = h.TTL
	lease := lead(t, s)
	ended(t, lease)
	other := storeOn(t, h, h.KV)
	_, err := other.Campaign(t.Context(), cluster, "grace@laptop", "")
	var held *states.HeldError
	if !errors.As(err, &held) {
		t.Errorf("its holder gave up only after the lease was free: %v", err)
	}
	until(t, h.KV, store.Query{Key: s.Keys.Leader(cluster)}, func(a store.Answer) bool { return a.Pair.Session == "" })
	eventually(t, "the lease is free", func() bool {
		next, err := other.Campaign(t.Context(), cluster, "grace@laptop", "")
		if err != nil {
			return false
		}
		if next.Epoch != lease.Epoch+1 {
			t.Errorf("epoch %d follows %d", next.Epoch, lease.Epoch)
		}
		must(t, next.Release(t.Context()))
		return true
	})
}

func releaseFrees(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	first := lead(t, s)
	must(t, first.Release(t.Context()))
	if first.Context.Err() == nil {
		t.Error("a released lease lives on")
	}
	if left := snapshot(t, s); left.Led || left.Leader.Value.Who != "ada@bastion" || left.Leader.Value.Released.IsZero() {
		t.Errorf("what is left of it: led %v, %+v", left.Led, left.Leader)
	}
	if second := lead(t, s); second.Epoch != first.Epoch+1 {
		t.Errorf("epoch %d follows %d", second.Epoch, first.Epoch)
	}
	must(t, first.Release(t.Context())) // again: nothing
}

func releaseLost(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	must(t, h.KV.DestroySession(t.Context(), lease.Session))
	must(t, lease.Release(t.Context()))
}
