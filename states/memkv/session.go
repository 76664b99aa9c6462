package memkv

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
	"orch/states/store"
)

// session lives until its end, which each renewal moves.
type session struct {
	id      string
	ttl     time.Duration
	delay   time.Duration // of what it holds when it ends
	renewed int
	end     time.Time
}

// NewSession makes a session that ends some time after its last renewal: see Span.
func (c *Caller) NewSession(ctx context.Context, spec store.SessionSpec) (string, error) {
	if err := c.enter(ctx); err != nil {
		return "", err
	}
	s := c.server
	defer s.mu.Unlock()
	if spec.TTL <= 0 {
		return "", fmt.Errorf("consul refuses: a session with a TTL of %s", spec.TTL)
	}
	s.made++
	s.index++
	id := fmt.Sprintf("5e551011-0000-4000-8000-%012d", s.made)
	s.renew(session{id: id, ttl: spec.TTL, delay: s.delay, renewed: -1})
	return id, nil
}

// RenewSession gives a session its full time again.
func (c *Caller) RenewSession(ctx context.Context, id string) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	s := c.server
	defer s.mu.Unlock()
	one, found := s.sessions[id]
	if !found {
		return states.ErrSessionGone
	}
	s.renew(one)
	return nil
}

// DestroySession ends a session at once.
func (c *Caller) DestroySession(ctx context.Context, id string) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.server.mu.Unlock()
	c.server.end(id, c.server.clock())
	return nil
}

// tick ends the sessions whose time is over, each at its own time.
func (s *server) tick() {
	if s.down {
		return
	}
	now := s.clock()
	var over []session
	for _, one := range s.sessions {
		if !now.Before(one.end) {
			over = append(over, one)
		}
	}
	slices.SortFunc(over, func(a, b session) int {
		if order := a.end.Compare(b.end); order != 0 {
			return order
		}
		return strings.Compare(a.id, b.id)
	})
	for _, one := range over {
		s.end(one.id, one.end)
	}
}

// end ends a session and releases its locks, which changes each key.
func (s *server) end(id string, at time.Time) {
	one, found := s.sessions[id]
	if !found {
		return
	}
	delete(s.sessions, id)
	stage := s.begin()
	for key, held := range s.keys {
		if held.Session == id {
			held.Session = ""
			stage.set(held)
			s.delays[key], s.armed[key] = at.Add(one.delay), one.delay
		}
	}
	if !stage.commit() {
		s.index++
	}
}

// Session tells about a session.
func (c *Caller) Session(ctx context.Context, id string) (states.Session, error) {
	if err := c.enter(ctx); err != nil {
		return states.Session{}, err
	}
	defer c.server.mu.Unlock()
	one, found := c.server.sessions[id]
	return states.Session{ID: id, Lives: found, TTL: states.Duration(one.ttl)}, nil
}
