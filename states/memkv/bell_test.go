package memkv

import (
	"testing"

	"orch/states/store"
)

// A change wakes the watches of its keys, and those that saw nothing: the index of nothing moves with every key.
func TestWhoIsWoken(t *testing.T) {
	kv := New(nil)
	bells := map[string]*bell{"key": newBell(store.Query{Key: "a/b"}), "below": newBell(store.Query{Key: "a/", Prefix: true}),
		"other": newBell(store.Query{Key: "c"}), "below another": newBell(store.Query{Key: "a/b/", Prefix: true}), "nothing": newBell(store.Query{Key: "d"})}
	for name, b := range bells {
		kv.server.listen(b, name == "nothing")
	}
	kv.Put("a/b", "1")
	for name, b := range bells {
		if rung, want := len(b.rung) == 1, name == "key" || name == "below" || name == "nothing"; rung != want {
			t.Errorf("%s: rung %t; want %t", name, rung, want)
		}
		kv.server.unlisten(b)
	}
	if len(kv.server.bells) > 0 {
		t.Error("who has left is still listed")
	}
}
