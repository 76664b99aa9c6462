package convergeagent

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/states"
)

// Board shows people, in Consul's own lists of services, where this node is. Nothing is ever
// decided from it, and no trouble with it reaches the work.
type Board interface {
	// Show says the state reached as a tag ("no-state" for none), and passing, warning or critical with a text.
	Show(ctx context.Context, tag, status, output string) error
	// Remove takes the node off the board.
	Remove(ctx context.Context) error
}

// notice is what hangs on the board.
type notice struct{ tag, status, output string }

// noticeOf tells a status to people. It holds no number that moves: output alone reaches Consul's
// catalog up to five minutes late.
func noticeOf(status states.Status) notice {
	n := notice{status: "warning", output: status.Summary, tag: states.State{}.Tag()}
	if status.Attempting.None() {
		n.tag = status.State.Tag()
	}
	switch status.Phase {
	case states.Settled, states.Waiting:
		if len(status.Drained) == 0 { // else it does not serve
			n.status = "passing"
		}
	case states.Failed, states.Refusing:
		n.status = "critical"
	}
	return n
}

// keeper hangs the newest notice on the board, again at each beat, and takes it off in the end.
type keeper struct {
	board Board
	every time.Duration
	log   hclog.Logger
	news  chan notice
}

func newKeeper(board Board, every time.Duration, log hclog.Logger) *keeper {
	return &keeper{board: board, every: every, log: log, news: make(chan notice, 1)}
}

// show hands a notice over; an older one that still lies there is forgotten. It never waits.
func (k *keeper) show(n notice) {
	select {
	case <-k.news:
	default:
	}
	k.news <- n
}

// run keeps the board until the context ends.
func (k *keeper) run(ctx context.Context) {
	if k.board == nil {
		<-ctx.Done()
		return
	}
	beat := time.NewTicker(k.every)
	defer beat.Stop()
	var current notice
	for {
		select {
		case <-ctx.Done():
			if current != (notice{}) { // else another instance's may hang there
				k.remove(ctx)
			}
			return
		case current = <-k.news:
		case <-beat.C:
		}
		if current != (notice{}) {
			k.hang(ctx, current)
		}
	}
}

func (k *keeper) hang(ctx context.Context, n notice) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := k.board.Show(ctx, n.tag, n.status, n.output); err != nil && ctx.Err() == nil {
		k.log.Warn("the service catalog was not told", "error", err)
	}
}

func (k *keeper) remove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := k.board.Remove(ctx); err != nil {
		k.log.Warn("the service stays in the catalog", "error", err)
	}
}
