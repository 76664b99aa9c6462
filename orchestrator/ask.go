package orchestrator

import (
	"context"

	"orch/states"
)

// Ask is what a planner has to know of the world outside of the cluster's own keys. The loop finds
// it out before it plans.
type Ask struct {
	Cluster    string
	Transition string
	Hop, Batch int           // a gate is asked anew for every batch
	State      states.State  // the cluster is on its way to
	Checks     []states.Gate // those that look at Consul's checks: read every time
	Gates      []states.Gate // http and command gates that are to be asked now
	Primary    *states.Primary
	Elsewhere  []string // other clusters
}

// Senses find out what a planner has to know. Whoever makes them closes them.
type Senses interface {
	// Sense gives what can be known at once. An http or command gate takes longer: it is asked in
	// the background, and a word is sent when it has answered, as Store.Follow sends them; until
	// then it is not among the readings. A gate that answered is asked again after a while, for as
	// long as it is among what is asked; one that is not asked for any more is ended. What cannot
	// be found out is in the evidence as a problem: Sense has no errors.
	Sense(ctx context.Context, ask Ask, news chan<- struct{}) states.Evidence
}
