package sense

import (
	"context"
	"testing"
	"time"

	"orch/orchestrator"
	"orch/states"
)

var night = time.Date(2026, 3, 1, 2, 15, 0, 0, time.UTC)

// world is a World without anything around it, closed with the test.
func world(t *testing.T) *World {
	t.Helper()
	w := New(outside{}, outside{}, func() (map[string][]string, error) { return nil, nil })
	t.Cleanup(w.Close)
	return w
}

// outside is whatever a test makes of Consul and the store; what it does not make is an accident.
type outside struct {
	service   func(ctx context.Context, service string) ([]states.Check, error)
	byID      func(ids []string) ([]states.Check, error)
	holder    func(lock string) (string, error)
	tagged    func(service, tag string) ([]string, error)
	elsewhere func(cluster string) (states.Elsewhere, error)
	votes     func(gate string) (states.Doc[states.Vote], error)
}

func (o outside) ServiceChecks(ctx context.Context, service string) ([]states.Check, error) {
	return o.service(ctx, service)
}

func (o outside) ChecksByID(_ context.Context, ids []string) ([]states.Check, error) {
	return o.byID(ids)
}

func (o outside) Holder(_ context.Context, lock string) (string, error) { return o.holder(lock) }

func (o outside) Tagged(_ context.Context, service, tag string) ([]string, error) {
	return o.tagged(service, tag)
}

func (o outside) Elsewhere(_ context.Context, cluster string) (states.Elsewhere, error) {
	return o.elsewhere(cluster)
}

func (o outside) Vote(_ context.Context, gate string) (states.Doc[states.Vote], error) {
	return o.votes(gate)
}

// about is what is asked for a batch.
func about(batch int, gates ...states.Gate) orchestrator.Ask {
	return orchestrator.Ask{Cluster: "web", Transition: "t-1", Batch: batch, State: states.State{Name: "version", Argument: "42"}, Gates: gates}
}
