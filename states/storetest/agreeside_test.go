package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"orch/states"
	"orch/states/store"
)

// side is one of the two stores, and what was done to it.
type side struct {
	full      agreeing
	denied    agreeing
	put       func(key, value string)
	delete    func(key string)
	save      func() (restore func())
	slowly    func() string // a session with a long lock delay
	usual     func()        // lock delays are short again
	prefix    string
	sessions  []string
	snapshots []func()
	seen      map[string]uint64 // the newest index of each key, and the one before
	before    map[string]uint64
}

// agreeing is the port, and what else a store is asked of sessions.
type agreeing interface {
	store.KV
	Session(ctx context.Context, id string) (states.Session, error)
}

// outcome is what a deed gave: what must be the same on both sides.
type outcome struct {
	text    string // errors and all else that is compared as it is
	pairs   []store.Pair
	indexes []uint64
}

func (s *side) client(d deed) agreeing {
	if d.Denied {
		return s.denied
	}
	return s.full
}

func (s *side) session(n int) string {
	if n < 0 || n >= len(s.sessions) {
		return ""
	}
	return s.sessions[len(s.sessions)-1-n]
}

// do does a deed here.
func (s *side) do(ctx context.Context, d deed) outcome {
	kv := s.client(d)
	if who := s.session(d.Session); who == "" && (d.Kind == "destroy" || d.Kind == "renew" || d.Kind == "info") {
		return outcome{} // there is none yet
	}
	switch d.Kind {
	case "put":
		s.put(s.prefix+d.Key, d.Value)
	case "delete":
		s.delete(s.prefix + d.Key)
	case "txn":
		return s.txn(ctx, kv, d)
	case "session":
		id, err := kv.NewSession(ctx, store.SessionSpec{Name: "agree", TTL: time.Hour})
		s.sessions = append(s.sessions, id)
		return s.failed(err)
	case "destroy":
		err := kv.DestroySession(ctx, s.session(d.Session))
		time.Sleep(5 * time.Millisecond) // the lock delay is over on both sides; nothing tells of its end
		return s.failed(err)
	case "renew":
		return s.failed(kv.RenewSession(ctx, s.session(d.Session)))
	case "info":
		info, err := kv.Session(ctx, s.session(d.Session))
		out := s.failed(err)
		out.text += fmt.Sprint(info.Lives, info.TTL)
		return out
	case "watch":
		return s.look(ctx, kv, store.Query{Key: s.prefix + d.Key, Prefix: d.Prefix})
	case "await":
		return s.await(ctx, kv, d)
	case "save":
		s.snapshots = append(s.snapshots, s.save())
	case "restore":
		if n := len(s.snapshots) - 1 - d.Snapshot; n >= 0 {
			s.snapshots[n]()
		}
	case "expire":
		return s.expire(ctx, d)
	case "delay":
		return s.delay(ctx, d)
	}
	return outcome{}
}

func (s *side) txn(ctx context.Context, kv store.KV, d deed) outcome {
	var ops []store.Op
	for _, op := range d.Ops {
		at := store.Op{Verb: op.Verb, Key: s.prefix + op.Key}
		switch op.Verb { // a missing key comes back as it was asked for: with whatever else was said
		case store.Get, store.GetOrEmpty, store.GetTree:
		default:
			at.Value, at.Session = []byte(op.Value), s.session(op.Session)
			switch op.Index {
			case "now":
				at.Index = s.seen[at.Key]
			case "old":
				at.Index = s.before[at.Key]
			case "far":
				at.Index = 1 << 40
			}
		}
		ops = append(ops, at)
	}
	pairs, err := kv.Txn(ctx, ops)
	out := s.failed(err)
	out.pairs = pairs
	return out
}

func (s *side) look(ctx context.Context, kv store.KV, q store.Query) outcome {
	answer, err := kv.Watch(ctx, q)
	out := s.failed(err)
	for _, key := range answer.Keys {
		out.text += " " + strings.TrimPrefix(key, s.prefix)
	}
	if answer.Pair.Index != 0 {
		out.pairs = []store.Pair{answer.Pair}
	}
	if err == nil {
		out.indexes = []uint64{answer.Index}
	}
	return out
}

// await begins a watch after what there is now, does something, and waits for what the watch says.
func (s *side) await(ctx context.Context, kv agreeing, d deed) outcome {
	q := store.Query{Key: s.prefix + d.Key, Prefix: d.Prefix}
	first, err := kv.Watch(ctx, q)
	if err != nil {
		return s.failed(err)
	}
	q.After, q.Wait = first.Index, 250*time.Millisecond
	answer := make(chan outcome, 1)
	go func() { answer <- s.look(ctx, kv, q) }()
	time.Sleep(20 * time.Millisecond) // if the watch is there later, it answers at once, and the same
	out := s.do(ctx, *d.During)
	woken := <-answer
	if len(woken.pairs) == 0 && woken.text == "" { // a watch on nothing may be woken by neighbours, or not
		woken.indexes = nil
	}
	return outcome{out.text + " | " + woken.text, append(out.pairs, woken.pairs...), append(out.indexes, woken.indexes...)}
}

// expire lets a session end that holds a key and that nobody renews.
func (s *side) expire(ctx context.Context, d deed) outcome {
	id, err := s.full.NewSession(ctx, store.SessionSpec{Name: "agree", TTL: time.Second})
	s.sessions = append(s.sessions, id)
	out := s.failed(err)
	_, err = s.full.Txn(ctx, []store.Op{{Verb: store.Lock, Key: s.prefix + d.Key, Value: []byte(d.Value), Session: id}})
	out.text += s.failed(err).text
	for {
		info, err := s.full.Session(ctx, id)
		if err != nil || !info.Lives {
			time.Sleep(5 * time.Millisecond) // as after destroy
			out.text += s.failed(err).text
			return out
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// longDelay is one that a test can be in the middle of.
const longDelay = 400 * time.Millisecond

// delay ends a session with a long lock delay that holds a key, and locks that key before and after
// the delay is over.
func (s *side) delay(ctx context.Context, d deed) outcome {
	id := s.slowly()
	defer s.usual()
	s.sessions = append(s.sessions, id)
	lock := func(id string) string {
		_, err := s.full.Txn(ctx, []store.Op{{Verb: store.Lock, Key: s.prefix + d.Key, Value: []byte(d.Value), Session: id}})
		return s.failed(err).text
	}
	text := lock(id)
	held := text == ""
	if err := s.full.DestroySession(ctx, id); err != nil {
		text += err.Error()
	}
	if held {
		text += " | " + lock(s.session(1))
		time.Sleep(longDelay + 50*time.Millisecond) // nothing tells of its end
		text += " | " + lock(s.session(1))
	}
	return outcome{text: text}
}

var (
	numbers = regexp.MustCompile(`\d+`)
	uuids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
)

// failed tells an error without what differs from store to store: prefixes, indexes and ids.
func (s *side) failed(err error) outcome {
	var failed *store.TxnError
	switch {
	case err == nil:
		return outcome{}
	case errors.As(err, &failed):
		what := uuids.ReplaceAllString(strings.ReplaceAll(failed.What, s.prefix, ""), "ID")
		return outcome{text: fmt.Sprintf("operation %d: %s", failed.Op, numbers.ReplaceAllString(what, "N"))}
	}
	for _, verdict := range []error{states.ErrDenied, states.ErrSessionGone, states.ErrTooLarge, states.ErrUnavailable, states.ErrUnknownOutcome, states.ErrConflict} {
		if errors.Is(err, verdict) {
			return outcome{text: verdict.Error()}
		}
	}
	return outcome{text: "refused"}
}

// lie reads all that lies there, and remembers the indexes.
func (s *side) lie(ctx context.Context) outcome {
	pairs, err := s.full.Txn(ctx, []store.Op{{Verb: store.GetTree, Key: s.prefix}})
	now := map[string]uint64{}
	for _, pair := range pairs {
		now[pair.Key] = pair.Index
	}
	for key, index := range s.seen {
		if now[key] != index {
			s.before[key] = index
		}
	}
	s.seen = now
	out := s.failed(err)
	out.pairs = pairs
	return out
}

// who gives the place of a session among those that were made; -1: nobody; -2: another.
func (s *side) who(id string) int {
	if id == "" {
		return -1
	}
	if at := slices.Index(s.sessions, id); at >= 0 {
		return at
	}
	return -2
}
