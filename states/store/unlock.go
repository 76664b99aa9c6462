package store

import (
	"context"
	"fmt"

	"orch/states"
)

// Teller is a KV that can tell about a session.
type Teller interface {
	// Session gives what is known of a session. One that has ended does not live, which is no error.
	Session(ctx context.Context, id string) (states.Session, error)
}

// Session tells about a session, for whoever wonders whether somebody lives.
func (s *Store) Session(ctx context.Context, id string) (states.Session, error) {
	teller, ok := s.KV.(Teller)
	if !ok {
		return states.Session{ID: id}, fmt.Errorf("ask about session %q: this store does not tell", id)
	}
	session, err := teller.Session(ctx, id)
	if err != nil {
		return states.Session{ID: id}, fmt.Errorf("ask about session %q: %w", id, err)
	}
	return session, nil
}

// Unlock ends the session that holds the lease of a cluster, never the key: whoever holds it fails at
// its next write. It returns a *states.HeldError where another one holds the lease by now.
func (s *Store) Unlock(ctx context.Context, cluster, session string) error {
	snapshot, err := s.Snapshot(ctx, cluster)
	if err != nil {
		return err
	}
	switch {
	case !snapshot.Led:
		return nil
	case snapshot.Session != session:
		return s.held(snapshot)
	}
	if err := s.KV.DestroySession(ctx, session); err != nil {
		return fmt.Errorf("end the session %q that holds the lease of %q: %w", session, cluster, err)
	}
	return nil
}
