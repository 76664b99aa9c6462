package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"orch/orchestrator"
	"orch/states"
	"orch/states/store"
)

var journalTests = []test{
	{"whatever was committed, the journal replays to what lies there", walkReplays},
	{"what is planted is named", plantedNamed},
	{"a journal that is made shorter replays all the same", shortened},
	{"entries are deleted under the lease, and only as they were read", pruneFenced},
	{"the journal gives up texts before a change becomes too large", textsGivenUp},
	{"a ledger that cannot all be read is not read", ledgerDenied},
}

// walker commits at random: leaders change, answers are lost, writes hang and land late.
type walker struct {
	t      *testing.T
	h      Harness
	random *rand.Rand
	lossy  Lossy
	air    *air
	store  *store.Store
	lease  *states.Lease
	done   int
}

func newWalker(t *testing.T, h Harness, seed uint64) *walker {
	w := &walker{t: t, h: h, random: rand.New(rand.NewPCG(seed, 1)), lossy: h.Lossy()}
	w.air = &air{KV: w.lossy}
	w.store = storeOn(t, h, w.air)
	w.lead()
	return w
}

// lead lets go of the lease, and takes it again.
func (w *walker) lead() {
	w.t.Helper()
	if w.lease != nil {
		must(w.t, w.lease.Release(context.WithoutCancel(w.t.Context())))
	}
	eventually(w.t, "the lease to be taken", func() bool {
		lease, err := w.store.Campaign(w.t.Context(), cluster, "ada@bastion", "")
		w.lease = lease
		return err == nil
	})
}

// change is any that could be decided on what lies there.
func (w *walker) change(now states.Snapshot) states.Change {
	step := change(now.Record.Value.Journal + 1)
	move := fmt.Sprint("t-", step.Entry.Seq/9)
	step.Record.ID, step.Entry.Transition, step.Record.Status = move, move, states.Done
	step.Entry.At = instant.Add(time.Duration(step.Entry.Seq) * time.Minute)
	step.Orders = map[string]states.Order{}
	for range w.random.IntN(4) {
		step.Orders[fmt.Sprint("web", w.random.IntN(12))] = order(fmt.Sprint("run-", step.Entry.Seq))
	}
	if w.random.IntN(3) == 0 {
		wanted := desired(now.Desired.Value.Generation + 1)
		step.Desired, step.Entry.Desired, step.Entry.Generation = &wanted, &wanted, wanted.Generation
	}
	if w.random.IntN(5) == 0 {
		text := fmt.Sprint("text ", step.Entry.Seq)
		step.Definition, step.Entry.Definition, step.Entry.Text = &text, "x", text
	}
	return step
}

// step commits once, or tries to.
func (w *walker) step() {
	w.t.Helper()
	now := snapshot(w.t, w.store)
	step := w.change(now)
	switch w.random.IntN(9) {
	case 0:
		w.lead()
	case 1:
		w.lossy.LoseNextWrite(w.random.IntN(2) == 0)
	case 2:
		w.air.hold = true
		wantErr(w.t, "a commit that hangs", w.store.Commit(w.t.Context(), w.lease, now, step), states.ErrUnknownOutcome)
		if w.random.IntN(2) == 0 {
			w.air.land(w.t)
		}
		return
	}
	err := w.store.Commit(w.t.Context(), w.lease, now, step)
	switch {
	case err == nil:
		w.done++
	case !errors.Is(err, states.ErrUnknownOutcome):
		w.t.Fatal(err)
	}
	if w.random.IntN(9) == 0 && w.store.Commit(w.t.Context(), w.lease, now, w.change(now)) == nil {
		w.t.Fatal("two changes were committed on one snapshot")
	}
}

// findings are those of fsck, as "kind key".
func findings(t *testing.T, s *store.Store) (found []string) {
	t.Helper()
	ledger, err := s.Ledger(t.Context(), cluster)
	must(t, err)
	for _, f := range orchestrator.Fsck(ledger, time.Now()) {
		found = append(found, f.Kind+" "+f.Key)
	}
	return found
}

func walkReplays(t *testing.T, h Harness) {
	w := newWalker(t, h, 1)
	for range 120 {
		w.step()
		if found := findings(t, w.store); len(found) > 0 {
			t.Fatalf("after %d commits: %q", w.done, found)
		}
	}
	must(t, w.lease.Release(context.WithoutCancel(t.Context())))
	if found := findings(t, w.store); len(found) > 0 || w.done < 50 {
		t.Errorf("after %d commits: %q", w.done, found)
	}
}

func plantedNamed(t *testing.T, h Harness) {
	w := newWalker(t, h, 2)
	for range 30 {
		w.step()
	}
	k := w.store.Keys
	commit(t, w.store, w.lease, func() states.Change { // whatever was written so far, this was
		step, wanted, text := w.change(snapshot(t, w.store)), desired(999), "last"
		step.Desired, step.Entry.Desired, step.Entry.Generation, step.Definition = &wanted, &wanted, 999, &text
		step.Orders = map[string]states.Order{"web1": order("run-x"), "web2": order("run-x")}
		return step
	}())
	spoil := func(key string) { h.Put(key, strings.Replace(text(t, h.KV, key), "4", "5", 1)) }
	h.Put(k.Definition(cluster), "first")
	spoil(k.Desired(cluster))
	spoil(k.Record(cluster))
	spoil(k.Order(cluster, "web1"))
	h.Delete(k.Order(cluster, "web2"))
	h.Put(k.Order(cluster, "planted"), "x")
	h.Put(k.Entry(cluster, 3), text(t, h.KV, k.Entry(cluster, 3))+" ")
	want := "edited journal/000000000003 edited definition edited desired planted orders/planted edited orders/web1 deleted orders/web2 edited transition"
	if found := findings(t, w.store); join(found) != want {
		t.Errorf("found %q, want %q", join(found), want)
	}
}

func shortened(t *testing.T, h Harness) {
	w := newWalker(t, h, 3)
	keep := orchestrator.Keep{Least: 12, Age: time.Minute, Most: 40, Slack: 1}
	for range 3 {
		for range 30 {
			w.step()
		}
		ledger, err := w.store.Ledger(t.Context(), cluster)
		must(t, err)
		first := orchestrator.Compact(ledger, keep, instant.Add(1000*time.Hour))
		if first == 0 {
			t.Fatal("there is nothing to be done")
		}
		change := orchestrator.Compaction(ledger, first, orchestrator.Leading{Who: "ada@bastion", Epoch: w.lease.Epoch}, instant)
		must(t, w.store.Commit(t.Context(), w.lease, ledger.Snapshot, change))
		for _, upTo := range []uint64{first - 2, first} { // as if it was cut off in the middle
			var old []states.Page
			ledger, err = w.store.Ledger(t.Context(), cluster)
			must(t, err)
			for _, page := range ledger.Pages {
				if page.Seq < upTo {
					old = append(old, page)
				}
			}
			must(t, w.store.Prune(t.Context(), w.lease, old))
			if found := findings(t, w.store); len(found) > 0 {
				t.Errorf("what is before %d is gone, and %q", upTo, found)
			}
		}
		count, oldest, err := w.store.Oldest(t.Context(), cluster)
		if err != nil || oldest.Value.Seq != first || count != int(change.Entry.Seq-first)+1 {
			t.Errorf("%d entries are left from %d on, of %d to %d: %v", count, oldest.Value.Seq, first, change.Entry.Seq, err)
		}
	}
}

func pruneFenced(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	for seq := range uint64(60) {
		commit(t, s, lease, change(seq+1))
	}
	ledger, err := s.Ledger(t.Context(), cluster)
	must(t, err)
	h.Put(s.Keys.Entry(cluster, 55), "changed by hand")
	wantErr(t, "an entry that is not as it was read", s.Prune(t.Context(), lease, ledger.Pages), states.ErrConflict)
	if count, oldest, err := s.Oldest(t.Context(), cluster); count != 10 || oldest.Value.Seq != 51 || err != nil {
		t.Errorf("%d entries are left from %d on: %v", count, oldest.Value.Seq, err)
	}
	must(t, h.KV.DestroySession(t.Context(), lease.Session))
	wantErr(t, "a deposed leader", s.Prune(t.Context(), lease, ledger.Pages[50:52]), states.ErrLeaseLost)
}

func textsGivenUp(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	lease := lead(t, s)
	text := strings.Repeat("# a definition\n", 2000)
	step := change(1)
	step.Definition, step.Entry.Text, step.Entry.TextBefore = &text, text, text
	commit(t, s, lease, step)
	step = change(2)
	step.Definition, step.Entry.Text, step.Entry.TextBefore = &text, text, text
	step.Record.Reason = strings.Repeat("x", 320*1024)
	commit(t, s, lease, step)
	entries, err := s.Journal(t.Context(), cluster, 0)
	must(t, err)
	if len(entries) != 2 || entries[0].Value.Text != text || entries[1].Value.Text+entries[1].Value.TextBefore != "" {
		t.Errorf("%d entries, with texts of %d and %d bytes", len(entries), len(entries[0].Value.Text), len(entries[1].Value.Text))
	}
	if found := findings(t, s); len(found) > 0 {
		t.Errorf("%q", found)
	}
}

func ledgerDenied(t *testing.T, h Harness) {
	s := storeOn(t, h, h.KV)
	commit(t, s, lead(t, s), change(1))
	for _, denied := range []string{s.Keys.Journal(cluster), s.Keys.Record(cluster), s.Keys.Freeze()} {
		ledger, err := storeOn(t, h, h.Client(denied)).Ledger(t.Context(), cluster)
		if !errors.Is(err, states.ErrDenied) {
			t.Errorf("with %s denied it reads %+v, %v", denied, ledger, err)
		}
	}
}
