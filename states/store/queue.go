package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orch/states"
)

// Queue files a request in the hands of a session of its author, in one transaction: it never lies
// there without anybody who waits for it, and when the session ends everybody sees that.
func (s *Store) Queue(ctx context.Context, cluster string, request states.Request) (*states.Turn, error) {
	begun := s.Clock()
	session, err := s.KV.NewSession(ctx, SessionSpec{Name: "orch queues for " + cluster + ": " + request.By, TTL: s.TTL})
	if err != nil {
		return nil, fmt.Errorf("make a session to wait for %q: %w", cluster, err)
	}
	key := s.Keys.Request(cluster, request.ID)
	_, err = s.KV.Txn(ctx, []Op{{Verb: CheckNotExists, Key: key}, {Verb: Lock, Key: key, Value: encode(request), Session: session}})
	if err == nil || s.queued(ctx, key, session, err) {
		return s.keep(session, begun), nil
	}
	s.destroy(session) // should the write still be in the air, it has no session to lock with
	var failed *TxnError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w: %w", states.ErrConflict, err)
	}
	return nil, fmt.Errorf("queue request %q: %w", request.ID, err)
}

// queued finds out what became of a write whose answer was lost.
func (s *Store) queued(ctx context.Context, key, session string, cause error) bool {
	if !errors.Is(cause, states.ErrUnknownOutcome) {
		return false
	}
	pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: key}})
	return err == nil && len(pairs) > 0 && pairs[0].Session == session
}

// keep keeps a place until it is left or lost.
func (s *Store) keep(session string, begun time.Time) *states.Turn {
	ctx, cancel := context.WithCancelCause(context.Background())
	var renewing sync.WaitGroup
	renewing.Go(func() { cancel(s.renew(ctx, session, begun)) })
	var once sync.Once
	return &states.Turn{Context: ctx, Leave: func(ctx context.Context) (err error) {
		once.Do(func() {
			cancel(states.ErrLeaseLost)
			renewing.Wait()
			ctx, end := context.WithTimeout(ctx, 5*time.Second)
			defer end()
			err = s.KV.DestroySession(ctx, session)
		})
		return err
	}}
}
