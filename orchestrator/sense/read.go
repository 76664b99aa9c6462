package sense

import (
	"context"
	"fmt"
	"sync"
	"time"

	"orch/orchestrator"
	"orch/states"
)

// read finds out what Consul can tell at once, everything side by side.
func (w *World) read(ctx context.Context, ask orchestrator.Ask, votes []string) states.Evidence {
	e := states.Evidence{Gates: map[string]states.Reading{}, Checks: map[string]states.Checks{}, Elsewhere: map[string]states.Elsewhere{}}
	r := reader{world: w, ctx: ctx}
	for _, gate := range ask.Checks {
		look(&r, w.checks, gate, func(checks states.Checks) { e.Checks[gate.Name] = checks })
	}
	for _, gate := range votes {
		look(&r, w.vote, gate, func(reading states.Reading) { e.Gates[gate] = reading })
	}
	for _, cluster := range ask.Elsewhere {
		look(&r, w.elsewhere, cluster, func(there states.Elsewhere) { e.Elsewhere[cluster] = there })
	}
	if ask.Primary != nil {
		look(&r, w.primaries, *ask.Primary, func(primaries states.Primaries) { e.Primary = primaries })
	}
	r.going.Wait()
	return e
}

// reader is the reads of one call.
type reader struct {
	world *World
	ctx   context.Context
	going sync.WaitGroup
	mu    sync.Mutex
}

// look reads one thing in time of its own, and keeps it. The clock is read before anything is sent.
func look[T, A any](r *reader, read func(context.Context, A, time.Time) T, about A, keep func(T)) {
	now := r.world.Clock()
	r.going.Go(func() {
		ctx, cancel := context.WithTimeout(r.ctx, r.world.Patience)
		defer cancel()
		result := read(ctx, about, now)
		r.mu.Lock()
		defer r.mu.Unlock()
		keep(result)
	})
}

// checks reads what a consul_check gate looks at.
func (w *World) checks(ctx context.Context, gate states.Gate, now time.Time) states.Checks {
	var read []states.Check
	var err error
	if gate.Service != "" {
		read, err = w.Catalog.ServiceChecks(ctx, gate.Service)
	} else {
		read, err = w.Catalog.ChecksByID(ctx, gate.Checks)
	}
	if err != nil {
		return states.Checks{Problem: problem(err), At: now}
	}
	checks := make([]states.Check, 0, len(read))
	for _, check := range read {
		checks = append(checks, states.Check{Node: named(check.Node), ID: named(check.ID), Status: named(check.Status), Output: firstLine(check.Output)})
	}
	return states.Checks{Checks: checks, At: now}
}

// primaries reads who holds the role that goes last.
func (w *World) primaries(ctx context.Context, primary states.Primary, now time.Time) states.Primaries {
	result := states.Primaries{At: now}
	var err error
	if primary.Lock == "" {
		result.Nodes, err = w.Catalog.Tagged(ctx, primary.Service, primary.Tag)
	} else {
		var holder string
		if holder, err = w.Catalog.Holder(ctx, primary.Lock); holder != "" {
			result.Nodes = []string{holder}
		}
	}
	if err != nil {
		return states.Primaries{Problem: problem(err), At: now}
	}
	for i, node := range result.Nodes {
		result.Nodes[i] = named(node)
	}
	return result
}

// elsewhere reads where another cluster is.
func (w *World) elsewhere(ctx context.Context, cluster string, now time.Time) states.Elsewhere {
	there, err := w.Keys.Elsewhere(ctx, cluster)
	if err != nil {
		return states.Elsewhere{Problem: problem(err), At: now}
	}
	there.At = now
	there.Reason, there.Problem = brief(there.Reason, maxReason), brief(there.Problem, maxReason)
	return there
}

// vote reads what somebody else answers for a gate that no program here does.
func (w *World) vote(ctx context.Context, gate string, now time.Time) states.Reading {
	doc, err := w.Keys.Vote(ctx, gate)
	switch {
	case err != nil:
		return at(now, unknown("%v", err))
	case !doc.There():
		return at(now, unknown("no program %q on this machine, and nobody has set gates/%s", gate, gate))
	case !doc.OK():
		return at(now, unknown("gates/%s cannot be used: %s", gate, doc.Problem))
	}
	reading := doc.Value.Reading(now)
	reading.Text = brief(reading.Text, maxText)
	return reading
}

func problem(err error) string { return brief(fmt.Sprint(err), maxReason) }
