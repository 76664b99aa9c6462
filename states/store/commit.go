package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"orch/states"
)

// Limits of one transaction as Consul has them: of its operations, and of its body, in which values
// are in base64. A body somewhat above the limit is not even answered: Consul cuts the connection
// while it is sent, and nobody could tell that from a write that went through.
const (
	maxOps  = 128
	maxBody = 512 * 1024
	perOp   = 192 // what is sent around the key and the value of an operation, at most
)

// body is at least what a transaction takes when it is sent.
func body(ops []Op) int {
	size := 0
	for _, op := range ops {
		size += perOp + len(op.Key) + len(op.Session) + base64.StdEncoding.EncodedLen(len(op.Value))
	}
	return size
}

// Commit writes one change under the lease: first the check that the lease is still ours, which is
// the fence, then compare-and-swaps against what the change was decided on. The record is always
// among them, so that two writes of one leader exclude each other.
func (s *Store) Commit(ctx context.Context, lease *states.Lease, snapshot states.Snapshot, change states.Change) error {
	if err := possible(change); err != nil {
		return fmt.Errorf("write step %q of %q: nobody could read it: %w", change.Entry.Event, lease.Cluster, err)
	}
	change, ops := s.fits(lease, snapshot, change)
	if size := body(ops); len(ops) > maxOps || size > maxBody {
		return fmt.Errorf("write step %q of %q: %d operations of %d, %d KiB of %d: %w",
			change.Entry.Event, lease.Cluster, len(ops), maxOps, size/1024, maxBody/1024, states.ErrTooLarge)
	}
	_, err := s.KV.Txn(ctx, ops)
	var failed *TxnError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed) && failed.Op == 0:
		return fmt.Errorf("write step %q of %q: %w", change.Entry.Event, lease.Cluster, states.ErrLeaseLost)
	case errors.As(err, &failed) && failed.Op == opEntry: // and the record is as it was read
		return fmt.Errorf("write step %q of %q: %w: look at orch fsck %s, then orch recover %s STATE --override healthy counts on behind it",
			change.Entry.Event, lease.Cluster, states.ErrNumberTaken, lease.Cluster, lease.Cluster)
	case errors.As(err, &failed):
		return fmt.Errorf("write step %q of %q: %s: %w", change.Entry.Event, lease.Cluster, ops[failed.Op].Key, states.ErrConflict)
	case errors.Is(err, states.ErrUnknownOutcome):
		return s.findOut(ctx, lease.Cluster, change, err)
	}
	return fmt.Errorf("write step %q of %q: %w", change.Entry.Event, lease.Cluster, err)
}

// possible finds what a reader would refuse: written, it would stand in the way of whoever leads next.
func possible(change states.Change) error {
	if err := change.Record.Validate(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := change.Entry.Validate(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if change.Desired != nil {
		if err := change.Desired.Validate(); err != nil {
			return fmt.Errorf("desired: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(change.Orders)) {
		if err := change.Orders[name].Validate(); err != nil {
			return fmt.Errorf("order of %q: %w", name, err)
		}
	}
	return nil
}

// opEntry is where the journal's entry stands in the transaction of a change, right behind the record.
const opEntry = 2

// changeOps spells the transaction of a change.
func (s *Store) changeOps(lease *states.Lease, snapshot states.Snapshot, change states.Change, texts map[string][]byte) []Op {
	k, c := s.Keys, lease.Cluster
	ops := []Op{
		{Verb: CheckSession, Key: k.Leader(c), Session: lease.Session},
		{Verb: CAS, Key: k.Record(c), Index: snapshot.Record.Index, Value: texts[states.KeyRecord]},
		{Verb: CAS, Key: k.Entry(c, change.Entry.Seq), Value: texts[""]},
	}
	if change.Desired != nil {
		ops = append(ops, Op{Verb: CAS, Key: k.Desired(c), Index: snapshot.Desired.Index, Value: texts[states.KeyDesired]})
	}
	if change.Definition != nil {
		ops = append(ops, Op{Verb: CAS, Key: k.Definition(c), Index: snapshot.Definition.Index, Value: texts[states.KeyDefinition]})
	}
	for _, name := range slices.Sorted(maps.Keys(change.Orders)) {
		node, _ := snapshot.Node(name)
		ops = append(ops, Op{Verb: CAS, Key: k.Order(c, name), Index: node.Order.Index, Value: texts[states.KeyOrders+name]})
	}
	for _, name := range change.Unmoved {
		node, _ := snapshot.Node(name)
		ops = append(ops, lies(k.Status(c, name), node.Status.Index))
	}
	for _, name := range slices.Sorted(maps.Keys(change.Settled)) {
		ops = append(ops, lies(k.Desired(name), change.Settled[name]))
	}
	if change.Handled != "" {
		ops = append(ops, Op{Verb: DeleteCAS, Key: k.Request(c, change.Handled), Index: requestIndex(snapshot, change.Handled)})
	}
	for _, id := range change.Dropped {
		ops = append(ops, Op{Verb: DeleteCAS, Key: k.Request(c, id), Index: requestIndex(snapshot, id)})
	}
	return ops
}

// lies checks that a key is as it was seen.
func lies(key string, index uint64) Op {
	if index == 0 {
		return Op{Verb: CheckNotExists, Key: key}
	}
	return Op{Verb: CheckIndex, Key: key, Index: index}
}

func requestIndex(snapshot states.Snapshot, id string) uint64 {
	for _, request := range snapshot.Requests {
		if request.Value.ID == id {
			return request.Index
		}
	}
	return 0
}

// findOut reads what became of a write whose answer was lost: its journal entry tells. The write may
// still be in the air, but only as long as the record it compares with lies there unchanged, and
// whoever writes next changes that.
func (s *Store) findOut(ctx context.Context, cluster string, change states.Change, cause error) error {
	pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: s.Keys.Entry(cluster, change.Entry.Seq)}})
	switch {
	case err != nil:
		return fmt.Errorf("find out about step %q of %q: %w", change.Entry.Event, cluster, errors.Join(cause, err))
	case len(pairs) == 0 || pairs[0].Index == 0:
		return fmt.Errorf("write step %q of %q: %w", change.Entry.Event, cluster, cause)
	case bytes.Equal(pairs[0].Value, encode(change.Entry)):
		return nil
	}
	return fmt.Errorf("write step %q of %q: another step has its number: %w", change.Entry.Event, cluster, states.ErrConflict)
}
