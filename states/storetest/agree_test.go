package storetest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"orch/states/memkv"
	"orch/states/store"
	"orch/states/storetest/consultest"
)

// TestConsulAgreesWithTwin does random transactions to both and compares every answer. Indexes are
// other numbers there; what must be the same is which of them are equal, and their order.
func TestConsulAgreesWithTwin(t *testing.T) {
	server := consultest.Start(t)
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			p := &pair{t: t, random: rand.New(rand.NewPCG(seed, 1)), memory: memkv.New(time.Now), real: open(t, server, ""),
				prefix: fmt.Sprintf("agree%d/", seed), indexes: map[uint64]uint64{0: 0}}
			for range 3 {
				p.session()
			}
			for step := range 300 {
				if step%40 == 39 {
					p.replace()
				}
				p.step(step)
			}
			if p.failed == 0 || p.worked == 0 {
				t.Errorf("%d transactions worked and %d failed: nothing is proved", p.worked, p.failed)
			}
		})
	}
}

// pair is the two, and what is known about both.
type pair struct {
	t              *testing.T
	random         *rand.Rand
	memory, real   store.KV
	prefix         string
	sessions       [][2]string       // in memory, and in Consul
	indexes        map[uint64]uint64 // from memory's to Consul's
	worked, failed int
}

func (p *pair) session() {
	spec := store.SessionSpec{Name: "agree", TTL: time.Hour}
	inMemory, err := p.memory.NewSession(p.t.Context(), spec)
	inConsul, err2 := p.real.NewSession(p.t.Context(), spec)
	if err := errors.Join(err, err2); err != nil {
		p.t.Fatal(err)
	}
	p.sessions = append(p.sessions, [2]string{inMemory, inConsul})
}

// replace ends the oldest session on both sides and makes another. The ended one is still tried.
func (p *pair) replace() {
	oldest := p.sessions[len(p.sessions)-3]
	if err := errors.Join(p.memory.DestroySession(p.t.Context(), oldest[0]), p.real.DestroySession(p.t.Context(), oldest[1])); err != nil {
		p.t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond) // the lock delay is over on both sides; nothing tells of its end
	p.session()
}

var verbs = []store.Verb{store.Get, store.GetOrEmpty, store.GetTree, store.CAS, store.CAS, store.CAS, store.DeleteCAS,
	store.CheckIndex, store.CheckNotExists, store.CheckSession, store.Lock, store.Lock, store.Unlock}

// op makes one operation for both: with the index that lies there, most of the time.
func (p *pair) op(lie map[string]store.Pair) (inMemory, inConsul store.Op) {
	key := p.prefix + string(rune('a'+p.random.IntN(3)))
	op := store.Op{Verb: verbs[p.random.IntN(len(verbs))], Key: key, Value: []byte{byte('0' + p.random.IntN(2))}}
	switch op.Verb { // a missing key comes back as it was asked for: with whatever else was said
	case store.GetTree:
		return store.Op{Verb: op.Verb, Key: p.prefix}, store.Op{Verb: op.Verb, Key: p.prefix}
	case store.Get, store.GetOrEmpty:
		op.Value = nil
		return op, op
	}
	if p.random.IntN(6) > 0 {
		op.Index = lie[key].Index
	}
	other := op
	other.Index = p.indexes[op.Index]
	who := p.sessions[p.random.IntN(len(p.sessions))]
	for _, one := range p.sessions {
		if one[0] == lie[key].Session && p.random.IntN(2) == 0 {
			who = one
		}
	}
	op.Session, other.Session = who[0], who[1]
	return op, other
}

// lie compares all that lies in both, and learns its indexes.
func (p *pair) lie(step int) map[string]store.Pair {
	all := []store.Op{{Verb: store.GetTree, Key: p.prefix}}
	a, errA := p.memory.Txn(p.t.Context(), all)
	b, errB := p.real.Txn(p.t.Context(), all)
	if err := errors.Join(errA, errB); err != nil || len(a) != len(b) {
		p.t.Fatalf("before step %d there is in memory %+v, in Consul %+v, %v", step, a, b, err)
	}
	lie := map[string]store.Pair{}
	for i := range a {
		if !p.same(a[i], b[i]) {
			p.t.Fatalf("before step %d there is in memory %+v, in Consul %+v", step, a[i], b[i])
		}
		lie[a[i].Key] = a[i]
	}
	return lie
}

func (p *pair) step(step int) {
	lie := p.lie(step)
	var here, there []store.Op
	for range 1 + p.random.IntN(3) {
		a, b := p.op(lie)
		here, there = append(here, a), append(there, b)
	}
	a, errA := p.memory.Txn(p.t.Context(), here)
	b, errB := p.real.Txn(p.t.Context(), there)
	if failedAt(errA) != failedAt(errB) || len(a) != len(b) {
		p.t.Fatalf("step %d: %+v\nin memory: %v, %v\nin Consul: %v, %v", step, here, a, errA, b, errB)
	}
	if errA != nil {
		p.failed++
		return
	}
	p.worked++
	for i := range a {
		if !p.same(a[i], b[i]) {
			p.t.Fatalf("step %d: %+v\nin memory: %+v\nin Consul: %+v", step, here, a[i], b[i])
		}
	}
}

// failedAt gives the operation that failed; -1: none.
func failedAt(err error) string {
	var failed *store.TxnError
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &failed):
		return fmt.Sprint("operation ", failed.Op)
	}
	return err.Error()
}

func (p *pair) same(a, b store.Pair) bool {
	owner := [2]string{a.Session, b.Session}
	return a.Key == b.Key && string(a.Value) == string(b.Value) && p.sameIndex(a.Index, b.Index) && p.sameIndex(a.Created, b.Created) &&
		(owner == [2]string{} || slices.Contains(p.sessions, owner))
}

// sameIndex learns indexes as they come, and asks that they grow on both sides.
func (p *pair) sameIndex(a, b uint64) bool {
	if known, found := p.indexes[a]; found {
		return known == b
	}
	for inMemory, inConsul := range p.indexes {
		if (inMemory < a) != (inConsul < b) {
			return false
		}
	}
	p.indexes[a] = b
	return true
}
