package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// driving is one request on its way to being done.
type driving struct {
	app     *app
	consul  *consul
	request states.Request
	cluster string
	after   uint64        // the newest journal entry when the request was made
	timeout time.Duration // 0: none
	step    bool          // somebody is asked after every batch
	detach  bool          // it is left to whoever leads
}

// driving makes a request ready to be driven.
func (a *app) driving(c *consul, v *view, request states.Request) driving {
	return driving{app: a, consul: c, cluster: v.Cluster, request: request, after: v.record.Journal}
}

// moves tells whether the request is about a move, which is followed until it stands.
func (d driving) moves() bool { return orchestrator.Follows(d.request) != "" }

// shown is how much is shown meanwhile: what is no move is over before anybody could look.
func (d driving) shown() shown {
	switch {
	case !d.moves():
		return showNothing
	case d.app.screen.out && !d.app.json():
		return showScreen
	}
	return showLines
}

// run files the request, and leads or follows until it is done. What happens is shown meanwhile.
func (d driving) run(ctx context.Context) error {
	switch {
	case d.detach && (d.step || d.request.Queue):
		return usagef("%s and go away: --detach excludes --step and --queue, which need somebody who waits", d.request.Kind)
	case d.detach:
		return d.leave(ctx)
	}
	outliveReaders()
	if d.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.timeout, errTimeout)
		defer cancel()
	}
	d.warn(ctx)
	for {
		outcome, v, err := d.drive(ctx)
		if err != nil {
			return err
		}
		if !d.step || !awaits(outcome) || v == nil {
			return d.finish(outcome, v)
		}
		if err := d.ask(ctx, v); err != nil {
			return err
		}
		d = d.approving(v)
	}
}

// warn tells who leads a move through a Consul server that the lease hangs on that server's link to the
// others. Nothing breaks when it is lost: somebody takes it again.
func (d driving) warn(ctx context.Context) {
	if !d.moves() || d.consul.amongServers == nil {
		return
	}
	if among, err := d.consul.amongServers(ctx); err == nil && among {
		d.app.warn("%s is one of Consul's servers: if it loses the others, the lease is lost with it; lead through a client agent", d.consul.place.Address)
	}
}

// drive takes one request to its end.
func (d driving) drive(ctx context.Context) (orchestrator.Outcome, *view, error) {
	watcher := d.app.watch(d.consul, d.cluster, d.request.ID, d.shown(), d.after)
	engine := orchestrator.Engine{Store: d.consul, Leaser: d.consul, Log: d.app.log(), Clock: d.app.now,
		Who: d.request.By, Senses: d.consul.Senses, Archive: d.consul, Attend: d.attends(), Look: watcher.look, Say: watcher.say}
	outcome, err := engine.Drive(ctx, d.cluster, summarized(d.request))
	v := watcher.end()
	switch {
	case err == nil:
		return outcome, v, nil
	case ctx.Err() != nil && !errors.Is(err, states.ErrDenied):
		return outcome, v, d.cut(context.Cause(ctx), v)
	}
	return outcome, v, d.failed(ctx, err)
}

// attends tells whether somebody looks on while the move waits for an approval. Who goes step by step
// is asked instead, and a script has to be told.
func (d driving) attends() bool { return d.app.screen.out && !d.app.json() && !d.step }

// finish says how the request ended.
func (d driving) finish(outcome orchestrator.Outcome, v *view) error {
	end := d.ending(outcome)
	if d.app.json() {
		if err := d.app.printJSON(newDriveJSON(d, outcome, v, exitCode(end))); err != nil {
			return err
		}
		return end
	}
	if end == nil {
		d.app.say("%s", d.done(outcome))
	}
	return end
}

// nothing ends a request before it is filed, because the cluster is where it is asked to be.
func (d driving) nothing(v *view) error {
	if !d.app.json() {
		return nil // the plan said so
	}
	return d.app.printJSON(newDriveJSON(d, orchestrator.Outcome{Answer: states.Answer{Reason: "nothing to do"}, Record: v.record}, v, exitDone))
}

// ending maps what became of a request to the way the command ends.
func (d driving) ending(outcome orchestrator.Outcome) error {
	if outcome.Answer.Refused {
		hint := "" // the move in the way can be one that a dead command filed, and this one took up
		if outcome.Record.Status == states.Running && d.request.Kind == states.AskTransition {
			hint = "; if nobody leads it, go on with it: orch resume " + d.cluster
		}
		return endingf(exitRefused, "%s %s: refused: %s%s", d.request.Kind, d.cluster, outcome.Answer.Reason, hint)
	}
	if !d.moves() {
		return nil
	}
	if outcome.Replaced {
		return endingf(exitUnfinished, "%s %s: replaced by another move, to %s, by %s; see it: orch status %s",
			d.request.Kind, d.cluster, outcome.Record.Target, outcome.Record.By, d.cluster)
	}
	return stands(d.request.Kind+" "+d.cluster, d.cluster, outcome.Record, outcome.Undone)
}

// done is the last line of a request that went well.
func (d driving) done(outcome orchestrator.Outcome) string {
	record := outcome.Record
	moved := d.moves() && record.ID == orchestrator.Follows(d.request) && !record.EndedAt.Before(outcome.Answer.At)
	if moved && record.Status == states.Done {
		return fmt.Sprintf("done: %s is at %s after %s", d.cluster, record.Target, ago(record.EndedAt.Sub(record.StartedAt)))
	}
	return outcome.Answer.Reason
}

// cut says what stands where after a signal or the end of --timeout, and which verb goes on.
func (d driving) cut(cause error, v *view) error {
	if cause == nil || errors.Is(cause, context.Canceled) {
		cause = errInterrupted
	}
	if v == nil {
		return fmt.Errorf("%s %s: %w", d.request.Kind, d.cluster, cause)
	}
	taken := v.record.Request == d.request.ID
	_, answered := v.record.AnswerTo(d.request.ID)
	switch {
	case !taken && !answered && d.request.Queue:
		return fmt.Errorf("%s %s: %w; it waited for its turn, and is withdrawn: %s", d.request.Kind, d.cluster, cause, first(v.queued(d.request), v.leaderLine()))
	case !taken && !answered && d.moves() && d.withdraw(context.Background()):
		return fmt.Errorf("%s %s: %w; nobody had taken it up, and it is withdrawn: nothing was done", d.request.Kind, d.cluster, cause)
	case !taken && !answered:
		return fmt.Errorf("%s %s: %w; request %s is filed and not taken up: whoever leads %s next takes it until %s", d.request.Kind, d.cluster,
			cause, d.request.ID, d.cluster, clock(d.request.Expires, v.now))
	case v.awaiting():
		return fmt.Errorf("%s %s: %w; %s; it waits for approval: orch approve %s", d.request.Kind, d.cluster, cause, v.position(), d.cluster)
	case v.record.Status != states.Running:
		return fmt.Errorf("%s %s: %w; %s", d.request.Kind, d.cluster, cause, v.reason())
	case v.ledFor(d.request.ID):
		return fmt.Errorf("%s %s: %w; %s; %s leads and goes on: orch status %s --watch", d.request.Kind, d.cluster, cause, v.position(), v.Leader.Value.Who, d.cluster)
	}
	return fmt.Errorf("%s %s: %w; %s; nobody else is let go until somebody leads: orch resume %s", d.request.Kind, d.cluster, cause, v.position(), d.cluster)
}

// failed explains an error of the engine. Who may ask and not lead leaves nothing behind that somebody
// would find and do later.
func (d driving) failed(ctx context.Context, err error) error {
	var held *states.HeldError
	if errors.As(err, &held) {
		return endingf(exitRefused, "%s %s: %w, and does not answer; wait until it is done, or end it", d.request.Kind, d.cluster, err)
	}
	if errors.Is(err, states.ErrDenied) {
		if d.withdraw(context.WithoutCancel(ctx)) {
			err = fmt.Errorf("%w; nobody leads who could do it, and it is withdrawn", err)
		}
	}
	if errors.Is(err, orchestrator.ErrGone) {
		d.withdraw(context.WithoutCancel(ctx)) // should it have been filed into what was empty already
	}
	return fmt.Errorf("%s %s: %w", d.request.Kind, d.cluster, err)
}

// withdraw takes the request back, if nobody has taken it up: a move that begins when somebody else
// happens to lead is one that nobody looks at.
func (d driving) withdraw(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	withdrawn, _ := d.consul.Withdraw(ctx, d.cluster, d.request.ID)
	return withdrawn
}

// position says how far a move is.
func (v *view) position() string {
	there := v.count(func(n nodeView) bool { return n.Member && n.There })
	going := v.count(func(n nodeView) bool { return n.Member && !n.There && n.underWay() })
	return fmt.Sprintf("%s of %s at %s, %d converging", fmt.Sprint(there), states.Count(len(v.record.Members), "node"), v.record.Current().State, going)
}

// say prints a line, or a few.
func (a *app) say(format string, args ...any) {
	fmt.Fprintln(a.out, a.folded(a.screen.out, printable(states.Clip(fmt.Sprintf(format, args...), mostShown))))
}
