package memkv

import (
	"fmt"

	"orch/states/store"
)

// do tries one operation. It gives what the operation answers, or why it failed.
func (t *stage) do(op store.Op) ([]store.Pair, string) {
	old := t.get(op.Key)
	switch op.Verb {
	case store.Get:
		if !old.there() {
			return nil, fmt.Sprintf("key %q doesn't exist", op.Key)
		}
		return []store.Pair{old.Pair}, ""
	case store.GetOrEmpty:
		if !old.there() {
			return []store.Pair{{Key: op.Key}}, ""
		}
		return []store.Pair{old.Pair}, ""
	case store.GetTree:
		return t.tree(op.Key), ""
	case store.CAS:
		if op.Index != old.Index { // the index of what is not there is 0
			return nil, fmt.Sprintf("failed to set key %q, index is stale", op.Key)
		}
		return t.set(entry{Pair: store.Pair{Key: op.Key, Value: op.Value, Session: old.Session}}).blank(), ""
	case store.DeleteCAS:
		if old.there() && op.Index != old.Index {
			return nil, fmt.Sprintf("failed to delete key %q, index is stale", op.Key)
		}
		t.remove(op.Key)
		return nil, ""
	case store.Lock, store.Unlock:
		return t.lock(op, old)
	}
	return check(op, old)
}

func check(op store.Op, old entry) ([]store.Pair, string) {
	switch {
	case op.Verb == store.CheckNotExists && old.there():
		return nil, fmt.Sprintf("key %q exists", op.Key)
	case op.Verb == store.CheckNotExists:
		return nil, ""
	case !old.there() && op.Verb == store.CheckSession:
		return nil, fmt.Sprintf("failed to check session, key %q doesn't exist", op.Key)
	case !old.there():
		return nil, fmt.Sprintf("failed to check index, key %q doesn't exist", op.Key)
	case op.Verb == store.CheckIndex && op.Index != old.Index:
		return nil, fmt.Sprintf("failed index check for key %q, current modify index %d != %d", op.Key, old.Index, op.Index)
	case op.Verb == store.CheckSession && op.Session != old.Session:
		return nil, fmt.Sprintf("failed session check for key %q, current session %q != %q", op.Key, old.Session, op.Session)
	}
	return old.blank(), ""
}

// lock locks and unlocks: both write the value, and only the holder's session passes.
func (t *stage) lock(op store.Op, old entry) ([]store.Pair, string) {
	if op.Session == "" {
		return nil, "missing session"
	}
	next := entry{Pair: store.Pair{Key: op.Key, Value: op.Value}, locks: old.locks}
	if op.Verb == store.Unlock {
		if !old.there() || old.Session != op.Session {
			return nil, fmt.Sprintf("failed to unlock key %q, lock isn't held, or is held by another session", op.Key)
		}
		return t.set(next).blank(), ""
	}
	if _, alive := t.server.sessions[op.Session]; !alive {
		return nil, fmt.Sprintf("invalid session %q", op.Session)
	}
	switch old.Session {
	case op.Session:
	case "":
		next.locks++
	default:
		return nil, fmt.Sprintf("failed to lock key %q, lock is already held", op.Key)
	}
	next.Session = op.Session
	return t.set(next).blank(), ""
}
