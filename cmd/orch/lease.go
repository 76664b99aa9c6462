package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orch/states"
)

// lease takes the cluster's lease for one write. Somebody who only changes a word has it for a moment,
// and is waited for; somebody who leads a move is not.
func (a *app) lease(ctx context.Context, c *consul, cluster, what, who, request string) (*states.Lease, error) {
	outliveReaders()
	var held *states.HeldError
	const pause = 100 * time.Millisecond
	for range max(1, a.patience/pause) {
		lease, err := c.Campaign(ctx, cluster, who, request)
		switch {
		case err == nil:
			return lease, nil
		case !errors.As(err, &held) && !errors.Is(err, states.ErrConflict):
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
	if held == nil {
		return nil, fmt.Errorf("%s: %w; try again", what, states.ErrConflict)
	}
	return nil, endingf(exitRefused, "%s: %w; wait until it is done: orch status %s --watch; if it is gone, its lease ends by %s, or now: orch unlock %s",
		what, held, cluster, clock(a.now().Add(held.AtMost), a.now()), cluster)
}
