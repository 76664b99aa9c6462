package convergeagent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
)

// drain is what happens to a node's services between a claim and its converge.
type drain struct {
	drainer Drainer
	diary   *diary
	own     map[string]string
	run     states.Run
	drains  []states.Drain
	now     func() time.Time
	out     map[string]outSince // by instance; of this process
}

// before takes the services out of the traffic, and waits until that is over. Where it cannot, or is
// told to stop, nothing may run: undone, and the result says why.
func (d *drain) before(ctx context.Context, tell func(doing)) (result Result, undone bool) {
	began, day := time.Now(), d.now()
	out, err := d.all(ctx)
	if err == nil && out.left > 0 {
		tell(doing{states.Draining, out.String()})
		timer := time.NewTimer(out.left)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	switch {
	case ctx.Err() != nil:
		return Result{Outcome: states.Interrupted, Exit: -1, Error: "the agent was told to stop before anything ran", Free: true}, true
	case err != nil:
		return Result{Outcome: states.ExitedBadly, Exit: -1, Error: "nothing ran: " + err.Error()}, true
	case passed(began, day, d.now()) > out.left+2*patience: // as after a claim
		return Result{Outcome: states.Interrupted, Exit: -1, Error: "held up before anything ran", Free: true}, true
	}
	return Result{}, false
}

// outOf is what was taken out of the traffic and may still have some.
type outOf struct {
	services []string
	wait     time.Duration // as it was asked for
	left     time.Duration // of that
}

func (o outOf) String() string {
	noun := "service "
	if len(o.services) > 1 {
		noun = "services "
	}
	return fmt.Sprintf("%s%s in maintenance, converges in %s", noun, strings.Join(o.services, ", "), states.Duration(o.wait))
}

// all drains this node's instances of every service.
func (d *drain) all(ctx context.Context) (out outOf, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, each := range d.drains {
		instances, err := d.drainer.Instances(ctx, each.Service)
		if err != nil {
			return out, fmt.Errorf("drain service %q: %w", each.Service, err)
		}
		for _, instance := range instances {
			if id, told := d.own[each.Service]; told && id != instance.ID {
				continue // another node's
			}
			note, ours, err := d.one(ctx, each.Service, instance)
			if err != nil {
				return out, fmt.Errorf("drain service %q: %w", each.Service, err)
			}
			if !ours {
				continue
			}
			if left := each.Wait.D() - d.since(note); left > 0 {
				out.left, out.wait = max(out.left, left), max(out.wait, each.Wait.D())
				out.services = append(out.services, each.Service)
			}
		}
	}
	out.services = slices.Compact(out.services)
	return out, nil
}

// one drains an instance. What an earlier try or run drained stays as it is; what somebody else has
// in maintenance is not touched, and waited for by nobody: ours tells. The note is written first, so
// that whatever happens it is known what to take out.
func (d *drain) one(ctx context.Context, service string, instance states.ServiceInstance) (note drained, ours bool, err error) {
	if instance.Maintenance {
		note, ours = d.diary.read().noted(instance)
		return note, ours, nil
	}
	note = drained{Service: service, Instance: instance.ID, Reason: d.run.DrainReason(), Since: d.now()}
	if err := d.diary.write(func(m memory) memory { return m.noting(note) }); err != nil {
		return drained{}, false, err
	}
	err = d.drainer.Drain(ctx, instance.ID, note.Reason)
	if err != nil && !errors.Is(err, states.ErrUnknownOutcome) {
		err = errors.Join(err, d.diary.write(func(m memory) memory { return m.dropping(instance.ID) }))
	}
	if err == nil {
		d.out[instance.ID] = outSince{note.Reason, time.Now()}
	}
	return note, true, err
}

// outSince is an instance that is known to be out of the traffic, by a note of that reason.
type outSince struct {
	reason string
	seen   time.Time // first, by a clock that nobody sets
}

// since is for how long an instance is known to be out of the traffic. Of what this process did not see
// itself only the note is known, which was written before it was done: as long as that may take before.
func (d *drain) since(note drained) time.Duration {
	known, seen := d.out[note.Instance]
	if !seen || known.reason != note.Reason {
		known = outSince{note.Reason, time.Now().Add(-max(0, d.now().Sub(note.Since)-patience))}
		d.out[note.Instance] = known
	}
	return time.Since(known.seen)
}
