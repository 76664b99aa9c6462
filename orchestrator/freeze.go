package orchestrator

import (
	"fmt"
	"strings"
	"time"

	"orch/states"
)

// A freeze binds leaders and agents alike, and only where nodes are to serve: what is switched off
// may be switched off.

// frozen says who froze the cluster, where that keeps its hop from going on, or "".
func (p *planner) frozen() string {
	if !p.Frozen.There() && !p.Freeze.There() || !p.record.Towards().Serving {
		return ""
	}
	return freezes(p.Snapshot, p.now)
}

// freezes says who froze the cluster, or everybody; both, where both did. A freeze that cannot be read
// is one all the same, and one that is over is none.
func freezes(snapshot states.Snapshot, now time.Time) string {
	why, _ := freeze(snapshot, now)
	return why
}

// freeze is freezes, and what ends it: "orch thaw web ends it".
func freeze(snapshot states.Snapshot, now time.Time) (why, thaw string) {
	var whys, thaws []string
	for _, one := range bans(snapshot, now) {
		whys, thaws = append(whys, one.why), append(thaws, one.thaw)
	}
	ends := " ends it"
	if len(thaws) > 1 {
		ends = " end it"
	}
	return strings.Join(whys, ", and "), strings.Join(thaws, " and ") + ends
}

// ban is one freeze that binds, and the verb that ends it.
type ban struct{ why, thaw string }

// bans lists the freezes that bind: that of everybody, and that of the cluster.
func bans(snapshot states.Snapshot, now time.Time) (list []ban) {
	for _, one := range []struct {
		doc  states.Doc[states.Freeze]
		thaw string
	}{{snapshot.Frozen, "orch thaw"}, {snapshot.Freeze, "orch thaw " + snapshot.Cluster}} {
		switch {
		case one.doc.OK() && one.doc.Value.Over(now):
		case one.doc.OK():
			list = append(list, ban{"frozen " + one.doc.Value.String(), one.thaw})
		case one.doc.There():
			list = append(list, ban{"frozen by a key \"freeze\" that cannot be read: " + one.doc.Problem, one.thaw})
		}
	}
	return list
}

// iced gives a reason to wait for each freeze that binds.
func (p *planner) iced(effect string) (waits []Wait) {
	for _, one := range bans(p.Snapshot, p.now) {
		waits = append(waits, Wait{Kind: "freeze", Reason: one.why + effect, Remedy: "wait until the freeze is lifted: " + one.thaw})
	}
	return waits
}

// thaws gives when a freeze ends by itself; zero: only somebody ends it.
func (p *planner) thaws() (first time.Time) {
	for _, doc := range []states.Doc[states.Freeze]{p.Frozen, p.Freeze} {
		if doc.OK() && !doc.Value.Over(p.now) {
			first = sooner(first, doc.Value.Until)
		}
	}
	return first
}

// thawed waits until a freeze ends.
func (p *planner) thawed(l *leave) {
	if p.frozen() == "" {
		return
	}
	l.waits = append(l.waits, p.iced("")...)
	if until := p.thaws(); !until.IsZero() {
		l.until(until)
	}
}

// frost notes that a freeze came in the middle of a move, so that its clocks stand still, everybody
// sees it, and nobody has to lead meanwhile.
func (p *planner) frost() *Decision {
	why := p.frozen()
	if why == "" || p.record.Awaiting == states.AwaitThaw {
		return nil
	}
	d := p.draft(states.EventAwaits, "%s; nobody else begins to converge, and what was begun ends", why)
	d.record.Awaiting, d.record.Reason = states.AwaitThaw, d.change.Entry.Reason
	return d.decide()
}

// noted has the journal say that somebody froze the cluster, or thawed it. The freeze itself lies in
// a key of its own, and holds whether or not anybody leads.
func (p *planner) noted(request states.Request) *Decision {
	event, what := states.EventFrozen, p.Cluster+" is frozen"
	if request.Everybody {
		what = "everybody is frozen"
	}
	if request.Kind == states.AskThaw {
		event, what = states.EventThawed, strings.TrimSuffix(what, "frozen")+"thawed"
	}
	d := p.draft(event, "%s by %s%s", what, request.By, because(request.Why))
	if !request.Until.IsZero() {
		d.change.Entry.Reason += ", until " + request.Until.UTC().Format("2006-01-02 15:04Z")
	}
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

// unlocked has the journal say that somebody ended a leader's lease.
func (p *planner) unlocked(request states.Request) *Decision {
	d := p.draft(states.EventUnlocked, "%s ended the lease of %s%s", request.By, request.Holder, because(request.Why))
	d.answer(request, false, d.change.Entry.Reason)
	return d.decide()
}

// notNow says why a move must not be begun, or go on after a stop, at this time, or "". A way back
// is never refused: under a freeze it waits.
func (p *planner) notNow(request states.Request, windows states.Windows, hops []states.Hop) string {
	for _, hop := range hops {
		if why, thaw := freeze(p.Snapshot, p.now); hop.State.Serving && why != "" {
			return fmt.Sprintf("%s; agents obey a freeze too, so no move can override it: %s, and a state that serves nobody can be moved to", why, thaw)
		}
	}
	hours := p.allowed(windows, append(append([]string{}, p.said(request)...), request.Overrides...))
	if !hours.Open {
		return hours.Why(p.now) + "; wait, or " + hours.Overrides() + ", which is recorded"
	}
	return ""
}

// said is what was overridden before, where a request lets a move go on.
func (p *planner) said(request states.Request) []string {
	if request.Kind == states.AskResume || request.Kind == states.AskRetry {
		return p.record.Overrides
	}
	return nil
}

// notAgain is notNow for the move that stands there.
func (p *planner) notAgain(request states.Request) string {
	if p.record.Undoes != "" {
		return ""
	}
	return p.notNow(request, p.record.Windows, p.record.Hops[p.record.Hop:])
}
