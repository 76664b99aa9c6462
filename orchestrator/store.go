package orchestrator

import (
	"context"

	"orch/states"
)

// Store is what the loop needs of the place where everything lies.
type Store interface {
	// Snapshot reads everything about a cluster at one instant, consistently.
	Snapshot(ctx context.Context, cluster string) (states.Snapshot, error)
	// Commit writes one change under the lease, all or nothing, against the snapshot it was decided
	// on. It returns states.ErrConflict when that has changed, states.ErrLeaseLost when the lease
	// is gone, states.ErrUnknownOutcome when nobody can tell.
	Commit(ctx context.Context, lease *states.Lease, snapshot states.Snapshot, change states.Change) error
	// Follow sends a word whenever something about the cluster may have changed, until the context
	// ends. It never waits for the reader: one word in the channel is enough to look again.
	Follow(ctx context.Context, cluster string, news chan<- struct{}) error
	// File writes a request, once: a request of that id that lies there already is this one.
	File(ctx context.Context, cluster string, request states.Request) error
	// Queue files a request that waits for its turn, and holds it so that everybody sees whether
	// whoever asked still waits. Without a place, nothing was filed that would ever be taken.
	Queue(ctx context.Context, cluster string, request states.Request) (*states.Turn, error)
}

// Leaser gives out the lease of a cluster.
type Leaser interface {
	// Campaign takes the lease of a cluster if nobody holds it. Otherwise it returns a
	// *states.HeldError at once.
	Campaign(ctx context.Context, cluster, who, request string) (*states.Lease, error)
}
