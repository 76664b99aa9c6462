package store

import (
	"context"
	"errors"
	"fmt"
)

// Withdraw takes a request back that nobody has taken up, and tells whether it lay there still.
func (s *Store) Withdraw(ctx context.Context, cluster, id string) (bool, error) {
	key := s.Keys.Request(cluster, id)
	pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: key}})
	if err != nil || len(pairs) == 0 || pairs[0].Index == 0 {
		return false, err
	}
	_, err = s.KV.Txn(ctx, []Op{{Verb: DeleteCAS, Key: key, Index: pairs[0].Index}})
	var failed *TxnError
	if errors.As(err, &failed) { // whoever leads was quicker
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("withdraw request %q: %w", id, err)
	}
	return true, nil
}
