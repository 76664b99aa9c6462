package states

import "time"

// Entry is one document at clusters/<c>/journal/<seq>: what a leader changed, in the same
// transaction as the change. Entries are only ever appended.
type Entry struct {
	Summary    string    `json:"summary"`
	Schema     int       `json:"schema"`
	Seq        uint64    `json:"seq"`
	At         time.Time `json:"at"`
	Epoch      uint64    `json:"epoch"`
	Generation uint64    `json:"generation"`
	Transition string    `json:"transition"`
	Event      string    `json:"event"`  // one of the events below
	Reason     string    `json:"reason"` // as it was decided
	Leader     string    `json:"leader"`

	By         string            `json:"by,omitempty"` // who asked
	Accessor   string            `json:"accessor,omitempty"`
	Why        string            `json:"why,omitempty"`
	Overrides  []string          `json:"overrides,omitempty"`
	Answer     *Answer           `json:"answer,omitempty"`     // to the request that this change handles
	Desired    *Desired          `json:"desired,omitempty"`    // as it is from now on, where this change wrote it
	Orders     map[string]string `json:"orders,omitempty"`     // node to run id; "void", "forgotten" for what was taken back
	Nodes      []string          `json:"nodes,omitempty"`      // whom it is about
	Definition string            `json:"definition,omitempty"` // digest of the definition, where this change wrote it
}

// The events of a journal.
const (
	EventBorn      = "born"
	EventApplied   = "applied"
	EventAccepted  = "accepted" // a request that changes the course
	EventRefused   = "refused"  // a request
	EventHop       = "hop"
	EventBatch     = "batch"
	EventOrders    = "orders"
	EventOpened    = "opened"
	EventCounted   = "counted" // a failure, a lost node
	EventMembers   = "members"
	EventBatchDone = "batch_done"
	EventReached   = "reached"
	EventDone      = "done"
	EventHalted    = "halted" // the budget is spent
	EventPaused    = "paused"
	EventResumed   = "resumed"
	EventAborted   = "aborted"
	EventForgotten = "forgotten"
	EventGate      = "gate" // a gate says something else than before
	EventApproved  = "approved"
	EventAwaits    = "awaits"   // nothing but an approval, a window or a freeze holds the move
	EventRollback  = "rollback" // a move is taken back
	EventRetried   = "retried"
	EventHeld      = "held"
	EventUnheld    = "unheld"
	EventFrozen    = "frozen"
	EventThawed    = "thawed"
	EventRecovered = "recovered" // after a restore
	EventReplaced  = "replaced"  // nodes that died before they took their order, by others
)
