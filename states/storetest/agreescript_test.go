package storetest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"orch/states/store"
)

// deed is one thing done to both stores. It speaks of sessions and snapshots by their order, and of
// indexes by what they are to mean, so that it can be done again after others were left out.
type deed struct {
	Kind     string
	Key      string
	Value    string
	Ops      []step
	Session  int  // which one, from the newest on; -1: none
	Snapshot int  // likewise
	Prefix   bool // of a watch
	Denied   bool // by the client that may not touch everything
	During   *deed
}

// step is one operation of a transaction.
type step struct {
	Verb    store.Verb
	Key     string
	Value   string
	Index   string // now, old, none or far
	Session int
}

func (d deed) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	add("%s", d.Kind)
	switch d.Kind {
	case "txn":
		for _, op := range d.Ops {
			add("[%s %q=%q index:%s session:%d]", op.Verb, op.Key, op.Value, op.Index, op.Session)
		}
	case "put", "delete", "watch", "await":
		add("%q=%q prefix:%v", d.Key, d.Value, d.Prefix)
	case "restore":
		add("%d", d.Snapshot)
	default:
		add("%d", d.Session)
	}
	if d.Denied {
		add("(denied below %q)", secret)
	}
	if d.During != nil {
		add("while { %s }", d.During)
	}
	return strings.Join(parts, " ")
}

// secret is what one of the two clients may not touch.
const secret = "s/"

// Keys that are prefixes of each other, that sort in an order of their own, and that are hidden.
var agreeKeys = []string{"a", "a/", "a/b", "a/b/c", "ab", "B", "s/x", "s/y/z", "é x"}

var agreePrefixes = []string{"", "a", "a/", "a/b/", "s/", "zz/"}

var verbs = []store.Verb{store.Get, store.GetOrEmpty, store.GetTree, store.CAS, store.CAS, store.CAS, store.DeleteCAS,
	store.CheckIndex, store.CheckNotExists, store.CheckSession, store.Lock, store.Lock, store.Unlock, "no-such-verb"}

// script makes deeds up: the same for the same seed. Times go by only in long ones.
func script(seed uint64, n int, slow bool) []deed {
	random := rand.New(rand.NewPCG(seed, 1))
	deeds := []deed{{Kind: "put", Key: "a", Value: "0"}, {Kind: "session"}, {Kind: "session"}, {Kind: "session"}}
	for len(deeds) < n {
		deeds = append(deeds, invent(random, slow, true))
	}
	return deeds
}

func invent(random *rand.Rand, slow, outer bool) deed {
	one := func(from []string) string { return from[random.IntN(len(from))] }
	d := deed{Key: one(agreeKeys), Value: fmt.Sprint(random.IntN(2)), Session: random.IntN(4), Denied: random.IntN(6) == 0}
	switch roll := random.IntN(100); {
	case roll < 50:
		d.Kind = "txn"
		for range 1 + random.IntN(4) {
			d.Ops = append(d.Ops, operation(random))
		}
	case roll < 58:
		d.Kind, d.Denied = "put", false
	case roll < 64:
		d.Kind, d.Denied = "delete", false
	case roll < 67:
		d.Kind = "session"
	case roll < 71:
		d.Kind = "destroy"
	case roll < 74:
		d.Kind = "renew"
	case roll < 76:
		d.Kind = "info"
	case roll < 88:
		d.Kind, d.Prefix = "watch", random.IntN(2) == 0
	case roll < 96 && outer:
		d.Kind, d.Prefix = "await", random.IntN(2) == 0
		inner := invent(random, false, false)
		d.During = &inner
	case roll == 96 && outer:
		d.Kind = "save"
	case roll == 97 && slow:
		d.Kind, d.Snapshot = "restore", random.IntN(2)
	case roll == 98 && slow:
		d.Kind = "expire"
	case roll == 99 && slow:
		d.Kind = "delay"
	default:
		d.Kind, d.Prefix = "watch", true
	}
	if d.Prefix {
		d.Key = one(agreePrefixes)
	}
	return d
}

func operation(random *rand.Rand) step {
	op := step{Verb: verbs[random.IntN(len(verbs))], Key: agreeKeys[random.IntN(len(agreeKeys))], Value: fmt.Sprint(random.IntN(2)),
		Index: "now", Session: random.IntN(4) - random.IntN(2)}
	if random.IntN(4) == 0 {
		op.Index = []string{"old", "none", "far"}[random.IntN(3)]
	}
	if op.Verb == store.GetTree {
		op.Key = agreePrefixes[random.IntN(len(agreePrefixes))]
	}
	if random.IntN(40) == 0 {
		op.Value = ""
	}
	return op
}
