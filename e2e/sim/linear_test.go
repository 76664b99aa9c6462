package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"orch/states/store"
)

// both is what lies at the two keys, as one thing with a history.
type both struct{ leader, desired Lies }

func (b *both) at(key string) *Lies {
	if key == linear[0] {
		return &b.leader
	}
	return &b.desired
}

// holds tells whether an operation's condition holds where this lies there.
func (b both) holds(op store.Op) bool {
	lies := *b.at(op.Key)
	switch op.Verb {
	case store.CAS, store.CheckIndex:
		return op.Index == lies.Index
	case store.CheckNotExists:
		return lies.Index == 0
	case store.CheckSession, store.Unlock:
		return lies.Index != 0 && lies.Session == op.Session
	case store.Lock:
		return lies.Session == "" || lies.Session == op.Session
	}
	return true
}

// expires is what Consul itself does to the lease: its holder's session ended.
type expires struct{ to Lies }

// step is the specification: the lease and the desired state are one register. A read gives what lies
// there; a write is done where its conditions hold, all of it, and only there.
func step(state, input, output any) (bool, any) {
	b := state.(both)
	if e, consul := input.(expires); consul {
		b.leader = e.to
		return true, b
	}
	c := input.(Call)
	switch {
	case c.Reads:
		for key, lies := range c.Found {
			if *b.at(key) != lies {
				return false, b
			}
		}
		return true, b
	case c.Applied:
		for _, op := range c.Ops {
			if !b.holds(op) {
				return false, b
			}
		}
		for key, lies := range c.Found {
			*b.at(key) = lies
		}
		return true, b
	}
	for _, op := range c.Ops { // it failed at one of the two keys: then something did not hold
		if op.Key == c.Failed && !b.holds(op) {
			return true, b
		}
	}
	return c.Failed != linear[0] && c.Failed != linear[1], b
}

// linearizable tells whether what everybody saw of the lease and the desired state can be put into one
// order that the clock does not contradict. Unknown: it could not be told in a minute.
func linearizable(h *History) porcupine.CheckResult {
	var all []porcupine.Operation
	add := func(who int, from, to time.Duration, in any) {
		all = append(all, porcupine.Operation{ClientId: who, Input: in, Call: int64(from), Return: int64(to)})
	}
	clients := map[string]int{"": 0}
	for _, c := range h.Calls {
		if _, known := clients[c.Who]; !known {
			clients[c.Who] = len(clients)
		}
		add(clients[c.Who], c.From, c.To, c)
	}
	for _, n := range h.Notes {
		if n.Write == nil || n.Who != "" {
			continue
		}
		for _, doc := range n.Write.Docs {
			if doc.Room == "leader" {
				add(0, n.At, n.At, expires{Lies{n.Write.Index, doc.Session}})
			}
		}
	}
	model := porcupine.Model{Init: func() any { return both{} }, Step: step, DescribeOperation: func(in, _ any) string { return fmt.Sprintf("%+v", in) }}
	return porcupine.CheckOperationsTimeout(model, all, time.Minute)
}

// The lease and the desired state, as those saw them who write and read them, have one history.
func TestOneHistory(t *testing.T) {
	wanted, some, calls := 4, 0, 0
	if *whole {
		wanted = 100
	}
	for seed := *from; some < wanted; seed++ {
		s := Tell(seed).first()
		if s.Rough { // a restore is no operation of a register
			continue
		}
		result := played(t, s, Alteration{})
		some, calls = some+1, calls+len(result.History.Calls)
		switch linearizable(&result.History) {
		case porcupine.Illegal:
			t.Errorf("seed %d: what was seen of the lease and the desired state has no one order", seed)
		case porcupine.Unknown:
			t.Errorf("seed %d: whether what was seen of the lease and the desired state has one order could not be told in a minute", seed)
		}
		if seed%4 == 0 {
			continue
		}
		h := result.History // and it would be noticed
		for i, c := range h.Calls {
			if c.Reads && c.Found[linear[1]].Index > 0 && i > len(h.Calls)/2 {
				c.Found = map[string]Lies{linear[0]: c.Found[linear[0]], linear[1]: {Index: c.Found[linear[1]].Index - 1}}
				h.Calls[i] = c
				if linearizable(&h) != porcupine.Illegal {
					t.Errorf("seed %d: a read of a version that was never there goes unnoticed", seed)
				}
				break
			}
		}
	}
	t.Logf("%d stories, %d calls", some, calls)
}
