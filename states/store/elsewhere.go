package store

import (
	"context"
	"fmt"
	"time"

	"orch/states"
)

// Elsewhere tells where a cluster is to one that waits for it: its desired state and its record,
// both of one instant. What lies there and cannot be used comes with its problem.
func (s *Store) Elsewhere(ctx context.Context, cluster string) (states.Elsewhere, error) {
	pairs, err := s.KV.Txn(ctx, []Op{
		{Verb: GetOrEmpty, Key: s.Keys.Desired(cluster)},
		{Verb: GetOrEmpty, Key: s.Keys.Record(cluster)},
	})
	if err != nil {
		return states.Elsewhere{}, fmt.Errorf("read where cluster %q is: %w", cluster, err)
	}
	var desired states.Doc[states.Desired]
	var record states.Doc[states.Record]
	for _, pair := range pairs {
		switch pair.Key {
		case s.Keys.Desired(cluster):
			desired = desiredOf(s.Memo, cluster, pair)
		case s.Keys.Record(cluster):
			record = decode[states.Record](s.Memo, pair)
		}
	}
	return elsewhere(cluster, desired, record), nil
}

// elsewhere judges the two documents. They are written together, so one without the other is
// damage, and never a cluster that was not born.
func elsewhere(cluster string, desired states.Doc[states.Desired], record states.Doc[states.Record]) states.Elsewhere {
	there := states.Elsewhere{There: desired.There() || record.There(), State: desired.Value.State, Index: desired.Index}
	switch {
	case !there.There:
	case desired.Problem != "":
		there.Problem = fmt.Sprintf("read the desired state of %q: %s", cluster, desired.Problem)
	case record.Problem != "":
		there.Problem = fmt.Sprintf("read the transition of %q: %s", cluster, record.Problem)
	case !desired.There():
		there.Problem = fmt.Sprintf("read the desired state of %q: it is missing", cluster)
	case !record.There():
		there.Problem = fmt.Sprintf("read the transition of %q: it is missing", cluster)
	default:
		there.Reason = unsettled(desired.Value, record.Value)
		there.Settled = there.Reason == ""
	}
	return there
}

// unsettled says what a cluster is doing that is not at rest where it was sent, or "".
func unsettled(desired states.Desired, record states.Record) string {
	switch {
	case record.Status == states.Paused:
		return fmt.Sprintf("paused on the way to %s since %s: %s", record.Target, instant(record.PausedAt), record.Reason)
	case record.Status == states.Aborted:
		return fmt.Sprintf("aborted on the way to %s", record.Target)
	case record.Status != states.Done:
		return fmt.Sprintf("moving to %s since %s", record.Target, instant(record.StartedAt))
	case !desired.State.Same(record.Target):
		return fmt.Sprintf("it reached %s last, and is wanted at %s", record.Target, desired.State)
	}
	return ""
}

func instant(t time.Time) string { return t.UTC().Format("15:04:05Z") }

// Vote reads what somebody else answers for a gate.
func (s *Store) Vote(ctx context.Context, gate string) (states.Doc[states.Vote], error) {
	key := s.Keys.Gate(gate)
	if last(key) != gate {
		return states.Doc[states.Vote]{}, fmt.Errorf("read the vote for gate %q: no key can be called that", gate)
	}
	pairs, err := s.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: key}})
	if err != nil {
		return states.Doc[states.Vote]{}, fmt.Errorf("read %q: %w", key, err)
	}
	for _, pair := range pairs {
		return decode[states.Vote](s.Memo, pair), nil
	}
	return states.Doc[states.Vote]{}, nil
}
