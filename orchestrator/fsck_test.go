package orchestrator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orch/orchestrator"
	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// book is a cluster in a real store, in memory, whose journal is written by hand.
type book struct {
	t     *testing.T
	kv    *memkv.KV
	store *store.Store
	lease *states.Lease
	seq   uint64
	now   time.Time
	move  string // of the desired state
}

var start = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

func newBook(t *testing.T) *book {
	kv := memkv.New(time.Now)
	keys, err := store.NewKeys("orch")
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(kv, keys, func(string) (states.Cluster, error) { return states.Cluster{Name: "web"}, nil })
	lease, err := s.Campaign(t.Context(), "web", "ada@bastion", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lease.Release(t.Context()) })
	return &book{t: t, kv: kv, store: s, lease: lease, now: start}
}

// write commits one change, of orders for these nodes.
func (b *book) write(edit func(*states.Change), nodes ...string) {
	b.t.Helper()
	snapshot, err := b.store.Snapshot(b.t.Context(), "web")
	if err != nil {
		b.t.Fatal(err)
	}
	if b.move == "" {
		b.move = "t-1"
	}
	b.seq++
	b.now = b.now.Add(time.Minute)
	change := states.Change{Orders: map[string]states.Order{},
		Entry: states.Entry{Schema: 1, Seq: b.seq, At: b.now, Event: states.EventOrders, Epoch: 1, Generation: 1, Transition: "t-1", Reason: fmt.Sprint("step ", b.seq)},
		Record: states.Record{Schema: 1, ID: b.move, Status: states.Done, Journal: b.seq, Hops: []states.Hop{{State: states.State{Name: "on"}, Policy: states.BuiltIn()}},
			Reason: fmt.Sprint("step ", b.seq), Head: "whatever a planner left there"}}
	for _, node := range nodes {
		change.Orders[node] = states.Order{Schema: 1, Void: fmt.Sprint("step ", b.seq)}
	}
	if edit != nil {
		edit(&change)
	}
	if err := b.store.Commit(b.t.Context(), b.lease, snapshot, change); err != nil {
		b.t.Fatal(err)
	}
}

func desires(generation uint64) func(*states.Change) {
	return func(c *states.Change) {
		c.Desired = &states.Desired{Schema: 1, Mark: states.Mark{Epoch: 1, Generation: generation, Transition: "t-1"},
			State: states.State{Name: "on"}, Stable: states.State{Name: "on"}, From: []states.State{}, Joiners: states.JoinersWait, Timeout: states.Duration(time.Minute)}
		c.Entry.Generation = generation
	}
}

func defines(text string) func(*states.Change) {
	return func(c *states.Change) { c.Definition, c.Entry.Definition = &text, "x" }
}

// story is a book of ten entries: each key is written by another one, and some twice.
func story(t *testing.T) *book {
	b := newBook(t)
	b.write(defines("one"))        // 1
	b.write(desires(1))            // 2
	b.write(nil, "web-1", "web-2") // 3
	b.write(nil)                   // 4
	b.write(desires(2))            // 5
	b.write(nil, "web-2")          // 6
	b.write(defines("two"))        // 7
	b.write(nil, "web-3")          // 8
	b.write(nil)                   // 9
	b.write(nil)                   // 10
	return b
}

func (b *book) path(key string) string { return "orch/clusters/web/" + key }

func (b *book) get(key string) string {
	for _, pair := range b.kv.All() {
		if pair.Key == b.path(key) {
			return string(pair.Value)
		}
	}
	b.t.Fatalf("nothing lies at %s", key)
	return ""
}

func (b *book) put(key, value string) { b.kv.Put(b.path(key), value) }

func (b *book) swap(key, old, changed string) {
	b.t.Helper()
	text := b.get(key)
	if !strings.Contains(text, old) {
		b.t.Fatalf("%q is not in %s", old, text)
	}
	b.put(key, strings.Replace(text, old, changed, 1))
}

func entryKey(n int) string { return fmt.Sprintf("journal/%012d", n) }

func (b *book) ledger() states.Ledger {
	b.t.Helper()
	ledger, err := b.store.Ledger(b.t.Context(), "web")
	if err != nil {
		b.t.Fatal(err)
	}
	return ledger
}

// wrong lists the faults, as "kind key".
func (b *book) wrong() (wrong []string, all []orchestrator.Finding) {
	all = orchestrator.Fsck(b.ledger(), time.Now())
	for _, f := range all {
		if f.Wrong() {
			wrong = append(wrong, f.Kind+" "+f.Key)
		}
	}
	return wrong, all
}

// Every edit of a key that its journal tells of is named, whatever else was edited.
func TestFsckNamesEveryEdit(t *testing.T) {
	for name, test := range map[string]struct {
		plant func(*book)
		want  []string
	}{
		"nothing":              {func(b *book) {}, nil},
		"desired edited":       {func(b *book) { b.swap("desired", "on", "off") }, []string{"edited desired"}},
		"desired lower":        {func(b *book) { b.swap("desired", `"generation": 2`, `"generation": 1`) }, []string{"edited desired"}},
		"a space in desired":   {func(b *book) { b.put("desired", b.get("desired")+" ") }, []string{"edited desired"}},
		"desired deleted":      {func(b *book) { b.kv.Delete(b.path("desired")) }, []string{"deleted desired"}},
		"desired is garbage":   {func(b *book) { b.put("desired", "{") }, []string{"edited desired"}},
		"record edited":        {func(b *book) { b.swap("transition", "step 10", "step 11") }, []string{"edited transition"}},
		"record counts lower":  {func(b *book) { b.swap("transition", `"journal": 10`, `"journal": 5`) }, []string{"edited transition"}},
		"record counts higher": {func(b *book) { b.swap("transition", `"journal": 10`, `"journal": 40`) }, []string{"edited transition"}},
		"record garbage":       {func(b *book) { b.put("transition", "{") }, []string{"edited transition"}},
		"record deleted":       {func(b *book) { b.kv.Delete(b.path("transition")) }, []string{"deleted transition"}},
		"record without head": {func(b *book) {
			text := b.get("transition")
			b.put("transition", text[:strings.LastIndex(text, ",")]+"\n}\n")
		}, []string{"edited transition"}},
		"record's head edited": {func(b *book) {
			text := b.get("transition")
			at := strings.LastIndex(text, `"head"`)
			b.put("transition", text[:at]+`"head": "0123456789abcdef0123456789abcdef"`+"\n}\n")
		}, []string{"edited " + entryKey(10)}},
		"definition edited":             {func(b *book) { b.put("definition", "three") }, []string{"edited definition"}},
		"definition put back":           {func(b *book) { b.put("definition", "one") }, []string{"edited definition"}},
		"definition deleted":            {func(b *book) { b.kv.Delete(b.path("definition")) }, []string{"deleted definition"}},
		"order edited":                  {func(b *book) { b.swap("orders/web-1", "step 3", "step 4") }, []string{"edited orders/web-1"}},
		"order deleted":                 {func(b *book) { b.kv.Delete(b.path("orders/web-2")) }, []string{"deleted orders/web-2"}},
		"order planted":                 {func(b *book) { b.put("orders/web-9", b.get("orders/web-1")) }, []string{"planted orders/web-9"}},
		"order with a bad name":         {func(b *book) { b.put("orders/a/b", "x") }, []string{"planted orders/a/b"}},
		"entry edited":                  {func(b *book) { b.swap(entryKey(4), "step 4", "step four") }, []string{"edited " + entryKey(4)}},
		"first entry edited":            {func(b *book) { b.swap(entryKey(1), "step 1", "step one") }, []string{"edited " + entryKey(1)}},
		"newest entry edited":           {func(b *book) { b.swap(entryKey(10), "step 10", "step ten") }, []string{"edited " + entryKey(10)}},
		"entry is garbage":              {func(b *book) { b.put(entryKey(4), "?") }, []string{"unreadable " + entryKey(4)}},
		"entry deleted":                 {func(b *book) { b.kv.Delete(b.path(entryKey(4))) }, []string{"deleted " + entryKey(4)}},
		"entry deleted that wrote keys": {func(b *book) { b.kv.Delete(b.path(entryKey(3))) }, []string{"deleted " + entryKey(3)}},
		"several entries deleted": {func(b *book) {
			for n := 3; n < 8; n++ {
				b.kv.Delete(b.path(entryKey(n)))
			}
		}, []string{"deleted " + entryKey(3)}},
		"the whole journal deleted": {func(b *book) {
			for n := 1; n < 11; n++ {
				b.kv.Delete(b.path(entryKey(n)))
			}
		}, []string{"deleted " + entryKey(1)}},
		"newest entry deleted":    {func(b *book) { b.kv.Delete(b.path(entryKey(10))) }, []string{"deleted " + entryKey(10)}},
		"first entry deleted":     {func(b *book) { b.kv.Delete(b.path(entryKey(1))) }, []string{"deleted " + entryKey(1)}},
		"entry added at the end":  {func(b *book) { b.put(entryKey(11), strings.Replace(b.get(entryKey(10)), `"seq": 10`, `"seq": 11`, 1)) }, []string{"planted " + entryKey(11)}},
		"entry with a short name": {func(b *book) { b.put("journal/4", b.get(entryKey(4))) }, []string{"planted journal/4"}},
		"two entries swapped": {func(b *book) {
			four, six := b.get(entryKey(4)), b.get(entryKey(6))
			b.put(entryKey(4), six)
			b.put(entryKey(6), four)
		}, []string{"moved " + entryKey(4), "moved " + entryKey(6)}},
		"the newest swapped": {func(b *book) {
			four, ten := b.get(entryKey(4)), b.get(entryKey(10))
			b.put(entryKey(4), ten)
			b.put(entryKey(10), four)
		}, []string{"moved " + entryKey(4), "moved " + entryKey(10)}},
		"the newest twice":            {func(b *book) { b.put(entryKey(11), b.get(entryKey(10))) }, []string{"planted " + entryKey(11)}},
		"the newest in another place": {func(b *book) { b.put(entryKey(4), b.get(entryKey(10))) }, []string{"moved " + entryKey(4)}},
		"an entry far beyond":         {func(b *book) { b.put("journal/999999999999", "x") }, []string{"planted journal/999999999999"}},
		"an entry far beyond, and the record": {func(b *book) {
			b.put("journal/999999999999", "x")
			b.put("transition", "{")
		}, []string{"deleted " + entryKey(11), "unreadable journal/999999999999", "unreadable transition"}},
		"an entry in another's place": {func(b *book) { b.put(entryKey(4), b.get(entryKey(9))) }, []string{"moved " + entryKey(4)}},
		"two neighbours edited": {func(b *book) {
			b.swap(entryKey(4), "step 4", "step four")
			b.swap(entryKey(5), "step 5", "step five")
		}, []string{"edited " + entryKey(4), "edited " + entryKey(5)}},
		"leader deleted": {func(b *book) { b.kv.Delete(b.path("leader")) }, []string{"deleted leader"}},
		"leader lower": {func(b *book) {
			b.swap("desired", `"epoch": 1`, `"epoch": 0`)
			b.swap("leader", `"epoch": 1`, `"epoch": 0`)
		}, []string{"edited desired", "lower leader"}},
		"a key that nobody knows": {func(b *book) { b.put("notes", "x") }, nil},
		"a status is garbage":     {func(b *book) { b.put("status/web-1", "x") }, []string{"unreadable status/web-1"}},
		"a request is garbage":    {func(b *book) { b.put("requests/q-1", "x") }, []string{"unreadable requests/q-1"}},
		"a node has seen more": {func(b *book) {
			b.put("status/web-1", `{"schema": 1, "instance": "i-1", "epoch": 1, "generation": 9, "transition": "t-9", "phase": "settled"}`)
		}, []string{"lower status/web-1"}},
		"everything at once": {func(b *book) {
			b.swap("desired", "on", "off")
			b.swap("transition", "step 10", "step 11")
			b.put("definition", "three")
			b.swap("orders/web-1", "step 3", "step 4")
			b.kv.Delete(b.path("orders/web-2"))
			b.put("orders/web-9", b.get("orders/web-1"))
			b.swap(entryKey(3), "step 3", "step three")
		}, []string{"edited " + entryKey(3), "edited definition", "edited desired", "edited orders/web-1", "deleted orders/web-2", "planted orders/web-9", "edited transition"}},
		"edited, and replaced since": {func(b *book) {
			b.swap("orders/web-3", "step 8", "step 9")
			b.write(nil, "web-3")
		}, []string{"edited orders/web-3"}},
		"deleted, and replaced since": {func(b *book) {
			b.kv.Delete(b.path("orders/web-3"))
			b.write(nil, "web-3")
		}, []string{"deleted orders/web-3"}},
		"planted, and replaced since": {func(b *book) {
			b.put("orders/web-9", "x")
			b.write(nil, "web-9")
		}, []string{"planted orders/web-9"}},
		"replaced by a recovery": {func(b *book) {
			b.put("transition", "{")
			b.write(func(c *states.Change) { c.Entry.Event, c.Entry.Epoch = states.EventRecovered, 1001 })
		}, nil},
		"the head was lost, and somebody led on": {func(b *book) {
			text := b.get("transition")
			b.put("transition", text[:strings.LastIndex(text, ",")]+"\n}\n")
			b.write(nil)
		}, []string{"edited transition", "edited transition"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := story(t)
			test.plant(b)
			if wrong, all := b.wrong(); fmt.Sprint(wrong) != fmt.Sprint(test.want) {
				t.Errorf("want %q, got %q:\n%+v", test.want, wrong, all)
			}
		})
	}
}
