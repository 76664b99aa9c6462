package sim

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"orch/states/store"
)

// Call is one transaction that reads or changes the lease or the desired state, as its caller knows it:
// when it was sent, when the answer came, and what that was. Where no answer came it may have been done
// at any time after it was sent; that it was, and what version it made, is known from the store.
type Call struct {
	Who      string
	From, To time.Duration
	Ops      []store.Op // on the two keys only
	Reads    bool
	Failed   string          // key whose operation failed
	Found    map[string]Lies // by key: what was read, or is there from now on
	Answered bool
	Applied  bool
}

// Lies is what lies at one of the two keys: a version, and who holds it.
type Lies struct {
	Index   uint64
	Session string
}

// never is after everything.
const never = time.Duration(math.MaxInt64)

var linear = []string{keys.Leader(cluster), keys.Desired(cluster)}

// call begins to note a transaction; nil: it is about something else.
func (w *world) call(who string, ops []store.Op, writes bool) *Call {
	var ours []store.Op
	for _, op := range ops {
		if slices.Contains(linear, op.Key) {
			ours = append(ours, op)
		}
	}
	if ours == nil {
		return nil
	}
	return &Call{Who: who, From: time.Since(w.began), To: never, Reads: !writes, Ops: ours}
}

// done notes what became of it in the store.
func (c *Call) done(ops []store.Op, pairs []store.Pair, err error) {
	if c == nil {
		return
	}
	var failed *store.TxnError
	if errors.As(err, &failed) {
		if !strings.Contains(failed.What, "lock delay") { // that says nothing of what lies there
			c.Failed = ops[failed.Op].Key
		}
		return
	}
	if err != nil {
		return
	}
	c.Applied, c.Found = true, map[string]Lies{}
	for _, pair := range pairs {
		if slices.Contains(linear, pair.Key) {
			c.Found[pair.Key] = Lies{pair.Index, pair.Session}
		}
	}
}

// answered notes that the caller knows, and puts the call into the history.
func (w *world) answered(c *Call) {
	if c == nil {
		return
	}
	c.To, c.Answered = time.Since(w.began), true
	w.keep(c)
}

// keep puts a call into the history. What nobody heard of is there only where it was done.
func (w *world) keep(c *Call) {
	if c == nil || !c.Answered && (c.Reads || !c.Applied) || c.Answered && !c.Applied && c.Failed == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history.Calls = append(w.history.Calls, *c)
}
