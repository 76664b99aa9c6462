package orchestrator_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// compact does what an engine does, or stops short of deleting everything.
func (b *book) compact(keep orchestrator.Keep, until int) uint64 {
	b.t.Helper()
	first := orchestrator.Compact(b.ledger(), keep, b.now)
	for range 100 {
		if first == 0 {
			return 0
		}
		ledger := b.ledger()
		change := orchestrator.Compaction(ledger, first, orchestrator.Leading{Who: "ada@bastion", Epoch: 1}, b.now)
		if err := b.store.Commit(b.t.Context(), b.lease, ledger.Snapshot, change); err != nil {
			b.t.Fatal(err)
		}
		b.seq++
		if change.Entry.From != 0 {
			break
		}
	}
	var old []states.Page
	for _, page := range b.ledger().Pages {
		if page.Seq < first && len(old) < until {
			old = append(old, page)
		}
	}
	if err := b.store.Prune(b.t.Context(), b.lease, old); err != nil {
		b.t.Fatal(err)
	}
	return first
}

func TestCompactKeeps(t *testing.T) {
	keep := orchestrator.Keep{Least: 5, Age: time.Hour, Most: 20, Slack: 2}
	page := func(seq int, age time.Duration, transition string) states.Page {
		return states.Page{Seq: uint64(seq), Doc: states.Doc[states.Entry]{Index: 1,
			Value: states.Entry{Seq: uint64(seq), At: start.Add(-age), Transition: transition}}}
	}
	pages := func(n, last int, age func(seq int) time.Duration) states.Ledger {
		var ledger states.Ledger
		ledger.Record = states.Doc[states.Record]{Index: 1, Value: states.Record{ID: "t-last", Status: states.Done}}
		for seq := 1; seq <= n; seq++ {
			id := "t-old"
			if seq > n-last {
				id = "t-last"
			}
			ledger.Pages = append(ledger.Pages, page(seq, age(seq), id))
		}
		return ledger
	}
	old := func(int) time.Duration { return 48 * time.Hour }
	young := func(int) time.Duration { return time.Minute }
	with := func(status string) states.Ledger {
		ledger := pages(30, 2, old)
		ledger.Record.Value.Status = status
		return ledger
	}
	for name, test := range map[string]struct {
		ledger states.Ledger
		want   uint64
	}{
		"few":                        {pages(5, 1, old), 0},
		"one too many is no matter":  {pages(6, 1, old), 0},
		"old ones go":                {pages(30, 2, old), 26},
		"young ones stay":            {pages(20, 2, young), 0},
		"young ones beyond most go":  {pages(30, 2, young), 11},
		"half of them is young":      {pages(18, 2, func(seq int) time.Duration { return time.Duration(18-seq) * 7 * time.Minute }), 10},
		"all of the last move stays": {pages(30, 12, old), 19},
		"it runs":                    {with(states.Running), 0},
		"it is paused":               {with(states.Paused), 0},
		"it was aborted":             {with(states.Aborted), 26},
	} {
		if got := orchestrator.Compact(test.ledger, keep, start); got != test.want {
			t.Errorf("%s: it begins with %d, want %d", name, got, test.want)
		}
	}
}

// walk writes at random: any key may be written by any entry.
func (b *book) walk(random *rand.Rand, steps int) {
	generation := uint64(b.seq)
	for range steps {
		var nodes []string
		for range random.IntN(4) {
			nodes = append(nodes, fmt.Sprint("web-", random.IntN(40)))
		}
		move := fmt.Sprint("t-", b.seq/7)
		b.write(func(c *states.Change) {
			c.Entry.Transition, c.Record.ID, c.Entry.Generation = move, move, 0
			if b.move != move || random.IntN(4) == 0 {
				b.move = move
				generation++
				desires(generation)(c)
				c.Desired.Transition = move
			}
			if random.IntN(6) == 0 {
				defines(fmt.Sprint("text ", b.seq))(c)
			}
		}, nodes...)
	}
}

// However a journal grew and was made shorter, also where that was cut off in the middle, fsck finds
// nothing; and what is planted then is still named, also where only compacted entries wrote it.
func TestCompactionKeepsTheJournalWhole(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			b := newBook(t)
			b.walk(random, 1)
			b.write(desires(1), "web-old") // never written again
			cut := 0
			for range 6 {
				b.walk(random, 5+random.IntN(40))
				keep := orchestrator.Keep{Least: 4 + random.IntN(20), Age: 10 * time.Minute, Most: 100, Slack: 1}
				if b.compact(keep, random.IntN(200)) != 0 {
					cut++
				}
				if wrong, all := b.wrong(); len(wrong) > 0 || len(all) > 0 {
					t.Fatalf("after %d entries: %+v", b.seq, all)
				}
			}
			if cut == 0 {
				t.Fatal("nothing was made shorter")
			}
			b.swap("orders/web-old", "step 2", "step two")
			b.put("orders/web-99", "x")
			b.swap("desired", `"joiners": "wait"`, `"joiners": "target"`)
			if wrong, all := b.wrong(); fmt.Sprint(wrong) != "[edited desired planted orders/web-99 edited orders/web-old]" {
				t.Errorf("got %q: %+v", wrong, all)
			}
		})
	}
}

// An edit is not made good by a compaction, which restates what was written and not what lies there.
func TestCompactionForgivesNothing(t *testing.T) {
	b := newBook(t)
	b.write(desires(1), "web-1", "web-2")
	b.walk(rand.New(rand.NewPCG(1, 1)), 40)
	b.put("orders/web-77", "x")
	b.compact(orchestrator.Keep{Least: 5, Age: time.Minute, Most: 100, Slack: 1}, 200)
	if wrong, all := b.wrong(); fmt.Sprint(wrong) != "[planted orders/web-77]" {
		t.Errorf("got %q: %+v", wrong, all)
	}
	ledger := b.ledger()
	if newest := ledger.Pages[len(ledger.Pages)-1].Value; !strings.Contains(newest.Reason, "1 fault") {
		t.Errorf("the journal does not say that something was wrong: %q", newest.Reason)
	}
}

// More nodes than one entry can restate take several, and a leader that died between them is no harm.
func TestManyNodesAreRestatedInSeveralEntries(t *testing.T) {
	b := newBook(t)
	for i := range 20 {
		var nodes []string
		for n := range 60 {
			nodes = append(nodes, fmt.Sprintf("web-%04d", 60*i+n))
		}
		b.write(nil, nodes...)
	}
	for range 10 {
		b.write(func(c *states.Change) { c.Entry.Transition, c.Record.ID = "t-2", "t-2" })
	}
	ledger := b.ledger()
	change := orchestrator.Compaction(ledger, 25, orchestrator.Leading{Who: "ada@bastion", Epoch: 1}, b.now)
	if len(change.Entry.Restated) != states.MaxRestated || change.Entry.From != 0 {
		t.Fatalf("%d keys are restated, and it begins with %d", len(change.Entry.Restated), change.Entry.From)
	}
	if err := b.store.Commit(t.Context(), b.lease, ledger.Snapshot, change); err != nil {
		t.Fatal(err)
	}
	b.seq++
	b.write(func(c *states.Change) { c.Entry.Transition, c.Record.ID = "t-3", "t-3" }, "web-0001") // the next leader did something else first
	keep := orchestrator.Keep{Least: 4, Age: time.Second, Most: 10, Slack: 1}
	if b.compact(keep, 60) == 0 {
		t.Fatal("nothing was made shorter")
	}
	if _, all := b.wrong(); len(all) > 0 {
		t.Fatalf("%+v", all)
	}
	b.swap("orders/web-0777", "step", "leap")
	if wrong, _ := b.wrong(); fmt.Sprint(wrong) != "[edited orders/web-0777]" {
		t.Errorf("got %q", wrong)
	}
}

func TestPruneIsFenced(t *testing.T) {
	b := story(t)
	pages := b.ledger().Pages
	if err := b.kv.Client().DestroySession(t.Context(), b.lease.Session); err != nil {
		t.Fatal(err)
	}
	if err := b.store.Prune(t.Context(), b.lease, pages[:3]); !errors.Is(err, states.ErrLeaseLost) {
		t.Errorf("a deposed leader deletes: %v", err)
	}
	if n := len(b.ledger().Pages); n != 10 {
		t.Errorf("%d entries are left", n)
	}
}

// A journal that an older version began goes on with a chain, and nothing is called wrong for it.
func TestFsckOfAnOlderJournal(t *testing.T) {
	b := newBook(t)
	for b.seq = 1; b.seq <= 3; b.seq++ {
		b.put(entryKey(int(b.seq)), fmt.Sprintf(`{"schema": 1, "seq": %d, "event": "orders", "desired": {"schema": 1}, "orders": {"web-1": "r-1"}}`, b.seq))
	}
	b.seq = 3
	b.put("transition", `{"schema": 1, "id": "t-1", "status": "done", "journal": 3, "hops": [{"state": {"name": "on"},
		"policy": {"converge_timeout": "1m", "node_order": "name", "approve": "never", "on_failure": "pause", "on_lost": "fail"}}]}`)
	b.put("desired", `{"schema": 1, "epoch": 1, "generation": 1, "transition": "t-1", "state": {"name": "on"}, "stable": {"name": "on"}, "joiners": "wait", "timeout": "1m"}`)
	b.put("orders/web-1", `{"schema": 1, "void": "x"}`)
	older := func() string {
		wrong, all := b.wrong()
		if len(wrong) > 0 || len(all) == 0 {
			t.Fatalf("got %q: %+v", wrong, all)
		}
		text := ""
		for _, f := range all {
			text += f.Text + "\n"
		}
		return text
	}
	for _, part := range []string{"3 entries, 1 to 3, were written by a version without a chain", "desired, orders/web-1, transition"} {
		if text := older(); !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
	b.write(nil, "web-1")
	b.write(nil)
	if text := older(); strings.Contains(text, "web-1") || !strings.Contains(text, "desired") || !strings.Contains(text, "1 to 3") {
		t.Errorf("what was written since can be told:\n%s", text)
	}
	b.put("orders/web-2", b.get("orders/web-1"))
	b.swap(entryKey(4), "step 4", "step four")
	if wrong, all := b.wrong(); fmt.Sprint(wrong) != "[edited "+entryKey(4)+" planted orders/web-2]" {
		t.Errorf("got %q: %+v", wrong, all)
	}
}
