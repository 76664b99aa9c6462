package orchestrator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// Other clusters: where they have to be before nodes of this one go.

// required waits for other clusters, for as long as the requirement says.
func (p *planner) required(l *leave) {
	for _, r := range p.record.Current().Requires {
		why := p.unmet(r)
		if why == "" || p.overridden("requires", r.Cluster) {
			continue
		}
		until := latest(p.watched(p.began()), p.unmetSince(r.Cluster)).Add(r.Wait.D())
		if p.now.After(until) && !p.dreaming {
			l.stop = p.stopFor(states.ByRequires, "required, and not so for %s: %s", r.Wait, why)
			return
		}
		l.wait("requires", fmt.Sprintf("wait, or orch resume %s --override requires=%s", p.Cluster, r.Cluster), "%s; waits until %s", why, clock(until))
		l.until(until)
		l.until(p.now.Add(again))
	}
}

// needs notes since when a required cluster is not where it has to be.
func (p *planner) needs() *Decision {
	if p.record.Status != states.Running || p.dreaming || p.going() || p.Desired.Value.Open {
		return nil
	}
	var unmet []states.Gauge
	var said []string
	for _, r := range p.record.Current().Requires {
		why, since := p.unmet(r), p.unmetSince(r.Cluster)
		switch {
		case why == "" && !since.IsZero():
			said = append(said, r.Cluster+" is where it has to be")
		case why == "":
		case since.IsZero():
			said, since = append(said, why), p.now
			fallthrough
		default:
			unmet = append(unmet, states.Gauge{Gate: r.Cluster, Outcome: states.GateFail, Since: since})
		}
	}
	if len(said) == 0 {
		return nil
	}
	d := p.draft(states.EventGate, "%s", strings.Join(said, "; "))
	d.record.Unmet = unmet
	return d.decide()
}

func (p *planner) unmetSince(cluster string) time.Time {
	for _, g := range p.record.Unmet {
		if g.Gate == cluster {
			return g.Since
		}
	}
	return time.Time{}
}

// unmet says why another cluster is not where it has to be, or "".
func (p *planner) unmet(r states.Requirement) string {
	wanted := wording(r.States)
	other, known := p.Evidence.Elsewhere[r.Cluster]
	switch {
	case !known:
		return fmt.Sprintf("requires %s settled at %s, and nobody has looked yet", r.Cluster, wanted)
	case other.Problem != "":
		return fmt.Sprintf("requires %s settled at %s, and nobody can tell: %s", r.Cluster, wanted, other.Problem)
	case !other.There:
		return fmt.Sprintf("requires %s settled at %s, and there is no such cluster", r.Cluster, wanted)
	case !fits(other.State, r.States):
		return fmt.Sprintf("requires %s settled at %s, and it is %s", r.Cluster, wanted, whereabouts(other))
	case !other.Settled:
		return fmt.Sprintf("requires %s settled at %s, and it is not at rest: %s", r.Cluster, wanted, other.Reason)
	}
	return ""
}

func whereabouts(other states.Elsewhere) string {
	if other.Settled {
		return "at " + other.State.String()
	}
	return "on its way to " + other.State.String() + ": " + other.Reason
}

// fits tells whether a state is one of those named; one without an argument means any.
func fits(state states.State, refs []states.Ref) bool {
	return slices.ContainsFunc(refs, func(r states.Ref) bool {
		return r.Name == state.Name && (r.Argument == "" || r.Argument == state.Argument)
	})
}

func wording(refs []states.Ref) string {
	texts := make([]string, 0, len(refs))
	for _, r := range refs {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, " or ")
}

// relied gives what a step rests on in other clusters: it is written only while that lies there.
func (p *planner) relied() map[string]uint64 {
	var settled map[string]uint64
	for _, r := range p.record.Current().Requires {
		other, known := p.Evidence.Elsewhere[r.Cluster]
		if !known || p.overridden("requires", r.Cluster) {
			continue
		}
		if settled == nil {
			settled = map[string]uint64{}
		}
		settled[r.Cluster] = other.Index
	}
	return settled
}
