package store

import (
	"reflect"
	"sync"

	"orch/states"
	"orch/states/strict"
)

// Memo keeps what texts say, so that each is decoded once: of what a look at a cluster brings, nearly
// all was there at the last one. Nothing in it can be out of date, because it is found by the whole
// text. What it gives is shared: nobody changes it. A nil Memo keeps nothing.
type Memo struct {
	mu         sync.Mutex
	fresh, old map[said]any // pointers to documents, whose index says nothing
	room       int          // for texts of one generation, in bytes
	used       int
}

// said is a text, and what it was read as.
type said struct {
	as   reflect.Type
	how  reading
	text string
}

type reading int

const (
	plain reading = iota
	withDigest
)

// memoRoom holds a cluster of a thousand nodes.
const memoRoom = 4 << 20

// NewMemo makes a Memo that holds between one and two times so many bytes of text.
func NewMemo(room int) *Memo {
	return &Memo{room: room, fresh: map[said]any{}}
}

// recall gives what a pair says, and reads it where that is not known.
func recall[T any](m *Memo, how reading, pair Pair, read func(Pair) states.Doc[T]) states.Doc[T] {
	if m == nil || pair.Index == 0 {
		return read(pair)
	}
	known := find[T](m, how, pair.Value)
	if known == nil {
		doc := read(pair)
		known = &doc
		m.keep(said{reflect.TypeFor[T](), how, string(pair.Value)}, known)
	}
	doc := *known
	doc.Index = pair.Index
	return doc
}

func find[T any](m *Memo, how reading, text []byte) *states.Doc[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, known := m.fresh[said{reflect.TypeFor[T](), how, string(text)}]
	if !known {
		if found, known = m.old[said{reflect.TypeFor[T](), how, string(text)}]; known {
			m.put(said{reflect.TypeFor[T](), how, string(text)}, found)
		}
	}
	doc, _ := found.(*states.Doc[T])
	return doc
}

func (m *Memo) keep(key said, doc any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, doc)
}

// put keeps a document. What nobody asked for while a whole generation of others came is dropped.
func (m *Memo) put(key said, doc any) {
	if m.used += len(key.text); m.used > m.room {
		m.old, m.fresh, m.used = m.fresh, map[said]any{}, len(key.text)
	}
	m.fresh[key] = doc
}

// Said gives what a pair says, as whoever leads reads it, and for them too. It is for tests that read along.
func Said[T any](m *Memo, pair Pair) states.Doc[T] {
	var zero T
	switch any(zero).(type) {
	case states.Record:
		return any(sealedRecord(m, pair)).(states.Doc[T])
	case states.Desired, states.Order, states.Entry:
		return sealed[T](m, pair)
	}
	return decode[T](m, pair)
}

// Spoiled gives the texts whose documents are not any more what is written there: somebody changed
// what is not only theirs. Tests ask.
func (m *Memo) Spoiled() (texts []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, generation := range []map[said]any{m.fresh, m.old} {
		for key, doc := range generation {
			again := reflect.New(key.as)
			if key.as == reflect.TypeFor[states.Cluster]() || strict.Decode([]byte(key.text), again.Interface()) != nil {
				continue // it was not read as JSON
			}
			is := reflect.ValueOf(doc).Elem()
			if is.FieldByName("Problem").String() == "" && !reflect.DeepEqual(is.FieldByName("Value").Interface(), again.Elem().Interface()) {
				texts = append(texts, key.text)
			}
		}
	}
	return texts
}
