package storetest_test

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orch/states/consulkv"
	"orch/states/memkv"
	"orch/states/store"
	"orch/states/storetest/consultest"
)

var (
	agreeFor  = flag.Duration("agree", 0, "compare memkv with Consul, seed after seed, for so long")
	agreeSeed = flag.Uint64("agree.seed", 0, "the first seed")
)

// TestConsulAgreesWithTwin does random deeds to both and compares every answer. Indexes are other
// numbers there; what must be the same is which of them are equal, and their order. What fails is
// told with as few deeds as show it.
func TestConsulAgreesWithTwin(t *testing.T) {
	t.Parallel()
	p := newPairs(t)
	count, length, end := uint64(4), 150, time.Now()
	if *agreeFor > 0 {
		count, length, end = 1<<40, 300, time.Now().Add(*agreeFor)
	}
	seeds := *agreeSeed
	for ; seeds < *agreeSeed+count && (*agreeFor == 0 || time.Now().Before(end)); seeds++ {
		deeds := script(seeds, length, true)
		if differ, _ := p.play(deeds); differ != "" {
			t.Fatalf("seed %d differs:\n%s", seeds, p.shrink(deeds, differ))
		}
	}
	t.Logf("%d seeds; %v", seeds-*agreeSeed, p.done)
	for _, kind := range []string{"txn ok", "txn failed", "put", "delete", "session", "destroy", "renew", "info", "watch", "await", "save", "restore", "expire", "delay"} {
		if p.done[kind] == 0 {
			t.Errorf("%q never happened: nothing is proved of it", kind)
		}
	}
}

// pairs makes pairs of an empty twin and an unused prefix of one Consul.
type pairs struct {
	t      *testing.T
	server *consultest.Server
	full   *consulkv.Client
	made   int
	done   map[string]int
}

func newPairs(t *testing.T) *pairs {
	server := consultest.Start(t)
	return &pairs{t: t, server: server, full: open(t, server, ""), done: map[string]int{}}
}

// fresh makes the two sides of one play.
func (p *pairs) fresh() (memory, real *side) {
	p.made++
	prefix := fmt.Sprintf("agree%d/", p.made)
	kv := memkv.New(time.Now)
	memory = &side{full: kv, denied: kv.Client(prefix + secret), put: kv.Put, delete: kv.Delete, prefix: prefix,
		save:   func() func() { saved := kv.Save(); return func() { kv.Restore(saved) } },
		slowly: func() string { kv.LockDelay(longDelay); return p.session(kv) },
		usual:  func() { kv.LockDelay(time.Millisecond) }}
	real = &side{full: p.full, denied: open(p.t, p.server, rules([]string{prefix + secret})+` node_prefix "" { policy = "read" }`), prefix: prefix,
		put:    func(key, value string) { p.server.Must(p.t, "PUT", "/v1/kv/"+escape(key), value) },
		delete: func(key string) { p.server.Must(p.t, "DELETE", "/v1/kv/"+escape(key), "") },
		save: func() func() {
			saved := p.server.Save(p.t)
			return func() { p.server.Restore(p.t, saved) }
		},
		slowly: func() string { return delayedSession(p.t, p.server, longDelay) },
		usual:  func() {}}
	for _, s := range []*side{memory, real} {
		s.seen, s.before = map[string]uint64{}, map[string]uint64{}
	}
	return memory, real
}

func (p *pairs) session(kv store.KV) string {
	id, err := kv.NewSession(p.t.Context(), store.SessionSpec{Name: "agree", TTL: time.Hour})
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// escape spells a key in an address.
func escape(key string) string {
	parts := strings.Split(key, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// play does the deeds to both sides of a fresh pair, and tells where they differ, or "".
func (p *pairs) play(deeds []deed) (differ string, at int) {
	memory, real := p.fresh()
	c := comparison{memory: memory, real: real, indexes: map[uint64]uint64{0: 0}}
	for i, d := range deeds {
		a, b := both(p.t.Context(), d, memory, real)
		p.count(d, a)
		if differ = c.compare(d.String(), a, b); differ == "" {
			differ = c.compare("what lies there after "+d.String(), memory.lie(p.t.Context()), real.lie(p.t.Context()))
		}
		if differ != "" {
			return differ, i
		}
	}
	return "", len(deeds)
}

// both does a deed on both sides at once, as far as it takes time.
func both(ctx context.Context, d deed, memory, real *side) (a, b outcome) {
	var there sync.WaitGroup
	there.Go(func() { b = real.do(ctx, d) })
	a = memory.do(ctx, d)
	there.Wait()
	return a, b
}

func (p *pairs) count(d deed, a outcome) {
	kind := d.Kind
	if kind == "txn" {
		kind = "txn ok"
		if a.text != "" {
			kind = "txn failed"
		}
	}
	p.done[kind]++
	if d.During != nil {
		p.count(*d.During, outcome{})
	}
}

// shrink leaves out deeds for as long as both still differ, and tells what is left.
func (p *pairs) shrink(deeds []deed, differ string) string {
	_, at := p.play(deeds)
	deeds = deeds[:min(at+1, len(deeds))]
	end := time.Now().Add(time.Minute)
	for size := max(1, len(deeds)/2); size > 0; size /= 2 {
		for from := 0; from < len(deeds) && time.Now().Before(end); {
			fewer := slices.Delete(slices.Clone(deeds), from, min(from+size, len(deeds)))
			if why, at := p.play(fewer); why != "" {
				deeds, differ = fewer[:at+1], why
				continue
			}
			from += size
		}
	}
	var b strings.Builder
	for i, d := range deeds {
		fmt.Fprintf(&b, "%3d. %s\n", i+1, d)
	}
	return b.String() + differ
}

// comparison is what is known of both sides.
type comparison struct {
	memory, real *side
	indexes      map[uint64]uint64 // from memory's to Consul's
}

func (c *comparison) compare(what string, a, b outcome) string {
	same := a.text == b.text && len(a.pairs) == len(b.pairs) && len(a.indexes) == len(b.indexes)
	for i := 0; same && i < len(a.pairs); i++ {
		x, y := a.pairs[i], b.pairs[i]
		same = x.Key == y.Key && string(x.Value) == string(y.Value) && c.memory.who(x.Session) == c.real.who(y.Session) &&
			c.sameIndex(x.Index, y.Index) && c.sameIndex(x.Created, y.Created)
	}
	for i := 0; same && i < len(a.indexes); i++ {
		same = c.sameIndex(a.indexes[i], b.indexes[i])
	}
	if same {
		return ""
	}
	return fmt.Sprintf("%s\nin memory: %s\nin Consul: %s\nindexes:   %v", what, a, b, c.indexes)
}

// sameIndex learns indexes as they come, and asks that they grow on both sides.
func (c *comparison) sameIndex(a, b uint64) bool {
	if known, found := c.indexes[a]; found {
		return known == b
	}
	for inMemory, inConsul := range c.indexes {
		if (inMemory < a) != (inConsul < b) {
			return false
		}
	}
	c.indexes[a] = b
	return true
}

func (o outcome) String() string {
	text := fmt.Sprintf("%q", o.text)
	for _, pair := range o.pairs {
		text += fmt.Sprintf(" %q=%q@%d/%d by %q", pair.Key, pair.Value, pair.Created, pair.Index, pair.Session)
	}
	return text + fmt.Sprint(" ", o.indexes)
}
