package consulkv_test

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"orch/states"
	"orch/states/consulkv"
	"orch/states/store"
	"orch/states/storetest/consultest"
)

// dial opens a client with a token of those rights, or of every right.
func dial(t *testing.T, server *consultest.Server, rules string) *consulkv.Client {
	t.Helper()
	client, err := consulkv.Open(consulkv.Config{Address: server.Address, TokenFile: server.TokenFile(t, rules)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func storeOn(t *testing.T, kv store.KV) *store.Store {
	t.Helper()
	keys, err := store.NewKeys("orch")
	if err != nil {
		t.Fatal(err)
	}
	return store.New(kv, keys, func(text string) (states.Cluster, error) { return states.Cluster{Name: text}, nil })
}

// nowhere is where every transaction goes through.
type nowhere struct{ store.KV }

func (nowhere) Txn(context.Context, []store.Op) ([]store.Pair, error) { return nil, nil }

// What states/store lets pass must be what Consul takes, however many operations it is in: a body
// that is too large is not refused, the connection breaks while it is sent, and nobody knows.
func TestLargestTransactions(t *testing.T) {
	server := consultest.Start(t)
	s := storeOn(t, dial(t, server, ""))
	lease, err := s.Campaign(t.Context(), "web", "ada@bastion", "")
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release(context.Background())
	for i, orders := range []int{0, 60, 124} {
		now, err := s.Snapshot(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now() // one time: written with more or fewer digits, it would change the size
		change := func(size int) states.Change {
			c := states.Change{Record: record(strings.Repeat("x", size)), Orders: map[string]states.Order{}}
			c.Entry = states.Entry{Schema: states.Schema, Seq: uint64(i + 1), At: at, Event: states.EventOrders}
			for n := range orders {
				c.Orders[fmt.Sprintf("web-%03d", n)] = states.Order{Schema: states.Schema, Void: fmt.Sprint("round ", i)}
			}
			return c
		}
		paper := storeOn(t, nowhere{})
		size := sort.Search(512*1024, func(size int) bool { // the first that does not pass any more
			return errors.Is(paper.Commit(t.Context(), lease, now, change(size)), states.ErrTooLarge)
		}) - 1
		if err := s.Commit(t.Context(), lease, now, change(size)); err != nil {
			t.Errorf("%d orders beside a record of %d KiB: %v", orders, size/1024, err)
		}
		if size < 300*1024 {
			t.Errorf("beside %d orders a record may have only %d KiB", orders, size/1024)
		}
		t.Logf("beside %d orders a record may have %d KiB", orders, size/1024)
	}
}

// record is one that a leader could have written.
func record(reason string) states.Record {
	on := states.State{Name: "on"}
	return states.Record{Schema: states.Schema, ID: "t-1", Status: states.Running, Reason: reason, Start: on, Target: on,
		Hops: []states.Hop{{State: on, Policy: states.BuiltIn()}}}
}
