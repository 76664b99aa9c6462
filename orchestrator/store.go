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
	// Await returns when something about the cluster changed after the snapshot, when the context
	// ends, or for no reason at all: the caller looks again.
	Await(ctx context.Context, cluster string) error
}

// Leaser gives out the lease of a cluster.
type Leaser interface {
	// Campaign takes the lease of a cluster if nobody holds it. Otherwise it returns a
	// *states.HeldError at once.
	Campaign(ctx context.Context, cluster, who, request string) (*states.Lease, error)
}
