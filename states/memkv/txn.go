package memkv

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"orch/states"
	"orch/states/store"
)

// Consul's limits of a transaction.
const (
	maxOps   = 128
	maxBytes = 512 * 1024
	overhead = 64 // of one operation, about
)

// Txn does all operations or none.
func (c *Caller) Txn(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.server.mu.Unlock()
	if tooLarge(ops) {
		return nil, fmt.Errorf("%w: %d operations", states.ErrTooLarge, len(ops))
	}
	if reads(ops) || c.lose == loseNothing {
		return c.txn(ops)
	}
	if c.lose == loseAfter {
		_, _ = c.txn(ops) // whatever came of it, nobody hears
	}
	c.lose = loseNothing
	return nil, fmt.Errorf("%w: the answer was lost", states.ErrUnknownOutcome)
}

func (c *Caller) txn(ops []store.Op) ([]store.Pair, error) {
	if err := c.server.permit(c.denied, ops); err != nil {
		return nil, err
	}
	stage := c.server.begin()
	stage.by = c.name
	found := make([]store.Pair, 0, len(ops))
	for i, op := range ops {
		pairs, what := stage.do(op)
		if what != "" {
			return nil, &store.TxnError{Op: i, What: what}
		}
		found = append(found, pairs...)
	}
	all := len(found)
	visible := slices.DeleteFunc(found, func(p store.Pair) bool { return denies(c.denied, p.Key) })
	if reads(ops) && len(visible) < all {
		return nil, fmt.Errorf("%w: reading part of what was asked for", states.ErrDenied)
	}
	stage.commit()
	return visible, nil
}

func reads(ops []store.Op) bool {
	return !slices.ContainsFunc(ops, func(op store.Op) bool {
		return op.Verb != store.Get && op.Verb != store.GetOrEmpty && op.Verb != store.GetTree
	})
}

func tooLarge(ops []store.Op) bool {
	size := 0
	for _, op := range ops {
		size += overhead + len(op.Key) + base64.StdEncoding.EncodedLen(len(op.Value))
	}
	return len(ops) > maxOps || size > maxBytes
}

var known = map[store.Verb]bool{store.Get: true, store.GetOrEmpty: true, store.GetTree: true, store.CAS: true, store.DeleteCAS: true,
	store.CheckIndex: true, store.CheckNotExists: true, store.CheckSession: true, store.Lock: true, store.Unlock: true}

// permit is what Consul looks at before any operation is tried: rights, then verbs, keys and lock delays.
// Denied reads pass, and their results are left out.
func (s *server) permit(denied []string, ops []store.Op) error {
	for i, op := range ops {
		if known[op.Verb] && !reads(ops[i:i+1]) && denies(denied, op.Key) {
			return fmt.Errorf("%w: operation %d: %s %q", states.ErrDenied, i, op.Verb, op.Key)
		}
	}
	for i, op := range ops {
		switch {
		case !known[op.Verb]:
			return &store.TxnError{Op: i, What: fmt.Sprintf("unknown KV operation: %s", op.Verb)}
		case op.Key == "":
			return &store.TxnError{Op: i, What: "Must provide key"}
		case op.Verb == store.Lock && s.delays[op.Key].After(s.clock()):
			return &store.TxnError{Op: i, What: fmt.Sprintf("failed to lock key %q due to lock delay", op.Key)}
		}
	}
	return nil
}

// stage is a transaction in progress: each operation sees what those before it did.
type stage struct {
	server *server
	by     string
	index  uint64
	dirty  map[string]entry // a zero entry: deleted
}

func (s *server) begin() *stage {
	return &stage{server: s, index: s.index + 1, dirty: map[string]entry{}}
}

func (t *stage) get(key string) entry {
	if e, staged := t.dirty[key]; staged {
		return e
	}
	return t.server.keys[key]
}

// set writes an entry. One that is equal to what lies there is no change.
func (t *stage) set(e entry) entry {
	old := t.get(e.Key)
	if old.there() && bytes.Equal(old.Value, e.Value) && old.Session == e.Session && old.locks == e.locks {
		return old
	}
	e.Created, e.Index = t.index, t.index
	if old.there() {
		e.Created = old.Created
	}
	e.Value = bytes.Clone(e.Value)
	t.dirty[e.Key] = e
	return e
}

func (t *stage) remove(key string) {
	if t.get(key).there() {
		t.dirty[key] = entry{}
	}
}

// commit makes the changes real and tells whether there were any.
func (t *stage) commit() bool {
	s := t.server
	if len(t.dirty) == 0 {
		return false
	}
	for key, e := range t.dirty {
		at, known := slices.BinarySearch(s.names, key)
		if e.there() {
			s.keys[key] = e
			if !known {
				s.names = slices.Insert(s.names, at, key)
			}
		} else if known {
			delete(s.keys, key)
			s.names = slices.Delete(s.names, at, at+1)
			s.stones[key] = t.index
		}
	}
	s.index, s.table = t.index, t.index
	t.told()
	s.news(t.dirty)
	return true
}

// tree gives all pairs below a prefix, in the order of the keys.
func (t *stage) tree(prefix string) []store.Pair {
	var pairs []store.Pair
	for key := range t.server.below(prefix) {
		if _, staged := t.dirty[key]; !staged {
			pairs = append(pairs, t.server.keys[key].Pair)
		}
	}
	if len(t.dirty) == 0 {
		return pairs
	}
	for key, e := range t.dirty {
		if e.there() && strings.HasPrefix(key, prefix) {
			pairs = append(pairs, e.Pair)
		}
	}
	slices.SortFunc(pairs, func(a, b store.Pair) int { return strings.Compare(a.Key, b.Key) })
	return pairs
}

// blank is the pair without its value, as checks and writes answer.
func (e entry) blank() []store.Pair {
	pair := e.Pair
	pair.Value = nil
	return []store.Pair{pair}
}
