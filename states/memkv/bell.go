package memkv

import (
	"context"
	"slices"
	"strings"
	"time"

	"orch/states/store"
)

// bell wakes a blocked watch when it may have something to tell: looking costs, and most changes are of
// what most watches do not look at.
type bell struct {
	query   store.Query
	nothing bool // lies there, as far as was seen: then the index moves with any key
	rung    chan struct{}
	timer   *time.Timer
}

func newBell(q store.Query) *bell {
	return &bell{query: q, rung: make(chan struct{}, 1)}
}

// listen has a bell rung from now on; the lock is held.
func (s *server) listen(b *bell, nothing bool) {
	b.nothing = nothing
	if !slices.Contains(s.bells, b) {
		s.bells = append(s.bells, b)
	}
}

func (s *server) unlisten(b *bell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bells = slices.DeleteFunc(s.bells, func(one *bell) bool { return one == b })
}

// news wakes the watches of keys that have changed; the lock is held.
func (s *server) news(changed map[string]entry) {
	for _, b := range s.bells {
		if b.nothing || b.hears(changed) {
			b.ring()
		}
	}
}

func (b *bell) hears(changed map[string]entry) bool {
	if !b.query.Prefix {
		_, mine := changed[b.query.Key]
		return mine
	}
	for key := range changed {
		if strings.HasPrefix(key, b.query.Key) {
			return true
		}
	}
	return false
}

// wake lets every blocked watch look again.
func (s *server) wake() {
	for _, b := range s.bells {
		b.ring()
	}
}

func (b *bell) ring() {
	select {
	case b.rung <- struct{}{}:
	default: // it is on its way to look
	}
}

// wait waits for the bell, not for longer than so long.
func (b *bell) wait(ctx context.Context, most time.Duration) {
	if b.timer == nil {
		b.timer = time.NewTimer(most)
	} else {
		b.timer.Reset(most)
	}
	defer b.timer.Stop()
	select {
	case <-ctx.Done():
	case <-b.rung:
	case <-b.timer.C:
	}
}
