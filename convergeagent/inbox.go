package convergeagent

import (
	"context"

	"orch/states"
)

// Inbox is what the agent needs of the place where its orders lie.
type Inbox interface {
	// Follow sends what there is to see now, and again whenever it changes, until the context ends.
	// A reader that is slow sees the newest only.
	Follow(ctx context.Context, sights chan<- states.Sight) error
	// Claim turns the decision to run into a run: in one transaction it checks that this agent is
	// alive, that nothing it decided on has changed, that nothing came up that it did not know, and
	// writes running as the node's status. states.ErrConflict means: nothing may run, decide again.
	// Where the transaction went through but something unknown had come up, before is written back.
	Claim(ctx context.Context, sight states.Sight, before, running states.Status) error
	// Report writes the node's status. states.ErrSessionGone means: enlist again first.
	Report(ctx context.Context, status states.Status) error
}

// Presence says to everybody that this agent is alive, by a session on its own status key.
type Presence interface {
	// Enlist ends the session that an earlier process of this instance left behind, makes a new
	// one, and takes the node's status key with it, writing status. It returns a
	// *states.TakenError when another instance is alive under this name.
	Enlist(ctx context.Context, earlier string, status states.Status) (session string, err error)
	// Last gives the status that lies there, and whether somebody's session holds it.
	Last(ctx context.Context) (status states.Doc[states.Status], held bool, err error)
	// Renew keeps the session alive; status is compared with what lies there and written again
	// where it differs, because a restore rolls it back. states.ErrSessionGone: enlist again.
	Renew(ctx context.Context, status states.Status) error
	// Leave ends the session, so that the node is seen to be gone at once.
	Leave(ctx context.Context) error
}
