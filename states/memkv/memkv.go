package memkv

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"orch/states"
	"orch/states/store"
)

// KV is a whole store. As a store.KV it is a client with every right.
type KV struct{ *Caller }

// New makes an empty store. A nil clock is time.Now.
func New(clock func() time.Time) *KV {
	if clock == nil {
		clock = time.Now
	}
	s := &server{clock: clock, index: 9, keys: map[string]entry{}, stones: map[string]uint64{}, sessions: map[string]session{},
		delays: map[string]time.Time{}, armed: map[string]time.Duration{}, delay: time.Millisecond,
		span: func(_ string, _ int, ttl time.Duration) time.Duration { return 2 * ttl }}
	return &KV{&Caller{server: s}}
}

// Client makes a client of the store that may neither read nor write below some prefixes.
func (kv *KV) Client(denied ...string) *Caller {
	return &Caller{server: kv.server, denied: slices.Clone(denied)}
}

// Down lets nobody reach the store, or everybody again. Blocked watches end, and no session does: where
// nobody leads the servers, nobody ends any.
func (kv *KV) Down(down bool) {
	kv.server.mu.Lock()
	defer kv.server.mu.Unlock()
	kv.server.tick()
	kv.server.down = down
	kv.server.wake()
}

// LockDelay sets how long a key cannot be locked after the end of its holder's session, for sessions
// made from now on: a millisecond, as this project asks of Consul. Consul's own default is 15 seconds.
func (kv *KV) LockDelay(delay time.Duration) {
	kv.server.mu.Lock()
	defer kv.server.mu.Unlock()
	kv.server.delay = delay
}

// Span sets how long after its n-th renewal a session ends. Consul promises its TTL, and takes twice
// that, which is the time here if nobody says otherwise.
func (kv *KV) Span(span func(id string, n int, ttl time.Duration) time.Duration) {
	kv.server.mu.Lock()
	defer kv.server.mu.Unlock()
	kv.server.span = span
}

// Put writes a key without any check, as somebody in the Consul UI does.
func (kv *KV) Put(key, value string) {
	s := kv.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	stage := s.begin()
	stage.set(entry{Pair: store.Pair{Key: key, Value: []byte(value), Session: stage.get(key).Session}})
	stage.commit()
}

// Delete removes a key without any check.
func (kv *KV) Delete(key string) {
	s := kv.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	stage := s.begin()
	stage.remove(key)
	stage.commit()
}

// All gives everything that lies there, in the order of the keys.
func (kv *KV) All() []store.Pair {
	kv.server.mu.Lock()
	defer kv.server.mu.Unlock()
	kv.server.tick()
	return kv.server.begin().tree("")
}

// Caller is one client of the store, with its own rights and its own bad luck.
type Caller struct {
	server *server
	name   string
	denied []string
	down   bool
	lose   loss
}

var _ store.KV = (*Caller)(nil)

// Deny replaces the prefixes that this client may not touch. A watch that is blocked keeps the
// rights it began with, as with Consul.
func (c *Caller) Deny(prefixes ...string) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.denied = slices.Clone(prefixes)
}

// Down cuts this client off, or lets it back.
func (c *Caller) Down(down bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.down = down
	c.server.wake()
}

type loss int

const (
	loseNothing loss = iota
	loseBefore
	loseAfter
)

// LoseNextWrite loses the answer of the next transaction that writes, after it was applied or
// instead of applying it. The caller sees states.ErrUnknownOutcome either way.
func (c *Caller) LoseNextWrite(applied bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.lose = loseBefore
	if applied {
		c.lose = loseAfter
	}
}

// enter takes the store for one call, at the present time. The caller unlocks it.
func (c *Caller) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", states.ErrUnavailable, err)
	}
	c.server.mu.Lock()
	if c.down || c.server.down {
		c.server.mu.Unlock()
		return fmt.Errorf("%w: no route to the store", states.ErrUnavailable)
	}
	c.server.tick()
	return nil
}

func denies(denied []string, key string) bool {
	return slices.ContainsFunc(denied, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// server is what all clients share.
type server struct {
	mu    sync.Mutex
	clock func() time.Time
	delay time.Duration
	span  func(id string, n int, ttl time.Duration) time.Duration
	down  bool

	index    uint64 // of the newest change of anything; Consul's own come before anybody's
	table    uint64 // of the newest change of a key
	keys     map[string]entry
	names    []string          // of keys, in their order
	stones   map[string]uint64 // deleted keys: the index of the deletion
	sessions map[string]session
	delays   map[string]time.Time     // keys that cannot be locked before
	armed    map[string]time.Duration // the last delay of each key that ever had one: the servers' log knows
	made     int                      // sessions so far
	saved    Snapshot                 // the last one

	life    int     // raised by each restore
	bells   []*bell // of watches that are blocked, in the order in which they came
	observe func(Commit)
}

// entry is a pair and how often it was locked: Consul counts that, starts over with every plain
// write, and calls two entries equal only where the counts are.
type entry struct {
	store.Pair
	locks uint64
}

func (e entry) there() bool { return e.Index != 0 }

// below gives the keys with a prefix, in their order.
func (s *server) below(prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		first, _ := slices.BinarySearch(s.names, prefix)
		for _, key := range s.names[first:] {
			if !strings.HasPrefix(key, prefix) || !yield(key) {
				return
			}
		}
	}
}

// Snapshot is what a store held at one time.
type Snapshot struct {
	index, table uint64
	keys         map[string]entry
	stones       map[string]uint64
	sessions     map[string]session
}

// Save takes a snapshot.
func (kv *KV) Save() Snapshot {
	s := kv.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	if s.index != s.saved.index { // what a snapshot holds is never changed
		s.saved = Snapshot{index: s.index, table: s.table, keys: maps.Clone(s.keys), stones: maps.Clone(s.stones), sessions: maps.Clone(s.sessions)}
	}
	return s.saved
}

// Restore brings a snapshot back: old values under their old indexes, sessions that ended since
// live again for a full time, later ones are gone. New indexes never repeat. Blocked watches end
// with what they saw before.
func (kv *KV) Restore(snapshot Snapshot) {
	s := kv.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index = max(s.index, snapshot.index) + 1
	s.table = snapshot.table
	s.keys, s.stones, s.sessions = maps.Clone(snapshot.keys), maps.Clone(snapshot.stones), maps.Clone(snapshot.sessions)
	s.names = slices.Sorted(maps.Keys(s.keys))
	s.delays, s.armed = map[string]time.Time{}, map[string]time.Duration{}
	s.fresh()
	s.life++
	s.wake()
}
