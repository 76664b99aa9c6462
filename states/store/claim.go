package store

import (
	"context"
	"errors"
	"fmt"

	"orch/states"
)

// Claim turns a decision into a run. In one transaction it checks that our session still holds our
// status, that the desired state and our order are what was decided on, and looks for an order or a
// freeze that was not there; then it writes running. Whatever leader wrote meanwhile, either this
// transaction came first and the run fills its slot, or it fails and nothing runs.
func (a *Agent) Claim(ctx context.Context, sight states.Sight, before, running states.Status) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session == "" {
		return fmt.Errorf("claim run %q: %w", running.Run.ID, states.ErrSessionGone)
	}
	pairs, err := a.KV.Txn(ctx, a.claimOps(sight, running))
	var failed *TxnError
	switch {
	case err == nil:
	case errors.As(err, &failed) && failed.Op == 0:
		return fmt.Errorf("claim run %q: %w", running.Run.ID, states.ErrSessionGone)
	case errors.As(err, &failed):
		a.refresh(ctx)
		a.lookSoon() // it was decided on what is over, and the queries may not hear of anything newer
		return fmt.Errorf("claim run %q: %w", running.Run.ID, states.ErrConflict)
	case errors.Is(err, states.ErrUnknownOutcome):
		return a.findOut(ctx, before, running, err)
	default:
		return fmt.Errorf("claim run %q: %w", running.Run.ID, err)
	}
	a.note(pairs)
	if what := a.surprise(sight, pairs); what != "" {
		a.lookSoon()
		err := a.report(ctx, before)
		return fmt.Errorf("claim run %q: %s came up: %w", running.Run.ID, what, errors.Join(states.ErrConflict, err))
	}
	return nil
}

func (a *Agent) claimOps(sight states.Sight, running states.Status) []Op {
	order := Op{Verb: GetOrEmpty, Key: a.Keys.Order(a.Cluster, a.Node)}
	if sight.Order.There() {
		order = Op{Verb: CheckIndex, Key: order.Key, Index: sight.Order.Index}
	}
	return []Op{
		{Verb: CheckSession, Key: a.key(), Session: a.session},
		{Verb: CheckIndex, Key: a.Keys.Desired(a.Cluster), Index: sight.Desired.Index},
		order,
		{Verb: GetOrEmpty, Key: a.Keys.Freeze()},
		{Verb: GetOrEmpty, Key: a.Keys.ClusterFreeze(a.Cluster)},
		{Verb: CAS, Key: a.key(), Index: a.index, Value: encode(running)},
	}
}

// surprise names what the transaction found and the decision did not know.
func (a *Agent) surprise(sight states.Sight, pairs []Pair) string {
	known := map[string]uint64{
		a.Keys.Freeze():                 sight.Frozen.Index,
		a.Keys.ClusterFreeze(a.Cluster): sight.Freeze.Index,
	}
	if !sight.Order.There() {
		known[a.Keys.Order(a.Cluster, a.Node)] = 0
	}
	for _, pair := range pairs {
		if index, asked := known[pair.Key]; asked && pair.Index != index {
			return pair.Key
		}
		delete(known, pair.Key)
	}
	for key := range known { // not answered: this token may not read it, so nobody knows what lies there
		return key
	}
	return ""
}

// refresh reads the index of our status again, after somebody (a restore) moved it.
func (a *Agent) refresh(ctx context.Context) {
	if pair, err := a.read(ctx, a.key()); err == nil && pair.Index != 0 {
		a.index = pair.Index
	}
}

// findOut reads what became of a claim whose answer was lost. If it went through, what it found on
// the way is lost with the answer: the claim is taken back, and decided again.
func (a *Agent) findOut(ctx context.Context, before, running states.Status, cause error) error {
	pair, err := a.read(ctx, a.key())
	if err != nil {
		return fmt.Errorf("find out about the claim of run %q: %w", running.Run.ID, errors.Join(cause, err))
	}
	a.index = pair.Index
	if string(pair.Value) == string(encode(running)) {
		if err := a.report(ctx, before); err != nil {
			return fmt.Errorf("take back the claim of run %q: %w", running.Run.ID, err)
		}
	}
	return fmt.Errorf("claim run %q: its answer was lost: %w", running.Run.ID, states.ErrConflict)
}
