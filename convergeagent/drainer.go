package convergeagent

import (
	"context"
	"slices"
	"time"

	"orch/states"
)

// Drainer takes single instances of services on this node out of the traffic, and back. It decides
// nothing: whose maintenance it is, is told here.
type Drainer interface {
	// Instances gives those of a service on this node. What may not be seen is states.ErrDenied,
	// never an empty list.
	Instances(ctx context.Context, service string) ([]states.ServiceInstance, error)
	// Drain puts an instance into maintenance. One that is in it already stays as it is, with its
	// reason. With states.ErrUnknownOutcome it may be done all the same; else it is not.
	Drain(ctx context.Context, instance, reason string) error
	// Restore takes an instance out of maintenance, whoever put it there.
	Restore(ctx context.Context, instance string) error
}

// drained is an instance that the agent put into maintenance itself, or was about to.
type drained struct {
	Service  string    `json:"service"`
	Instance string    `json:"instance"`
	Reason   string    `json:"reason"` // as it was set; what carries another is somebody else's by now
	Since    time.Time `json:"since"`
}

// holds tells whether the instance is in maintenance by this very note.
func (d drained) holds(instance states.ServiceInstance) bool {
	return instance.ID == d.Instance && instance.Maintenance && instance.Reason == d.Reason
}

// noting puts a note in the place of what was known of its instance.
func (m memory) noting(note drained) memory {
	m = m.dropping(note.Instance)
	m.Drained = append(m.Drained, note)
	return m
}

func (m memory) dropping(instance string) memory {
	m.Drained = slices.DeleteFunc(slices.Clone(m.Drained), func(d drained) bool { return d.Instance == instance })
	return m
}

// noted gives the note that holds an instance.
func (m memory) noted(instance states.ServiceInstance) (drained, bool) {
	i := slices.IndexFunc(m.Drained, func(d drained) bool { return d.holds(instance) })
	if i < 0 {
		return drained{}, false
	}
	return m.Drained[i], true
}

func ids(notes []drained) []string {
	var list []string
	for _, note := range notes {
		list = append(list, note.Instance)
	}
	return list
}
