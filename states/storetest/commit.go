package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"orch/states"
	"orch/states/store"
)

var commitTests = []test{
	{"orders for 150 nodes, in several commits", manyOrders},
	{"a deposed leader writes nothing", deposedWritesNothing},
	{"a commit conflicts where something moved", commitConflicts},
	{"a status that moved stops a commit", unmovedMoved},
	{"a number of the journal that is taken is no conflict", numberTaken},
	{"a required cluster that moved stops a commit", requiredMoved},
	{"a handled request goes with its entry", handledRequest},
	{"requests come in the order of their creation", requestsInOrder},
	{"a lost answer to a commit is found out", commitFoundOut},
	{"a commit that is too large", commitTooLarge},
}

func manyOrders(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	seq, left := uint64(0), 150
	for left > 0 {
		seq++
		step := change(seq)
		step.Orders = map[string]states.Order{}
		for ; left > 0 && len(step.Orders) < states.MaxNodesPerTransaction; left-- {
			name := fmt.Sprintf("web%03d", left)
			step.Orders[name], step.Unmoved = order(fmt.Sprint("run-", left)), append(step.Unmoved, name)
		}
		commit(t, s, lease, step)
	}
	now := snapshot(t, s)
	if len(now.Nodes) != 150 || now.Record.Value.Journal != seq {
		t.Errorf("%d nodes have orders, after %d of %d entries", len(now.Nodes), now.Record.Value.Journal, seq)
	}
	for _, node := range now.Nodes {
		if !node.Order.OK() || node.Order.Value.Run == "" {
			t.Errorf("the order of %s is %+v", node.Name, node.Order)
		}
	}
	entries, err := s.Journal(t.Context(), cluster, 1)
	if err != nil || len(entries) != int(seq)-1 || entries[0].Value.Seq != 2 {
		t.Errorf("the journal after 1: %+v, %v", entries, err)
	}
	if entries, err = s.Entries(t.Context(), cluster, 1, 100); err != nil || len(entries) != int(seq) {
		t.Errorf("entries by number: %d, %v", len(entries), err)
	}
}

// What somebody planted at the number of the next entry will never go away by itself: a leader that took
// it for a conflict would decide again for ever.
func numberTaken(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	commit(t, s, lease, change(1))
	if _, err := h.KV.Txn(t.Context(), []store.Op{{Verb: store.CAS, Key: s.Keys.Entry(cluster, 2), Value: []byte("?")}}); err != nil {
		t.Fatal(err)
	}
	err := s.Commit(t.Context(), lease, snapshot(t, s), change(2))
	if !errors.Is(err, states.ErrNumberTaken) || errors.Is(err, states.ErrConflict) {
		t.Errorf("a planted entry: %v", err)
	}
	commit(t, s, lease, change(3)) // which is how a recovery goes on
}

func deposedWritesNothing(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	commit(t, s, lease, change(1))
	must(t, h.KV.DestroySession(t.Context(), lease.Session))
	attempt := func(when string) {
		t.Helper()
		step, wanted := change(2), desired(2)
		step.Desired, step.Orders = &wanted, map[string]states.Order{"web1": order("run-1")}
		wantErr(t, when, s.Commit(t.Context(), lease, snapshot(t, s), step), states.ErrLeaseLost)
	}
	attempt("a commit after the session was destroyed")
	eventually(t, "somebody else leads", func() bool {
		next, err := s.Campaign(t.Context(), cluster, "grace@laptop", "")
		if err == nil {
			t.Cleanup(func() { _ = next.Release(t.Context()) })
		}
		return err == nil
	})
	attempt("a commit while somebody else leads")
	now := snapshot(t, s)
	if now.Record.Value.Journal != 1 || now.Desired.There() || len(now.Nodes) != 0 {
		t.Errorf("a deposed leader wrote: %+v", now)
	}
}

func commitConflicts(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	old := snapshot(t, s)
	commit(t, s, lease, change(1))
	wantErr(t, "a commit on an older record", s.Commit(t.Context(), lease, old, change(2)), states.ErrConflict)
	wantErr(t, "an entry with a number that is taken", s.Commit(t.Context(), lease, snapshot(t, s), change(1)), states.ErrNumberTaken)
	now := snapshot(t, s)
	h.Put(s.Keys.Definition(cluster), "changed by hand")
	step, text := change(2), "web"
	step.Definition = &text
	wantErr(t, "a definition that moved", s.Commit(t.Context(), lease, now, step), states.ErrConflict)
	commit(t, s, lease, step)
	if now = snapshot(t, s); now.Source != "web" || now.Definition.Value.Name != "web" {
		t.Errorf("the definition is %q, read as %+v", now.Source, now.Definition)
	}
}

func requiredMoved(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	key := s.Keys.Desired("db")
	step := change(1)
	step.Settled = map[string]uint64{"db": 0}
	h.Put(key, "it is off")
	wantErr(t, "a cluster that was not there", s.Commit(t.Context(), lease, snapshot(t, s), step), states.ErrConflict)
	step.Settled["db"] = read(t, h.KV, key).Index
	h.Put(key, "it moves")
	wantErr(t, "a cluster that moved", s.Commit(t.Context(), lease, snapshot(t, s), step), states.ErrConflict)
	step.Settled["db"] = read(t, h.KV, key).Index
	commit(t, s, lease, step)
}

func unmovedMoved(t *testing.T, h Harness) {
	s, a := storeOn(t, h, h.KV), agentOn(t, h, h.KV, "web1")
	lease := lead(t, s)
	step := change(1)
	step.Unmoved = []string{"web1"}
	empty := snapshot(t, s)
	enlist(t, a)
	wantErr(t, "a status that was not there", s.Commit(t.Context(), lease, empty, step), states.ErrConflict)
	old := snapshot(t, s)
	must(t, a.Report(t.Context(), status(states.Waiting)))
	wantErr(t, "a status that moved", s.Commit(t.Context(), lease, old, step), states.ErrConflict)
	commit(t, s, lease, step)
}

func handledRequest(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	must(t, s.File(t.Context(), cluster, request("r1")))
	must(t, s.File(t.Context(), cluster, request("r1"))) // filing twice is filing once
	must(t, s.File(t.Context(), cluster, request("r2")))
	step := change(1)
	step.Handled = "r1"
	step.Entry.Answer = &states.Answer{Request: "r1", Reason: "paused", At: instant}
	old := snapshot(t, s)
	commit(t, s, lease, step)
	now := snapshot(t, s)
	if len(now.Requests) != 1 || now.Requests[0].Value.ID != "r2" {
		t.Errorf("left to do: %+v", now.Requests)
	}
	step = change(2)
	step.Handled = "r2"
	h.Put(s.Keys.Request(cluster, "r2"), "replaced")
	wantErr(t, "a request that moved", s.Commit(t.Context(), lease, now, step), states.ErrConflict)
	wantErr(t, "a request handled before", s.Commit(t.Context(), lease, old, step), states.ErrConflict)
}

func requestsInOrder(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	for _, id := range []string{"zz", "aa", "mm"} {
		must(t, s.File(t.Context(), cluster, request(id)))
	}
	h.Put(s.Keys.Request(cluster, "bb"), "garbage")
	h.Put(s.Keys.Request(cluster, "cc"), strings.Replace(text(t, h.KV, s.Keys.Request(cluster, "aa")), `"aa"`, `"other"`, 1))
	h.Put(s.Keys.Requests(cluster)+"not/a/request", "garbage")
	h.Put(s.Keys.Request(cluster, "zz"), text(t, h.KV, s.Keys.Request(cluster, "zz"))+" ") // a change is no birth
	var ids []string
	for _, doc := range snapshot(t, s).Requests {
		ids = append(ids, doc.Value.ID)
		if wanted := doc.Value.ID == "bb" || doc.Value.ID == "cc"; (doc.Problem != "") != wanted {
			t.Errorf("request %s: problem %q", doc.Value.ID, doc.Problem)
		}
	}
	if join(ids) != "zz aa mm bb cc" {
		t.Errorf("the requests come as %q", join(ids))
	}
}

func text(t *testing.T, kv store.KV, key string) string {
	t.Helper()
	return string(read(t, kv, key).Value)
}

func commitFoundOut(t *testing.T, h Harness) {
	kv := h.Lossy()
	s := storeOn(t, h, kv)
	lease := lead(t, s)
	now := snapshot(t, s)
	kv.LoseNextWrite(false)
	wantErr(t, "a commit that never arrived", s.Commit(t.Context(), lease, now, change(1)), states.ErrUnknownOutcome)
	if now := snapshot(t, s); now.Record.There() {
		t.Error("it was written all the same")
	}
	kv.LoseNextWrite(true)
	if err := s.Commit(t.Context(), lease, now, change(1)); err != nil {
		t.Errorf("a commit that arrived: %v", err)
	}
	other := change(1)
	other.Entry.Reason = "another step"
	kv.LoseNextWrite(false)
	wantErr(t, "a commit whose number another step has", s.Commit(t.Context(), lease, now, other), states.ErrConflict)
}

func commitTooLarge(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	step := change(1)
	step.Record.Reason = strings.Repeat("x", 400*1024)
	wantErr(t, "400 KiB", s.Commit(t.Context(), lease, snapshot(t, s), step), states.ErrTooLarge)
	step.Record.Reason = strings.Repeat("x", 375*1024)
	if err := s.Commit(t.Context(), lease, snapshot(t, s), step); err != nil {
		t.Errorf("375 KiB: %v", err)
	}
	many := change(2)
	many.Orders = map[string]states.Order{}
	for i := range 126 {
		many.Orders[fmt.Sprint("web", i)] = order("run-1")
	}
	if err := s.Commit(t.Context(), lease, snapshot(t, s), many); !errors.Is(err, states.ErrTooLarge) {
		t.Errorf("129 operations: %v", err)
	}
}
