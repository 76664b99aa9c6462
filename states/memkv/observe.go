package memkv

import (
	"maps"
	"slices"

	"orch/states/store"
)

// Commit is one change of keys as it became real.
type Commit struct {
	By    string       // the client's name; empty: Consul itself, as a session ended, or somebody who needs no client
	Index uint64       // of the change
	Pairs []store.Pair // what lies there from now on, by key; Index 0: nothing any more
}

// Observe tells f of every change of keys, in their order and as they happen, so that a history can be
// checked later. A restore is none: whoever restores knows. f is called inside of the store, and must
// not use it.
func (kv *KV) Observe(f func(Commit)) {
	kv.server.mu.Lock()
	defer kv.server.mu.Unlock()
	kv.server.observe = f
}

// As makes another client with the same rights, whose changes carry a name.
func (c *Caller) As(name string) *Caller {
	return &Caller{server: c.server, denied: c.denied, name: name}
}

// told gives a stage to whoever observes.
func (t *stage) told() {
	if t.server.observe == nil {
		return
	}
	commit := Commit{By: t.by, Index: t.index}
	for _, key := range slices.Sorted(maps.Keys(t.dirty)) {
		pair := t.dirty[key].Pair
		pair.Key = key
		commit.Pairs = append(commit.Pairs, pair)
	}
	t.server.observe(commit)
}
