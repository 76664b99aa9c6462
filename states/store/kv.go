package store

import (
	"context"
	"fmt"
	"time"
)

// KV is the port: a key-value store with Consul's semantics. Every error is, or wraps, one of the
// verdicts in package states, or is a *TxnError.
type KV interface {
	// Txn does all operations or none. A transaction of reads alone is a consistent read. Pairs come
	// back for gets and for what was written, in the order of the operations.
	Txn(ctx context.Context, ops []Op) ([]Pair, error)
	// Watch waits until something at the key, or below the prefix, is newer than Query.After, or
	// Query.Wait passes.
	Watch(ctx context.Context, query Query) (Answer, error)
	// NewSession makes a session that ends between one and two times its TTL after its last renewal.
	NewSession(ctx context.Context, spec SessionSpec) (string, error)
	RenewSession(ctx context.Context, id string) error   // states.ErrSessionGone when it ended
	DestroySession(ctx context.Context, id string) error // of one that ended: nil
}

// Verb is what an operation of a transaction does.
type Verb string

// The verbs, as Consul spells them.
const (
	Get            Verb = "get"
	GetOrEmpty     Verb = "get-or-empty"
	GetTree        Verb = "get-tree"
	CAS            Verb = "cas" // Index 0: only if the key is not there
	DeleteCAS      Verb = "delete-cas"
	CheckIndex     Verb = "check-index"
	CheckNotExists Verb = "check-not-exists"
	CheckSession   Verb = "check-session"
	Lock           Verb = "lock"
	Unlock         Verb = "unlock"
)

// Op is one operation of a transaction.
type Op struct {
	Verb    Verb
	Key     string
	Value   []byte
	Index   uint64
	Session string
}

// Pair is a key as it lies in the store.
type Pair struct {
	Key     string
	Value   []byte // nobody changes it in place
	Created uint64 // index of its creation: the order of births
	Index   uint64 // of its last change; 0: not there
	Session string // that holds it
}

// Query says what to watch.
type Query struct {
	Key    string
	Prefix bool // everything below Key; the answer names the first level only
	After  uint64
	Wait   time.Duration
}

// Answer is what a watch saw.
type Answer struct {
	Pair  Pair     // of a key; Index 0: not there
	Keys  []string // below a prefix, up to the next slash
	Index uint64
}

// SessionSpec says what session to make. Its lock delay is the least there is: fencing does not
// depend on it.
type SessionSpec struct {
	Name string
	TTL  time.Duration
}

// TxnError says which operation of a transaction failed. Nothing was written.
type TxnError struct {
	Op   int
	What string
}

func (e *TxnError) Error() string { return fmt.Sprintf("operation %d: %s", e.Op, e.What) }
