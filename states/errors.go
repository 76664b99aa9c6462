package states

import (
	"errors"
	"fmt"
	"time"
)

// The verdicts of a store. Adapters return them, wrapped; loops test them with errors.Is.
var (
	// ErrConflict: something was changed by somebody else since it was read. Read and decide again.
	ErrConflict = errors.New("changed by somebody else meanwhile")
	// ErrLeaseLost: this process does not lead any more. Nothing was written; stop leading at once.
	ErrLeaseLost = errors.New("the lease is lost")
	// ErrSessionGone: the session expired or was destroyed. Make another.
	ErrSessionGone = errors.New("the session is gone")
	// ErrDenied: the token may not do this. Waiting does not help until somebody changes its rights.
	ErrDenied = errors.New("permission denied")
	// ErrUnavailable: the store did not answer, or cannot decide now. Nothing is known to have been written; try later.
	ErrUnavailable = errors.New("consul is unavailable")
	// ErrUnknownOutcome: a write was sent and its answer lost. Re-read before anything else.
	ErrUnknownOutcome = errors.New("the outcome of a write is unknown")
	// ErrTooLarge: the transaction is larger than the store takes. Waiting does not help.
	ErrTooLarge = errors.New("too large for one transaction")
	// ErrNumberTaken: what no leader wrote lies where the next entry of the journal belongs. Waiting does not help.
	ErrNumberTaken = errors.New("something that no leader wrote has the number of the next entry")
	// ErrNotFound: nothing lies there.
	ErrNotFound = errors.New("not found")
)

// HeldError says that somebody else holds the lease of a cluster.
type HeldError struct {
	Cluster string
	Leader  Leader
	Session string        // the holder's
	AtMost  time.Duration // if the holder is dead, how long until its lease is free
}

func (e *HeldError) Error() string {
	if e.Leader.Who == "" {
		return fmt.Sprintf("lead %q: its lease is not free yet", e.Cluster)
	}
	return fmt.Sprintf("lead %q: %s leads it since %s", e.Cluster, e.Leader.Who, e.Leader.Since.UTC().Format("15:04:05Z"))
}

// TakenError says that another agent instance is alive under the same node name.
type TakenError struct {
	Node     string
	Instance string // the other's
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("enlist node %q: another instance %q is alive under this name; give this one its own --node, or stop the other", e.Node, e.Instance)
}
