package orchestrator

import (
	"time"

	"orch/states"
)

// What those who only look ask of the planner, so that they never answer it differently.

// Follows gives the transition that a request is about until that stands, or "": then its answer is all.
func Follows(request states.Request) string { return followed(request) }

// Health is how many nodes of a cluster serve, and how many must.
type Health struct {
	Healthy, Known int
	Least          int    // that must stay healthy, where Floor
	Floor          bool   // the hop has a min_healthy
	Blind          string // why nobody can tell who is healthy; then nobody is let go

	Sick map[string]string // by node: what a gate's checks say against it
}

// HealthOf counts as the planner does, by what its evidence says.
func HealthOf(snapshot states.Snapshot, now time.Time) Health {
	p := newPlanner(snapshot, Leading{}, now)
	minimum := p.record.Current().Policy.MinHealthy
	health := Health{Floor: minimum != (states.Size{}), Blind: p.blind(), Sick: p.sick}
	health.Healthy, health.Known = p.health()
	health.Least = minimum.Ceil(health.Known)
	return health
}

// Unmet says why another cluster is not where it has to be, or "".
func Unmet(snapshot states.Snapshot, requirement states.Requirement, now time.Time) string {
	return newPlanner(snapshot, Leading{}, now).unmet(requirement)
}
