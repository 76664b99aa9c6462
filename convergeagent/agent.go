package convergeagent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/states"
)

// Config is what an agent is made of. All of it is needed but Meta, Services, Trust, Tree, Board, Checker, Period, Hide, Storage and Clock.
type Config struct {
	Cluster  string
	Node     string
	StateDir string
	TTL      time.Duration // of the session
	Observe  bool          // report what would run, and run nothing
	Meta     map[string]string
	Services map[string]string // id of this node's instance, by service; every one of that name where none is named
	Trust    states.Trust      // the keys that sign what it may do; none: it obeys whoever may write into Consul
	Tree     string            // id of the Consul that is to be followed; none: of the one that was followed first
	Inbox    Inbox
	Presence Presence
	Board    Board
	Drainer  Drainer
	Action   Action
	Checker  Checker // nil: nobody looks whether the node drifted
	Period   Period
	Hide     func(string) string                    // takes out of a text what must not reach Consul; besides what looks like a token
	Storage  func(context.Context) (Storage, error) // nil: the state directory
	Clock    func() time.Time                       // of the host, as it may be set; nil: time.Now
	Log      hclog.Logger
}

// patience is how long one call to the outside may take.
const patience = 5 * time.Second

// Agent converges one node. All of it happens in one loop; what others do meanwhile, the run, the
// watch and the board, comes back to the loop by channels.
type Agent struct {
	Config
	storage Storage
	diary   *diary
	board   *keeper

	enlisted bool
	before   bool // it was enlisted once
	sight    *states.Sight
	accepted *states.Desired         // what is to be followed now; nil: nothing can be
	refused  string                  // what lies in Consul and cannot be followed
	off      *states.Word            // that keeps this node from running anything; nil: none does
	status   states.Status           // as it should lie there
	lies     *states.Status          // as it lies there, as far as is known; nil: it has to be written
	shown    notice                  // on the board
	running  chan states.Run         // gives the end of the run going on; nil: none goes on
	heard    *atomic.Pointer[string] // what that said last
	line     string                  // of it that is told
	doing    doing                   // of the run going on
	doings   <-chan doing            // gives what it does next
	unable   string                  // why nothing can be written down, and so nothing be done; empty: it can
	knownOut map[string]outSince     // of the traffic, by instance: since when, as this process knows
	stuck    string                  // why what it drained is still not out of maintenance
	lastEnd  time.Time               // of a run, by a clock that nobody sets
	owed     func(memory) memory     // has to be written down before anything else happens
	watch    watch                   // whether the node still is what it reached
	pace     pace                    // towards the next run that nobody asks for
	delays   delays
}

// New makes an agent.
func New(config Config) *Agent {
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &Agent{Config: config, delays: delays{of: map[string]delay{}}, knownOut: map[string]outSince{}, board: newKeeper(config.Board, config.TTL/3, config.Log)}
}

// Run converges the node until the context ends; then it leaves. A run that goes on does so without it,
// and the next process of this agent adopts it; where the context's cause is ErrEndRun it is ended first.
// It returns a *InUseError or a *states.TakenError where another agent is at work already.
func (a *Agent) Run(ctx context.Context) (err error) {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	helping, stop := context.WithCancel(context.WithoutCancel(ctx)) // the board stays until the run has ended
	defer stop()
	helpers.Go(func() { a.board.run(helping) })
	if awake, err := a.awake(ctx); !awake {
		return err
	}
	defer func() { err = errors.Join(err, a.storage.Close()) }()
	knows := a.diary.read()
	a.owed = same                                                      // whether it can be written is known when it was
	a.lastEnd = time.Now().Add(-max(0, a.now().Sub(knows.Last.Ended))) // a clock that was set back makes no pause longer
	a.pace = pace{began: time.Now()}
	a.pace.rest()
	sights := make(chan states.Sight)
	working, end := context.WithCancel(ctx)
	defer end()
	helpers.Go(func() { a.follow(working, sights) })
	a.Log.Info("started", "cluster", a.Cluster, "node", a.Node, "instance", knows.Instance, "state", knows.State)
	err = a.loop(working, sights)
	end() // the loop ends by itself too, and nobody waits for a run then
	a.leave(working)
	return err
}

// follow watches until the context ends, whatever happens.
func (a *Agent) follow(ctx context.Context, sights chan<- states.Sight) {
	for ctx.Err() == nil {
		if err := a.Inbox.Follow(ctx, sights); ctx.Err() == nil {
			a.Log.Warn("watching ended, and is begun again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// loop is the agent: something happens, and then everything is looked at again.
func (a *Agent) loop(ctx context.Context, sights <-chan states.Sight) error {
	renewal := time.NewTicker(a.TTL / 3)
	defer renewal.Stop()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	if a.adopt(ctx); a.running != nil {
		a.say(a.doing.phase, a.doing.reason)
	} else {
		a.say(states.Waiting, "just started")
	}
	for {
		n := a.happens(ctx, sights, renewal.C, alarm.C)
		if n.over {
			return nil
		}
		a.take(ctx, n)
		a.delays.now, a.delays.day = time.Now(), a.now()
		if err := a.enlist(ctx); err != nil {
			return err
		}
		a.act(ctx)
		a.report(ctx)
		a.delays.set(alarm)
	}
}

// news is what happened at one time.
type news struct {
	over    bool // the agent is told to stop
	doing   *doing
	ended   *states.Run
	found   *Result
	sight   *states.Sight
	renewal *time.Time
}

// happens waits until something does, and takes with it what else has: after a pause of the whole
// process, chance would say what is seen first.
func (a *Agent) happens(ctx context.Context, sights <-chan states.Sight, renewal, alarm <-chan time.Time) (n news) {
	select {
	case <-ctx.Done():
		return news{over: true}
	case doing := <-a.doings:
		n.doing = &doing
	case run := <-a.running:
		n.ended = &run
	case result := <-a.watch.looking:
		n.found = &result
	case sight := <-sights:
		n.sight = &sight
	case at := <-renewal:
		n.renewal = &at
	case <-alarm:
	}
	also(a.doings, &n.doing)
	also(a.running, &n.ended)
	also(a.watch.looking, &n.found)
	also(sights, &n.sight)
	also(renewal, &n.renewal)
	return n
}

// also takes what is there already, unless something was taken before.
func also[T any](from <-chan T, into **T) {
	if *into != nil {
		return
	}
	select {
	case one := <-from:
		*into = &one
	default:
	}
}

// take takes note of what happened, what the node does first and what Consul says last.
func (a *Agent) take(ctx context.Context, n news) {
	if n.doing != nil {
		a.doing = *n.doing
	}
	if n.ended != nil {
		a.ended(*n.ended)
	}
	if n.found != nil {
		a.found(*n.found)
	}
	if n.sight != nil {
		a.sight = n.sight
	}
	if n.renewal != nil {
		a.listen()
		a.renew(ctx)
	}
}

// leave lets everybody know that this node is gone, and what became of its run.
func (a *Agent) leave(ctx context.Context) {
	if a.running != nil {
		a.ended(<-a.running) // its context is over
	}
	if a.watch.over(); a.watch.looking != nil {
		<-a.watch.looking
	}
	owed := a.owed != nil // the end of a run, also one that the loop took in its last turn
	switch written, last := a.settle(), a.diary.read().Last; {
	case !written:
	case last.Going():
		a.say(states.Converging, fmt.Sprintf("the agent was told to stop; run %s goes on, and the next agent takes it over", last.ID))
	case owed:
		a.restore(context.WithoutCancel(ctx))
		a.say(states.Waiting, "the agent was told to stop")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if a.enlisted && a.due() {
		if err := a.Inbox.Report(ctx, a.status); err != nil {
			a.Log.Warn("its last report was not delivered; it follows when the agent is back", "error", err)
		}
	}
	if err := a.Presence.Leave(ctx); err != nil {
		a.Log.Warn("could not leave; the session ends by itself", "error", err)
	}
	a.Log.Info("stopped")
}
