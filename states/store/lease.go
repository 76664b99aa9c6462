package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orch/states"
)

// Campaign takes the lease of a cluster, or says who has it. The lock is taken in one transaction
// with a check of what was read before: a lock alone is no compare-and-swap, and two leaders could
// take the same epoch.
func (s *Store) Campaign(ctx context.Context, cluster, who, request string) (*states.Lease, error) {
	snapshot, err := s.Snapshot(ctx, cluster)
	if err != nil {
		return nil, err
	}
	if snapshot.Led {
		return nil, s.held(snapshot)
	}
	begun := s.Clock()
	session, err := s.KV.NewSession(ctx, SessionSpec{Name: "orch leads " + cluster + ": " + who, TTL: s.TTL})
	if err != nil {
		return nil, fmt.Errorf("make a session to lead %q: %w", cluster, err)
	}
	leader := states.Leader{Schema: states.Schema, Who: who, Since: begun.UTC(), Epoch: s.nextEpoch(snapshot), TTL: states.Duration(s.TTL), For: request}
	leader.Summary = fmt.Sprintf("%s leads since %s, epoch %d", who, leader.Since.Format(time.RFC3339), leader.Epoch)
	if err := s.lock(ctx, cluster, session, snapshot, leader); err != nil {
		s.destroy(session)
		return nil, err
	}
	return s.hold(cluster, session, leader, begun), nil
}

// held says who leads, and how long its lease lives at most if it does not any more.
func (s *Store) held(snapshot states.Snapshot) error {
	leader := snapshot.Leader.Value
	ttl := leader.TTL.D()
	if ttl <= 0 {
		ttl = s.TTL
	}
	return &states.HeldError{Cluster: snapshot.Cluster, Leader: leader, Session: snapshot.Session, AtMost: 2*ttl + time.Second}
}

// nextEpoch is above every epoch that anybody can have seen. What was planted beyond that does not
// use up the numbers.
func (s *Store) nextEpoch(snapshot states.Snapshot) uint64 {
	now := s.Clock()
	seen := []uint64{states.Believed(snapshot.Leader.Value.Epoch, now), states.Believed(snapshot.Desired.Value.Epoch, now)}
	for _, node := range snapshot.Nodes {
		seen = append(seen, states.Believed(node.Status.Value.Epoch, now))
	}
	return states.NextEpoch(seen...)
}

func (s *Store) lock(ctx context.Context, cluster, session string, snapshot states.Snapshot, leader states.Leader) error {
	key := s.Keys.Leader(cluster)
	check := Op{Verb: CheckNotExists, Key: key}
	if snapshot.Leader.There() {
		check = Op{Verb: CheckIndex, Key: key, Index: snapshot.Leader.Index}
	}
	_, err := s.KV.Txn(ctx, []Op{check, {Verb: Lock, Key: key, Value: encode(leader), Session: session}})
	var failed *TxnError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed): // somebody was faster, or Consul still delays the lock
		again, err := s.Snapshot(ctx, cluster)
		if err != nil {
			return err
		}
		if again.Led {
			return s.held(again)
		}
		return fmt.Errorf("take the lease of %q: %w", cluster, states.ErrConflict)
	}
	return fmt.Errorf("take the lease of %q: %w", cluster, err)
}

// hold keeps a lease alive until it is released or lost.
func (s *Store) hold(cluster, session string, leader states.Leader, begun time.Time) *states.Lease {
	ctx, cancel := context.WithCancelCause(context.Background())
	var renewing sync.WaitGroup
	renewing.Go(func() { cancel(s.renew(ctx, session, begun)) })
	lease := &states.Lease{Cluster: cluster, Who: leader.Who, Session: session, Epoch: leader.Epoch, Context: ctx}
	var once sync.Once
	lease.Release = func(ctx context.Context) (err error) {
		once.Do(func() {
			cancel(states.ErrLeaseLost)
			renewing.Wait()
			err = s.release(ctx, cluster, session, leader)
		})
		return err
	}
	return lease
}

// renew keeps a session alive and returns when it must be taken for gone. Servers end a session
// between one and two TTLs after the last renewal they saw, so its holder stops trusting it one TTL
// after the START of the last renewal that went well. No call outlasts that. With the next renewal
// due after TTL/3, a call that hangs given up after TTL/4 and the pause TTL/20 after it, three tries
// begin before the end: at 20/60, 38/60 and 56/60 of the TTL.
func (s *Store) renew(ctx context.Context, session string, begun time.Time) error {
	pause := s.TTL / 3
	left := func() time.Duration { return s.TTL - s.Clock().Sub(begun) }
	for {
		rest(ctx, min(pause, left()))
		switch {
		case ctx.Err() != nil:
			return states.ErrLeaseLost
		case left() <= 0:
			return fmt.Errorf("no renewal went well for %s: %w", s.TTL, states.ErrLeaseLost)
		}
		start := s.Clock()
		call, cancel := context.WithTimeout(ctx, min(s.TTL/4, left()))
		err := s.KV.RenewSession(call, session)
		cancel()
		switch {
		case err == nil:
			begun, pause = start, s.TTL/3
		case errors.Is(err, states.ErrSessionGone):
			return fmt.Errorf("%w: %w", states.ErrLeaseLost, err)
		default:
			pause = s.TTL / 20
		}
	}
}

// release lets go of the lock, and then of the session: in this order nobody has to wait for a
// lock delay. The key stays, and says who led last.
func (s *Store) release(ctx context.Context, cluster, session string, leader states.Leader) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	leader.Summary = fmt.Sprintf("%s let go, epoch %d", leader.Who, leader.Epoch)
	leader.Released = s.Clock().UTC()
	_, err := s.KV.Txn(ctx, []Op{{Verb: Unlock, Key: s.Keys.Leader(cluster), Value: encode(leader), Session: session}})
	var failed *TxnError
	if errors.As(err, &failed) { // it was lost already
		err = nil
	}
	return errors.Join(err, s.KV.DestroySession(ctx, session))
}

// destroy ends a session that came to nothing.
func (s *Store) destroy(session string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.KV.DestroySession(ctx, session) // else it ends by itself
}
