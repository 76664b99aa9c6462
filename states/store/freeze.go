package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"orch/states"
)

// freezeKey is where the freeze of a cluster lies, or everybody's where none is named.
func (s *Store) freezeKey(cluster string) string {
	if cluster == "" {
		return s.Keys.Freeze()
	}
	return s.Keys.ClusterFreeze(cluster)
}

// ReadFreeze reads the freeze of a cluster; without a name, everybody's.
func (s *Store) ReadFreeze(ctx context.Context, cluster string) (states.Doc[states.Freeze], error) {
	key := s.freezeKey(cluster)
	pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: key}})
	if err != nil {
		return states.Doc[states.Freeze]{}, fmt.Errorf("read %q: %w", key, err)
	}
	if len(pairs) == 0 || pairs[0].Index == 0 {
		return states.Doc[states.Freeze]{}, nil
	}
	return decode[states.Freeze](s.Memo, pairs[0]), nil
}

// PutFreeze freezes a cluster, or everybody. It is states.ErrConflict where something else lies there
// than was seen.
func (s *Store) PutFreeze(ctx context.Context, cluster string, seen states.Doc[states.Freeze], freeze states.Freeze) error {
	key, value := s.freezeKey(cluster), encode(freeze)
	return s.change(ctx, Op{Verb: CAS, Key: key, Index: seen.Index, Value: value}, func(pair Pair) bool { return bytes.Equal(pair.Value, value) })
}

// DropFreeze ends a freeze that was seen; states.ErrConflict as in PutFreeze.
func (s *Store) DropFreeze(ctx context.Context, cluster string, seen states.Doc[states.Freeze]) error {
	op := Op{Verb: DeleteCAS, Key: s.freezeKey(cluster), Index: seen.Index}
	return s.change(ctx, op, func(pair Pair) bool { return pair.Index == 0 })
}

// change writes one key; where nobody knows whether it was written, looking tells.
func (s *Store) change(ctx context.Context, op Op, written func(Pair) bool) error {
	_, err := s.KV.Txn(ctx, []Op{op})
	var failed *TxnError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return fmt.Errorf("write %q: %w", op.Key, states.ErrConflict)
	case !errors.Is(err, states.ErrUnknownOutcome):
		return fmt.Errorf("write %q: %w", op.Key, err)
	}
	pairs, found := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: op.Key}})
	if found == nil && (len(pairs) == 0 && written(Pair{}) || len(pairs) > 0 && written(pairs[0])) {
		return nil
	}
	return fmt.Errorf("write %q: %w", op.Key, err)
}

// lookSoon has the agent look at the freezes now, and not only when it is time to: a claim found one
// that it did not know of, or somebody lets a node go that it takes to be frozen.
func (a *Agent) lookSoon() {
	select {
	case a.peek <- struct{}{}:
	default:
	}
}

// doze waits until the freezes are to be looked at again.
func (a *Agent) doze(ctx context.Context) {
	timer := time.NewTimer(a.Again)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-a.peek:
	case <-timer.C:
	}
}
