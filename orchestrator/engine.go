package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/states"
)

// Engine leads clusters, or follows whoever leads them. Its fields are set before its first use.
type Engine struct {
	Store  Store
	Leaser Leaser
	Log    hclog.Logger
	Clock  func() time.Time
	Who    string // recorded as the leader: "ada@bastion-2"

	Senses  Senses  // of the world outside; nil: gates have no answer, and nobody knows who is primary
	Archive Archive // where the journal is made shorter once a cluster is at rest; nil: it is not
	Keep    Keep    // what of it stays; zero: Usual
	Attend  bool    // go on while a move waits for an approval: somebody is there to see it

	Look func(states.Snapshot) // every snapshot, for whoever watches; may be nil
	Say  func(text string)     // what a person should know of Consul or the lease; may be nil
}

const (
	lookAgain  = 10 * time.Second // at the latest, also without news: a lost word only costs this
	firstRetry = 200 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// Lead moves the cluster until done says that it is enough, the context ends, or the lease does
// (states.ErrLeaseLost). When the context ends, a transaction that was sent is waited for: that is
// the safe point.
func (e *Engine) Lead(ctx context.Context, lease *states.Lease, done func(states.Snapshot) bool) error {
	news, stop := e.news(lease.Context, lease.Cluster)
	defer stop()
	retry := firstRetry
	for {
		wake, err := e.pass(lease, news, done)
		switch {
		case errors.Is(err, errDone):
			return nil
		case lease.Context.Err() != nil || errors.Is(err, states.ErrLeaseLost):
			return fmt.Errorf("lead %q: %w", lease.Cluster, states.ErrLeaseLost)
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			retry = firstRetry
		case errors.Is(err, states.ErrConflict):
			wake = 10 * time.Millisecond
		case errors.Is(err, states.ErrUnavailable), errors.Is(err, states.ErrUnknownOutcome):
			e.say("waiting for Consul: %v", err)
			wake, retry = retry, min(2*retry, lastRetry)
		default:
			return err
		}
		sleep(ctx, lease.Context, news, wake)
	}
}

// errDone ends the loop; it never leaves this file.
var errDone = errors.New("done")

// pass takes one look, and one step if there is one. It gives how long to wait for news.
func (e *Engine) pass(lease *states.Lease, news chan<- struct{}, done func(states.Snapshot) bool) (time.Duration, error) {
	snapshot, err := e.Store.Snapshot(lease.Context, lease.Cluster)
	if err != nil {
		return 0, err
	}
	if e.Senses != nil && snapshot.Record.OK() {
		snapshot.Evidence = e.Senses.Sense(lease.Context, AskFor(snapshot), news)
	}
	e.look(snapshot)
	if done(snapshot) {
		return 0, errDone
	}
	now := e.Clock()
	decision := Plan(snapshot, Leading{Who: lease.Who, Epoch: lease.Epoch}, now)
	if decision.Broken { // the journal cannot tell: nothing is written
		first := decision.Waits[0]
		e.say("nothing moves: %s; %s (orch why %s)", first.Reason, first.Remedy, lease.Cluster)
	}
	if decision.Change == nil {
		return until(decision.Wake, now), nil
	}
	if err := e.Store.Commit(lease.Context, lease, snapshot, *decision.Change); err != nil {
		e.Log.Debug("commit", "cluster", lease.Cluster, "event", decision.Change.Entry.Event, "error", err)
		return 0, err
	}
	e.Log.Info("step", "cluster", lease.Cluster, "event", decision.Change.Entry.Event, "reason", decision.Reason)
	return 0, nil
}

// until gives how long to wait when nothing happens.
func until(wake, now time.Time) time.Duration {
	if wake.IsZero() || wake.Sub(now) > lookAgain {
		return lookAgain
	}
	return max(wake.Sub(now), 10*time.Millisecond)
}

// news starts to follow a cluster; stop ends it and waits for its end.
func (e *Engine) news(ctx context.Context, cluster string) (news chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	words, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		if err := e.Store.Follow(ctx, cluster, words); err != nil && ctx.Err() == nil {
			e.Log.Warn("follow", "cluster", cluster, "error", err)
		}
	}()
	return words, func() { cancel(); <-ended }
}

// sleep waits for news, at most so long, and ends with either context.
func sleep(ctx, lease context.Context, news <-chan struct{}, wait time.Duration) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-lease.Done():
	case <-news:
	case <-timer.C:
	}
}

func (e *Engine) look(snapshot states.Snapshot) {
	if e.Look != nil {
		e.Look(snapshot)
	}
}

func (e *Engine) say(format string, args ...any) {
	if e.Say != nil {
		e.Say(fmt.Sprintf(format, args...))
	}
}
