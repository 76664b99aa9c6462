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

func TestFreezesAreWrittenByComparing(t *testing.T) {
	kv := memkv.New(time.Now)
	keys, _ := store.NewKeys("orch")
	s := store.New(kv, keys, nil)
	word := states.Freeze{Schema: states.Schema, Word: states.Word{By: "ada", Why: "restore", At: time.Unix(1000, 0).UTC()}}
	for _, cluster := range []string{"", "web"} {
		none, err := s.ReadFreeze(t.Context(), cluster)
		if err != nil || none.There() {
			t.Fatalf("%+v, %v", none, err)
		}
		if err := s.PutFreeze(t.Context(), cluster, none, word); err != nil {
			t.Fatal(err)
		}
		if err := s.PutFreeze(t.Context(), cluster, none, word); !errors.Is(err, states.ErrConflict) {
			t.Errorf("written over what was not seen: %v", err)
		}
		seen, err := s.ReadFreeze(t.Context(), cluster)
		if err != nil || !seen.OK() || seen.Value.By != "ada" {
			t.Fatalf("%+v, %v", seen, err)
		}
		if err := s.DropFreeze(t.Context(), cluster, none); !errors.Is(err, states.ErrConflict) {
			t.Errorf("dropped what was not seen: %v", err)
		}
		if err := s.DropFreeze(t.Context(), cluster, seen); err != nil {
			t.Fatal(err)
		}
		if gone, _ := s.ReadFreeze(t.Context(), cluster); gone.There() {
			t.Errorf("it lies there still: %+v", gone)
		}
	}
}

// Whoever is let go sees at once that it is not frozen any more.
func TestFreezesAreLookedAtWhenSomethingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := memkv.New(time.Now)
		keys, _ := store.NewKeys("orch")
		kv.Put(keys.Freeze(), `{"schema": 1, "by": "ada", "at": "2026-03-01T00:00:00Z"}`)
		ctx, cancel := context.WithCancel(t.Context())
		ended, sights := make(chan error, 1), make(chan states.Sight)
		go func() { ended <- store.NewAgent(kv, keys, "web", "web1").Follow(ctx, sights) }()
		for sight := range sights {
			if sight.Frozen.There() {
				break
			}
		}
		begun := time.Now()
		kv.Delete(keys.Freeze())
		kv.Put(keys.Order("web", "web1"), "an order")
		for sight := range sights {
			if !sight.Frozen.There() {
				break
			}
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("it saw the end of the freeze after %s", took)
		}
		cancel()
		<-ended
	})
}
