package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// Where the status cannot be read, nobody knows whose session holds it: a newer agent's, perhaps.
// It is waited out and never ended.
func TestASessionOfNobodyKnowsWhomIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(time.Now)
		keys, _ := store.NewKeys("orch")
		status := states.Status{Summary: "settled", Schema: states.Schema, Instance: "1nstance", Phase: states.Settled}
		newer := store.NewAgent(kv, keys, "web", "web1")
		session, err := newer.Enlist(t.Context(), "", status)
		if err != nil {
			t.Fatal(err)
		}
		kv.Put(keys.Status("web", "web1"), `{"schema": 2, "instance": {"id": "2nd"}}`)

		older := store.NewAgent(kv, keys, "web", "web1")
		_, err = older.Enlist(t.Context(), "", status)
		var taken *states.TakenError
		if !errors.Is(err, states.ErrConflict) || errors.As(err, &taken) || !strings.Contains(err.Error(), "schema is 2") {
			t.Errorf("beside a status that cannot be read: %v", err)
		}
		if err := kv.RenewSession(t.Context(), session); err != nil {
			t.Errorf("its session: %v", err)
		}
		time.Sleep(2 * newer.TTL)
		if _, err := older.Enlist(t.Context(), "", status); err != nil {
			t.Errorf("when its session has ended: %v", err)
		}
		if err := older.Leave(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// A number planted at the lease must not use up the epochs: agents refuse one that is out of range.
func TestEpochsOutOfRangeAreNoEpochs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, planted := range []string{"18446744073709551615", "9007199254740993"} {
			kv := memkv.New(time.Now)
			kv.Put("orch/clusters/web/leader", `{"schema": 1, "who": "mallory", "epoch": `+planted+`}`)
			lease := campaign(t, kv, 30*time.Second)
			if lease.Epoch != 1 {
				t.Errorf("after epoch %s comes %d", planted, lease.Epoch)
			}
			if err := lease.Release(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
