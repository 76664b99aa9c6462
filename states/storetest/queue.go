package storetest

import (
	"context"
	"testing"

	"orch/states"
	"orch/states/store"
)

var queueTests = []test{
	{"a queued request is held as long as somebody waits", queueHeld},
	{"the queue keeps the order of creation", queueOrder},
	{"a place whose answer was lost", queueLost},
	{"a place ends with its session", queueEnds},
	{"whoever leads takes a request out of the hands that hold it", queueTaken},
}

func queue(t *testing.T, s *store.Store, id string) *states.Turn {
	t.Helper()
	r := request(id)
	r.Queue = true
	turn, err := s.Queue(t.Context(), cluster, r)
	must(t, err)
	t.Cleanup(func() { _ = turn.Leave(context.Background()) })
	return turn
}

func waiting(t *testing.T, s *store.Store, id string) (there, held bool) {
	t.Helper()
	for _, r := range snapshot(t, s).Requests {
		if r.Value.ID == id {
			return r.OK(), r.Value.Held
		}
	}
	return false, false
}

func queueHeld(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	turn := queue(t, s, "q-1")
	if there, held := waiting(t, s, "q-1"); !there || !held {
		t.Errorf("somebody waits: there %v, held %v", there, held)
	}
	must(t, s.File(t.Context(), cluster, request("q-2")))
	if there, held := waiting(t, s, "q-2"); !there || held {
		t.Errorf("nobody waits: there %v, held %v", there, held)
	}
	must(t, turn.Leave(t.Context()))
	if there, held := waiting(t, s, "q-1"); !there || held {
		t.Errorf("whoever waited has left: there %v, held %v", there, held)
	}
	must(t, turn.Leave(t.Context()))
	if turn.Context.Err() == nil {
		t.Error("a place that was left lives on")
	}
}

func queueOrder(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	queue(t, s, "q-2")
	left := queue(t, s, "q-3")
	queue(t, s, "q-1")
	must(t, left.Leave(t.Context()))
	var ids []string
	for _, r := range snapshot(t, s).Requests {
		ids = append(ids, r.Value.ID)
	}
	if join(ids) != "q-2 q-3 q-1" {
		t.Errorf("the queue is %v", ids)
	}
}

func queueLost(t *testing.T, h Harness) {
	for _, applied := range []bool{true, false} {
		lossy := h.Lossy()
		s := storeOn(t, h, lossy)
		id := map[bool]string{true: "q-went-through", false: "q-was-lost"}[applied]
		lossy.LoseNextWrite(applied)
		r := request(id)
		turn, err := s.Queue(t.Context(), cluster, r)
		if applied {
			must(t, err)
			if _, held := waiting(t, s, id); !held {
				t.Error("it went through, and nobody holds it")
			}
			must(t, turn.Leave(t.Context()))
			continue
		}
		wantErr(t, "a place that nobody got", err, states.ErrUnknownOutcome)
		if there, _ := waiting(t, s, id); there {
			t.Error("a request lies there that nobody waits for")
		}
	}
}

func queueEnds(t *testing.T, h Harness) {
	s := storeOn(t, h, silent{h.KV})
	s.TTL = h.TTL
	turn := queue(t, s, "q-1")
	<-turn.Context.Done()
	wantErr(t, "why the place ended", context.Cause(turn.Context), states.ErrLeaseLost)
	until(t, h.KV, store.Query{Key: s.Keys.Request(cluster, "q-1")}, func(a store.Answer) bool { return a.Pair.Session == "" })
	if there, held := waiting(t, s, "q-1"); !there || held {
		t.Errorf("its session has ended: there %v, held %v", there, held)
	}
}

func queueTaken(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	turn := queue(t, s, "q-1")
	lease := lead(t, s)
	one := change(1)
	one.Handled = "q-1"
	old := snapshot(t, s)
	commit(t, s, lease, one)
	if there, _ := waiting(t, s, "q-1"); there {
		t.Error("it was handled, and lies there still")
	}
	must(t, turn.Leave(t.Context()))
	two := change(1)
	two.Handled = "q-1"
	wantErr(t, "handled twice", s.Commit(t.Context(), lease, old, two), states.ErrConflict)
}
