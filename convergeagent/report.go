package convergeagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"orch/states"
)

// say makes the status that should lie in Consul, and shows it on the board.
func (a *Agent) say(phase states.Phase, reason string) {
	m := a.diary.read()
	if a.stuck != "" {
		reason += "; " + a.stuck
	}
	status := states.Status{
		Schema: states.Schema, Instance: m.Instance, Mark: m.Mark, State: m.State, Attempting: m.Attempting,
		Phase: phase, Reason: states.Clip(clean(reason), 500), Run: m.Last, Failed: m.Failed, AgainDone: m.AgainDone,
		Refused: a.refused, Drained: ids(m.Drained), Meta: a.Meta, Since: a.status.Since,
		Disabled: a.off, Unable: a.unable, Drift: a.drift(m), Trust: a.Trust, Tree: a.tree(),
	}
	if a.running != nil && a.line != "" {
		status.Run.Tail = []string{a.line}
	}
	if status.Phase != a.status.Phase || status.Since.IsZero() {
		status.Since = a.now()
		a.Log.Info("phase", "phase", phase, "reason", status.Reason)
	}
	status.Summary = sentence(a.Node, phase, at(m), status.Reason)
	a.status = fit(status)
	if n := noticeOf(a.status); a.before && n != a.shown {
		a.shown = n
		a.board.show(n)
	}
}

func at(m memory) states.State {
	if !m.Attempting.None() {
		return states.State{}
	}
	return m.State
}

// sentence says for whoever looks at the key or the check how the node is; a reason that begins with the
// phase or the state says that once.
func sentence(node string, phase states.Phase, state states.State, reason string) string {
	is := fmt.Sprintf("%s is %s at %s", node, phase, state)
	if rest, same := strings.CutPrefix(reason, "at "+state.String()); same {
		return is + rest
	}
	if rest, same := strings.CutPrefix(reason, string(phase)+" "); same {
		return is + " " + rest
	}
	return is + ": " + reason
}

// fit drops lines of output until the status is small enough, the oldest first.
func fit(status states.Status) states.Status {
	if status.Failed.ID == status.Run.ID {
		status.Failed.Tail = nil // the same lines
	}
	for len(status.Failed.Tail)+len(status.Run.Tail) > 0 && size(status) > states.MaxStatusBytes {
		if len(status.Failed.Tail) > 0 {
			status.Failed.Tail = status.Failed.Tail[1:]
		} else {
			status.Run.Tail = status.Run.Tail[1:]
		}
	}
	return status
}

func size(status states.Status) int {
	text, err := json.MarshalIndent(status, "", "  ")
	if err != nil {
		panic(err) // our own type can always be written
	}
	return len(text)
}

// due tells whether what lies in Consul is not what should.
func (a *Agent) due() bool { return a.lies == nil || !a.lies.Equal(&a.status) }

// untold tells whether the end of a run has not reached Consul yet.
func (a *Agent) untold() bool {
	last := a.diary.read().Last
	return a.lies == nil || last.Terminal && (a.lies.Run.ID != last.ID || !a.lies.Run.Terminal)
}

// report writes the status where it differs. What cannot be delivered is kept; the latest wins.
func (a *Agent) report(ctx context.Context) {
	if !a.enlisted || !a.due() || !a.delays.ready("report") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	status := a.status
	if err := a.Inbox.Report(ctx, status); err != nil {
		a.delays.later("report")
		a.Log.Warn("the status was not delivered, and is kept", "error", err)
		a.lost(err)
		return
	}
	a.delays.worked("report")
	a.lies = &status
}

// renew keeps the session alive and the status as it should be.
func (a *Agent) renew(ctx context.Context) {
	if !a.enlisted {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := a.Presence.Renew(ctx, a.status); err != nil {
		a.Log.Warn("the session was not renewed", "error", err)
		a.lost(err)
		return
	}
	if a.due() {
		status := a.status
		a.lies = &status
	}
}

// lost takes note of a session that is gone.
func (a *Agent) lost(err error) {
	if errors.Is(err, states.ErrSessionGone) {
		a.enlisted = false
		a.delays.wait("enlist", firstPause)
	}
}

// enlist says to everybody that this agent is here. Only at its start does it give way to another
// instance of its name; later it keeps working on what it has, and claims nothing.
func (a *Agent) enlist(ctx context.Context) error {
	if a.enlisted || !a.delays.ready("enlist") {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	status := a.status
	session, err := a.Presence.Enlist(ctx, a.diary.read().Session, status)
	var taken *states.TakenError
	switch {
	case errors.As(err, &taken) && !a.before:
		return err
	case err != nil:
		a.delays.later("enlist")
		a.Log.Warn("not enlisted yet", "error", err)
		return nil
	}
	a.delays.worked("enlist")
	a.enlisted, a.before, a.lies = true, true, &status
	if err := a.diary.write(func(m memory) memory { m.Session = session; return m }); err != nil {
		a.Log.Warn("the session's id is not noted; the next process ends it by the instance", "error", err)
	}
	return nil
}
