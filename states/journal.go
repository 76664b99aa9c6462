package states

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

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

	By         string            `json:"by,omitempty"`       // who asked
	Accessor   string            `json:"accessor,omitempty"` // of the token it was asked with
	Why        string            `json:"why,omitempty"`
	Request    string            `json:"request,omitempty"` // what was asked: its id
	Kind       string            `json:"kind,omitempty"`    // and what it asks for
	Plan       string            `json:"plan,omitempty"`    // that it was made with, where there is one
	Overrides  []string          `json:"overrides,omitempty"`
	Answer     *Answer           `json:"answer,omitempty"`     // to the request that this change handles
	Desired    *Desired          `json:"desired,omitempty"`    // as it is from now on, where this change wrote it
	Orders     map[string]string `json:"orders,omitempty"`     // node to run id; "void", "forgotten" for what was taken back
	Nodes      []string          `json:"nodes,omitempty"`      // whom it is about
	Definition string            `json:"definition,omitempty"` // digest of the definition, where this change wrote it

	Status           string   `json:"status,omitempty"`            // of the transition, as it is from now on
	StatusBefore     string   `json:"status_before,omitempty"`     // as it was
	Before           *Desired `json:"before,omitempty"`            // Desired as it was
	DefinitionBefore string   `json:"definition_before,omitempty"` // digest of the definition as it was
	Text             string   `json:"text,omitempty"`              // of the definition, unless it is too long
	TextBefore       string   `json:"text_before,omitempty"`       // as it was, likewise

	From     uint64            `json:"from,omitempty"`      // the journal begins with this number: what was before is gone
	FromPrev string            `json:"from_prev,omitempty"` // what Prev of that entry must be
	Restated map[string]string `json:"restated,omitempty"`  // as Keys, of what only entries wrote that are gone; "": not known

	// The chain, filled in by the store: digests of bytes. Keys are spelled below clusters/<c>/.
	Prev  string            `json:"prev,omitempty"`  // of the entry before this one; empty: a chain begins
	Keys  map[string]string `json:"keys,omitempty"`  // of everything that this change wrote
	Found map[string]string `json:"found,omitempty"` // of what lay there before; a key that was not there is not named
}

// Chained tells whether the entry is part of a chain. One of an older version is not.
func (e Entry) Chained() bool { return len(e.Keys) > 0 }

// MaxText is how long a definition may be to be kept in the journal, so that its changes can be read
// years later: longer than any that somebody writes by hand, and two of them fit into a transaction.
const MaxText = 32 * 1024

// MaxRestated is how many keys one entry restates: what they take fits beside the largest record.
const MaxRestated = 500

// Fingerprint names bytes: their digest. It is long enough that nobody finds others of the same name.
func Fingerprint(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Names of what leaders write, below clusters/<c>/.
const (
	KeyDesired    = "desired"
	KeyRecord     = "transition"
	KeyDefinition = "definition"
	KeyOrders     = "orders/"
)

// Ledger is a cluster and its whole journal as they lay there at one instant, with the digest of
// everything that leaders write.
type Ledger struct {
	Snapshot
	Pages   []Page            // of the journal, by key
	Digests map[string]string // of desired, transition, definition and orders/<node>
	Strays  []string          // keys at which nobody of orch writes
}

// Page is an entry as it lies there.
type Page struct {
	Doc[Entry]
	Key    string // below clusters/<c>/
	Seq    uint64 // as its key says; 0: that is no number of an entry
	Digest string
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
	EventUnlocked  = "unlocked"  // somebody ended the lease of a leader
	EventRecovered = "recovered" // after a restore
	EventCompacted = "compacted" // old entries go
	EventClock     = "clock"     // what an earlier leader's fast clock noted counts from now
	EventReplaced  = "replaced"  // nodes that died before they took their order, by others
)
