package convergeagent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"orch/states"
)

// act looks at everything again, and starts a run where one is due. It leaves behind the status
// that should lie in Consul.
func (a *Agent) act(ctx context.Context) {
	if ctx.Err() != nil || !a.settle() {
		return
	}
	a.restore(ctx)
	a.accept()
	a.off = a.disabled()
	switch {
	case a.running != nil:
		a.say(a.doing.phase, a.doing.reason)
	case a.unable != "":
		a.say(states.Refusing, "keeps what it is: "+a.unable)
	case a.off != nil:
		a.delays.worked("verdict")
		a.say(states.Held, "disabled on this node "+a.off.String())
	case a.sight == nil:
		a.say(states.Waiting, "has not heard from consul since it started")
	case a.refused != "" && a.accepted == nil:
		a.say(states.Refusing, "keeps what it is: "+a.refused)
	case a.accepted == nil:
		a.say(states.Waiting, "waits until somebody says what the cluster is to be")
	default:
		a.obey(ctx, a.warranted(states.Decide(a.self(), a.view())))
	}
}

// settle writes down what is owed to the memory, and tells whether it is up to date.
func (a *Agent) settle() bool {
	if a.owed == nil {
		return true
	}
	if !a.delays.ready("memory") {
		return false
	}
	if err := a.diary.write(a.owed); err != nil {
		a.unwritten(err)
		return false
	}
	a.owed, a.unable = nil, ""
	a.delays.worked("memory")
	if last := a.diary.read().Last; last.ID != "" && a.running == nil && !last.Going() {
		a.Action.Forget(last)
	}
	return true
}

// unwritten says that the state directory fails; nothing is done that it should know of, until it is
// seen to work again.
func (a *Agent) unwritten(err error) {
	a.delays.later("memory")
	if a.owed == nil {
		a.owed = same
	}
	a.unable = states.Clip(clean(err.Error()), 400)
	a.Log.Error("the state directory cannot be written", "error", err)
	a.say(states.Refusing, "keeps what it is: "+a.unable)
}

// accept takes the desired state that lies there as one to follow, or says why not. What is
// missing or cannot be read is never an order.
func (a *Agent) accept() {
	a.accepted, a.refused = nil, ""
	if a.sight == nil {
		return
	}
	desired, mark := &a.sight.Desired, a.diary.read().Mark
	where := fmt.Sprintf("clusters/%s/desired ", a.Cluster)
	switch {
	case a.sight.Trouble != "":
		a.refused = a.sight.Trouble
	case a.strange() != "":
		a.refused = a.strange()
	case !desired.There() && mark.Zero():
	case !desired.There():
		a.refused = where + "is not there any more"
	case !desired.OK():
		a.refused = where + "cannot be used: " + desired.Problem
	case desired.Value.Planted(a.delays.now) != "":
		a.refused = where + "is not followed: " + desired.Value.Planted(a.delays.now)
	case mark.Refuses(desired.Value.Mark) != "":
		a.refused = where + "is not followed: " + mark.Refuses(desired.Value.Mark)
	case a.distrusts(desired.Value) != "":
		a.refused = where + "is not followed: " + a.distrusts(desired.Value)
	default:
		if err := a.diary.accept(&desired.Value, a.Trust, a.sight.ID); err != nil {
			a.unwritten(err)
			return
		}
		a.accepted = &desired.Value
	}
	if order := a.sight.Order; a.refused == "" && order.There() && !order.OK() {
		a.refused = fmt.Sprintf("clusters/%s/orders/%s cannot be used, and counts as none: %s", a.Cluster, a.Node, order.Problem)
	}
	a.refused = states.Clip(clean(a.refused), 500)
}

// view is what the rule is asked about. A freeze that cannot be read is one: somebody meant it. One
// that is over hides none that is not.
func (a *Agent) view() states.View {
	view := states.View{Desired: *a.accepted, Now: a.delays.day}
	if a.sight.Order.OK() {
		view.Order = &a.sight.Order.Value
	}
	for _, freeze := range []states.Doc[states.Freeze]{a.sight.Freeze, a.sight.Frozen} {
		switch {
		case freeze.OK() && freeze.Value.Over(view.Now):
		case freeze.OK():
			view.Frozen = &freeze.Value
		case freeze.There():
			view.Frozen = &states.Freeze{Word: states.Word{By: "somebody", Why: "it cannot be read: " + freeze.Problem}}
		}
	}
	return view
}

// obey does what the rule says.
func (a *Agent) obey(ctx context.Context, verdict states.Verdict) {
	a.delays.until("verdict", verdict.Until)
	last := a.diary.read().Last
	pause := verdict.Pause - time.Since(a.lastEnd)
	switch {
	case !verdict.Go:
		a.look(ctx, verdict)
		a.idle(ctx, verdict, last)
	case verdict.Phase != "" && pause > 0: // its own idea, and it is where it should be
		a.look(ctx, verdict)
		a.delays.wait("pause", pause)
		a.say(verdict.Phase, fmt.Sprintf("%s, %s after its last run, which changed nothing", verdict.Reason, states.Duration(verdict.Pause)))
	case verdict.Pause > 0 && pause > 0:
		a.delays.wait("pause", pause)
		a.say(states.Retrying, fmt.Sprintf("try %d of %d of run %s: %s; the next follows %s after its end",
			last.Attempt, last.Tries, last.ID, last.Ending(), states.Duration(verdict.Pause)))
	case !a.enlisted:
		a.waits(verdict, "consul does not know yet that it is here")
	case !a.delays.ready("claim"):
	case a.watch.looking != nil:
		a.watch.over() // and when it has ended, this is decided again
	default:
		a.start(ctx, verdict)
	}
}

// waits reports what keeps a run from starting. Before one that is its own idea the node is where it
// should be, and says so.
func (a *Agent) waits(verdict states.Verdict, why string) {
	if verdict.Phase != "" {
		a.say(verdict.Phase, verdict.Reason+", but not now: "+why)
		return
	}
	a.say(states.Waiting, why+"; then: "+verdict.Reason)
}

// idle reports where nothing is to be run; also success that needed no run.
func (a *Agent) idle(ctx context.Context, verdict states.Verdict, last states.Run) {
	if verdict.Report != "" && (last.ID != verdict.Report || !last.OK()) {
		if !a.delivered(ctx, verdict) {
			return
		}
		run := a.runOf(verdict, verdict.Report, 0)
		run.Under, run.Ended, run.Outcome, run.Terminal = states.UnderOrder, run.Started, states.Succeeded, true
		run.State = run.State.Short()
		if err := a.diary.write(func(m memory) memory {
			drift := m.Drift // a run that was none changes nothing about that
			m = m.end(run)
			m.Drift = drift
			return m
		}); err != nil {
			a.unwritten(err)
			return
		}
	}
	if a.watch.unsure != "" {
		verdict.Reason += "; its check cannot tell: " + a.watch.unsure
	}
	a.say(verdict.Phase, verdict.Reason)
}

// delivered tells whether the end of the last run lies in Consul, so that another may take its place.
func (a *Agent) delivered(ctx context.Context, verdict states.Verdict) bool {
	if a.untold() {
		a.waits(verdict, "reports its last run before the next")
		a.report(ctx)
	}
	return !a.untold()
}

// start claims a run and lets it go.
func (a *Agent) start(ctx context.Context, verdict states.Verdict) {
	if !a.delivered(ctx, verdict) {
		return
	}
	earlier, before := a.diary.read(), *a.lies
	run := a.next(verdict, earlier.Last)
	if err := a.diary.write(func(m memory) memory { return m.begin(run, verdict.Again) }); err != nil {
		a.unwritten(err)
		return
	}
	a.say(states.Converging, verdict.Reason)
	running := a.status
	if err := a.claim(ctx, before, running); err != nil {
		a.delays.later("claim")
		a.Log.Info("nothing runs yet", "run", run.ID, "error", err)
		a.owed = func(m memory) memory {
			m.Attempting, m.Last, m.Again = earlier.Attempting, earlier.Last, earlier.Again
			return m
		}
		if a.settle() {
			a.say(cmp.Or(verdict.Phase, states.Waiting), "decides again: "+claimProblem(err))
		}
		return
	}
	a.delays.worked("claim")
	a.lies = &running
	a.Log.Info("run starts", "run", run.ID, "state", run.State, "try", run.Attempt, "reason", verdict.Reason)
	a.launch(ctx, run, earlier.State, verdict)
}

// claim asks for the run. Where it fails it is not known what lies there: it is written again.
func (a *Agent) claim(ctx context.Context, before, running states.Status) error {
	begun, day := time.Now(), a.now()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := a.Inbox.Claim(limited, *a.sight, before, running)
	switch {
	case err != nil:
	case ctx.Err() != nil: // told to stop meanwhile
		err = ctx.Err()
	case passed(begun, day, a.now()) > patience: // this process or its machine stood still: its slot may be another's by now
		err = errHeldUp
	}
	if err != nil {
		a.lies = nil
		a.lost(err)
	}
	return err
}

// passed tells how long something took, by the clock of timers or, where that is more, by the wall's, which
// goes on while the machine sleeps. Who set that forward meanwhile has something decided again, for nothing.
func passed(begun, day, today time.Time) time.Duration { return max(time.Since(begun), today.Sub(day)) }

// errHeldUp means that a claim went through so long ago that nothing may start by it.
var errHeldUp = errors.New("held up between its claim and its start")

// claimProblem words why a claim failed, without what changes from try to try.
func claimProblem(err error) string {
	switch {
	case errors.Is(err, states.ErrConflict):
		return "something changed while it was about to run"
	case errors.Is(err, states.ErrDenied):
		return "its token may not claim a run"
	case errors.Is(err, states.ErrSessionGone):
		return "its session is gone"
	case errors.Is(err, errHeldUp):
		return "it was held up between its claim and its start"
	}
	return "consul does not answer"
}
