package store_test

import (
	"testing"
	"time"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

func TestWithdraw(t *testing.T) {
	keys, _ := store.NewKeys("orch")
	s := store.New(memkv.New(time.Now), keys, nil)
	for _, id := range []string{"q-1", "q-2"} {
		if err := s.File(t.Context(), "web", states.Request{ID: id, Schema: states.Schema, Kind: states.AskPause}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []bool{true, false} {
		if lay, err := s.Withdraw(t.Context(), "web", "q-1"); lay != want || err != nil {
			t.Errorf("it lay there: %v, %v; want %v", lay, err, want)
		}
	}
	snapshot, err := s.Snapshot(t.Context(), "web")
	if err != nil || len(snapshot.Requests) != 1 || snapshot.Requests[0].Value.ID != "q-2" {
		t.Errorf("what is left: %+v, %v", snapshot.Requests, err)
	}
}
