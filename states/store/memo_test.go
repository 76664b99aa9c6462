package store

import (
	"fmt"
	"testing"

	"orch/states"
)

// Each text is read once, whatever its index is, and as what it is asked for.
func TestMemo(t *testing.T) {
	m, reads := NewMemo(10_000), 0
	at := func(index uint64, text string) states.Doc[states.Leader] {
		return recall(m, plain, Pair{Key: "k", Value: []byte(text), Index: index}, func(pair Pair) states.Doc[states.Leader] {
			reads++
			return read[states.Leader](pair)
		})
	}
	ada, bob := string(encode(states.Leader{Schema: states.Schema, Who: "ada"})), string(encode(states.Leader{Schema: states.Schema, Who: "bob"}))
	for i, want := range []struct {
		text, who string
		reads     int
	}{{ada, "ada", 1}, {ada, "ada", 1}, {bob, "bob", 2}, {ada, "ada", 2}, {"{", "", 3}, {"{", "", 3}} {
		doc := at(uint64(7+i), want.text)
		if doc.Index != uint64(7+i) || doc.Value.Who != want.who || doc.OK() == (want.who == "") || reads != want.reads {
			t.Errorf("%d: %+v after %d reads; want %+v", i, doc, reads, want)
		}
	}
	if doc := decode[states.Vote](m, Pair{Value: []byte(ada), Index: 1}); doc.OK() {
		t.Errorf("a lease is taken for a vote: %+v", doc)
	}
	if sealed[states.Leader](m, Pair{Value: []byte(ada), Index: 1}).Digest == "" {
		t.Error("what was read without its digest is given where that is asked for")
	}
	if doc := at(0, ""); doc.There() {
		t.Errorf("nothing lies there, and it is %+v", doc)
	}
}

// It does not grow for ever, and keeps what is asked for again and again.
func TestMemoHasAnEnd(t *testing.T) {
	m, reads := NewMemo(1000), 0
	look := func(text string) {
		recall(m, plain, Pair{Value: []byte(text), Index: 1}, func(Pair) states.Doc[states.Leader] {
			reads++
			return states.Doc[states.Leader]{}
		})
	}
	for i := range 10_000 {
		look("the same")
		look(fmt.Sprint("something else ", i))
	}
	if reads != 10_001 || len(m.fresh)+len(m.old) > 200 {
		t.Errorf("%d reads, %d texts are kept", reads, len(m.fresh)+len(m.old))
	}
}

// Whoever changes what is shared is found.
func TestMemoSpoiled(t *testing.T) {
	m := NewMemo(10_000)
	pair := Pair{Index: 1, Value: encode(states.Entry{Schema: states.Schema, Seq: 1, Event: "x", Nodes: []string{"a"}})}
	doc := decode[states.Entry](m, pair)
	if texts := m.Spoiled(); len(texts) > 0 || !doc.OK() {
		t.Fatalf("nobody changed anything: %q, %s", texts, doc.Problem)
	}
	doc.Value.Nodes[0] = "b"
	if len(m.Spoiled()) != 1 {
		t.Error("nobody notices")
	}
}
