package states

import (
	"context"
	"fmt"
	"time"
)

// Doc is a document as it was read from a store.
type Doc[T any] struct {
	Value   T
	Index   uint64 // the store's version of it, for compare-and-swap; 0: not there
	Problem string // it is there and cannot be used: why
	Digest  string // of its bytes, where a leader writes them
}

// There tells whether something lies at the key, usable or not.
func (d *Doc[T]) There() bool { return d.Index != 0 }

// OK tells whether Value can be used.
func (d *Doc[T]) OK() bool { return d.Index != 0 && d.Problem == "" }

// Leader is the document at clusters/<c>/leader, the lease. Who holds it is told by its session.
type Leader struct {
	Summary string    `json:"summary"`
	Schema  int       `json:"schema"`
	Who     string    `json:"who"`
	Since   time.Time `json:"since"`
	Epoch   uint64    `json:"epoch"`
	TTL     Duration  `json:"ttl"`           // of the holder's session
	For     string    `json:"for,omitempty"` // the request it leads for

	Released time.Time `json:"released,omitzero"` // when it let go by itself
}

// Validate finds values that no leader writes. The next leader counts on without them.
func (l Leader) Validate() error {
	if l.Epoch > maxCounter {
		return fmt.Errorf("epoch %d is out of range", l.Epoch)
	}
	return nil
}

// Lease is a cluster's lease in hand. Work as a leader runs while Context lives.
type Lease struct {
	Cluster string
	Who     string
	Session string
	Epoch   uint64
	Context context.Context             // ends when the lease is lost or released
	Release func(context.Context) error // lets go of it, and waits until nothing of it runs any more
}

// Session is what can be told of a session, which is how a store knows that somebody lives.
type Session struct {
	ID     string
	Lives  bool     // it has not ended; where it is renewed no more it does so within twice its TTL
	Name   string   // that whoever made it gave it
	TTL    Duration // of it
	Node   string   // of the Consul agent that it was made through; empty: not known
	Health string   // of that node, as Consul sees it; empty: not known
}

// Turn is a place in a queue. It is kept while Context lives, and everybody sees that.
type Turn struct {
	Context context.Context             // ends when the place is lost or left
	Leave   func(context.Context) error // gives it up, and waits until nothing of it runs any more
}

// Node is what lies in the store about one node.
type Node struct {
	Name   string
	Alive  bool // its agent's session holds its status
	Status Doc[Status]
	Order  Doc[Order]
}

// Snapshot is everything about one cluster at one instant. Decisions are made from it alone.
type Snapshot struct {
	Cluster    string
	Definition Doc[Cluster]
	Source     string // the definition's text
	Leader     Doc[Leader]
	Led        bool // somebody's session holds the lease
	Session    string
	Frozen     Doc[Freeze] // everybody's
	Freeze     Doc[Freeze] // the cluster's own
	Desired    Doc[Desired]
	Record     Doc[Record]
	Nodes      []Node         // by name
	Requests   []Doc[Request] // not handled yet, in the order of their creation; Value.ID is set even where Problem is
	Evidence   Evidence       // from outside the cluster's keys: a store gives none, a leader adds it
}

// Node finds a node by name.
func (s Snapshot) Node(name string) (Node, bool) {
	for i := range s.Nodes { // a Node is large, and this is asked often: do not copy each
		if s.Nodes[i].Name == name {
			return s.Nodes[i], true
		}
	}
	return Node{}, false
}

// Sight is what an agent sees. A document that is missing or cannot be used keeps the agent where
// it is: absence is never an order.
type Sight struct {
	Desired Doc[Desired]
	Order   Doc[Order]
	Frozen  Doc[Freeze]
	Freeze  Doc[Freeze]
	ID      string // of the tree of keys, once seen
	Trouble string // the store cannot be read: why. Then the rest is what was last seen
}

// Change is what a leader commits in one transaction: the record and a journal entry always, the
// rest where the step needs it. Indexes to compare with come from the snapshot it was decided on.
type Change struct {
	Entry      Entry
	Record     Record
	Desired    *Desired
	Orders     map[string]Order // by node
	Unmoved    []string         // nodes whose status must not have changed since the snapshot
	Handled    string           // id of the request that this change answers
	Dropped    []string         // ids of requests that go unheard
	Definition *string          // text to be written

	Settled map[string]uint64 // clusters whose desired state must lie there as it was seen, by name
}
