package states

import "time"

// The statuses of a transition.
const (
	Running = "running"
	Paused  = "paused"
	Done    = "done"
	Aborted = "aborted"
)

// Why a transition is paused.
const (
	ByOperator = "operator"
	ByFailures = "failures" // the budget is spent
	ByMembers  = "members"  // fewer than half of the known nodes are alive
	ByBirth    = "birth"    // adopted in a state that serves: nobody goes until somebody says so
	ByGate     = "gate"     // a gate said no until its time was over
	ByDoubt    = "doubt"    // a gate did not know until its time was over
	ByHealth   = "health"   // fewer healthy nodes after a soak than before
	ByDeadline = "deadline" // no progress for too long
	ByRecover  = "recover"  // after a restore: nobody goes until somebody says so
	ByRequires = "requires" // another cluster was not settled in time
	ByWindow   = "window"   // it closed, and on_close = "pause"
)

// What a running move awaits that may take hours, so that nobody has to lead meanwhile.
const (
	AwaitApproval = "approval" // a person's word
	AwaitWindow   = "window"   // that it opens
	AwaitThaw     = "freeze"   // that it ends
)

// CauseFailed tells whether a pause means that the move failed, rather than that it waits for
// somebody.
func CauseFailed(cause string) bool {
	switch cause {
	case ByFailures, ByGate, ByHealth, ByDeadline:
		return true
	}
	return false
}

// Record is the document at clusters/<c>/transition: the plan in progress, or the last one. Any
// leader that reads it continues at the same place.
type Record struct {
	Summary  string `json:"summary"`
	Schema   int    `json:"schema"`
	ID       string `json:"id"`
	Request  string `json:"request"` // that started it
	Status   string `json:"status"`
	Cause    string `json:"cause,omitempty"` // of a pause
	Reason   string `json:"reason"`
	By       string `json:"by"`
	Accessor string `json:"accessor,omitempty"`
	Why      string `json:"why,omitempty"`

	Start     State      `json:"start"`  // where the cluster was
	Target    State      `json:"target"` // where it is to be
	Hops      []Hop      `json:"hops"`
	Hop       int        `json:"hop"` // index of the one in progress
	Windows   Windows    `json:"windows,omitempty"`
	Overrides []string   `json:"overrides,omitempty"`
	Plan      string     `json:"plan,omitempty"`   // digest of the file that it was planned in
	Undoes    string     `json:"undoes,omitempty"` // a rollback: the transition that it takes back
	Again     string     `json:"again,omitempty"`  // a re-converge: its id
	Only      []string   `json:"only,omitempty"`   // a re-converge of these nodes, and no other
	Members   []Member   `json:"members"`          // of a rollback, in the order in which they go
	Batch     Batch      `json:"batch,omitzero"`   // the one in progress, or the last one
	Past      int        `json:"past,omitempty"`   // ended batches of this hop that the list below has dropped
	Batches   []Batch    `json:"batches,omitempty"`
	Gates     []Gauge    `json:"gates,omitempty"` // as last seen
	Approvals []Approval `json:"approvals,omitempty"`
	Awaiting  string     `json:"awaiting,omitempty"` // AwaitApproval, AwaitWindow or AwaitThaw: nothing else holds the move
	Counted   []Counted  `json:"counted,omitempty"`
	Accepted  int        `json:"accepted,omitempty"` // failures that an operator accepted

	StartedAt  time.Time `json:"started_at"`
	HopAt      time.Time `json:"hop_at"`
	OpenedAt   time.Time `json:"opened_at,omitzero"`
	ProgressAt time.Time `json:"progress_at"`
	PausedAt   time.Time `json:"paused_at,omitzero"`
	ResumedAt  time.Time `json:"resumed_at,omitzero"` // clocks stood still until then
	EndedAt    time.Time `json:"ended_at,omitzero"`

	Unmet []Gauge `json:"unmet,omitempty"` // required clusters that are not where they have to be, and since when

	Generation uint64 `json:"generation,omitempty"` // of the desired state beside it; 0: an older version wrote it

	Journal uint64   `json:"journal"`           // sequence number of the newest entry
	Answers []Answer `json:"answers,omitempty"` // to the last requests
	Head    string   `json:"head,omitempty"`    // digest of the newest entry; the last field, as the store cuts it off
}

// Hop is one legal move of a path, with the policy it was planned with.
type Hop struct {
	State  State   `json:"state"`
	From   []State `json:"from,omitempty"` // known when it starts
	Policy Policy  `json:"policy"`
	Drains []Drain `json:"drain,omitempty"`

	Requires []Requirement `json:"requires,omitempty"`
	Gates    []Gate        `json:"gate,omitempty"` // addresses filled in
	Primary  *Primary      `json:"primary,omitempty"`
	Rollback *Policy       `json:"rollback,omitempty"` // nil: as forward
}

// Asks tells whether something is to be asked before the hop's first node may go, or who that is.
func (h Hop) Asks() bool {
	for _, gate := range h.Gates {
		if gate.At == AtStart {
			return true
		}
	}
	return len(h.Requires) > 0 || h.Primary != nil || h.Policy.Approve == ApproveBeforeStart ||
		h.Policy.GroupBy != "" || h.Policy.MinHealthy != Size{}
}

// Gauge is what a leader saw a gate say, and since when it says so without a break.
type Gauge struct {
	Gate    string    `json:"gate"`
	Outcome string    `json:"outcome"`
	Text    string    `json:"text,omitempty"`
	Since   time.Time `json:"since"`
	Refused time.Time `json:"refused,omitzero"` // the time that it did not pass since it last held counts from then
	Epoch   uint64    `json:"epoch"`            // of the leader that saw it: what nobody watched held for nobody
}

// Approval is somebody's word that a move may go on.
type Approval struct {
	Hop   int       `json:"hop"`
	Batch int       `json:"batch"` // that was over; 0: before the first
	By    string    `json:"by"`
	Why   string    `json:"why,omitempty"`
	At    time.Time `json:"at"`
}

// Member is a node that counts in a hop: alive when it began, and all seen alive since.
type Member struct {
	Node         string    `json:"node"`
	MissingSince time.Time `json:"missing_since,omitzero"`
	Since        time.Time `json:"since,omitzero"` // in mid-hop: when it came, came back, or was let go of
}

// How a node came to be counted.
const (
	CountFailed  = "failed"
	CountLost    = "lost"    // a failure by on_lost = "fail"
	CountSkipped = "skipped" // lost, and on_lost = "skip"
)

// Counted is a node that did not make it. A node is counted once per transition, by run id.
type Counted struct {
	Node   string    `json:"node"`
	Run    string    `json:"run,omitempty"`
	Kind   string    `json:"kind"`
	Hop    int       `json:"hop"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Batch  uint64    `json:"batch,omitempty"` // the journal's number of the batch it was part of

	Retried  bool   `json:"retried,omitempty"`  // it was given another chance, and does not count any more
	Accepted string `json:"accepted,omitempty"` // by whom the failure was accepted
}

// Skips tells whether a node is passed over without a word against it: it was lost, and on_lost = "skip".
func (c Counted) Skips() bool { return c.Kind == CountSkipped && !c.Retried }

// Current is the hop in progress.
func (r *Record) Current() Hop {
	if r.Hop < 0 || r.Hop >= len(r.Hops) {
		return Hop{}
	}
	return r.Hops[r.Hop]
}

// Towards is the state that the hop in progress goes to.
func (r *Record) Towards() State {
	if r.Hop < 0 || r.Hop >= len(r.Hops) {
		return State{}
	}
	return r.Hops[r.Hop].State
}

// Failures counts what the budget counts: nodes that failed or were lost, not those skipped by
// policy. A node that failed in two hops is one node.
func (r *Record) Failures() int {
	nodes := map[string]bool{}
	for _, c := range r.Counted {
		if c.Kind != CountSkipped && !c.Retried {
			nodes[c.Node] = true
		}
	}
	return len(nodes)
}

// Budget gives how many failures are tolerated; one more stops.
func (r *Record) Budget() int {
	return r.Current().Policy.MaxFailures.Floor(len(r.Members)) + r.Accepted
}

// CountOf finds what a node was counted for, and was not given another chance since.
func (r *Record) CountOf(node string) (Counted, bool) {
	for _, c := range r.Counted {
		if c.Node == node && !c.Retried {
			return c, true
		}
	}
	return Counted{}, false
}

// Automatic tells whether nobody asked for this move: a rollback by on_failure = "rollback".
func (r *Record) Automatic() bool { return r.Undoes != "" && r.Request == "" }

// Approved finds the approval of a batch that is over; batch 0 is before the first.
func (r *Record) Approved(hop, batch int) (Approval, bool) {
	for _, a := range r.Approvals {
		if a.Hop == hop && a.Batch == batch {
			return a, true
		}
	}
	return Approval{}, false
}

// Gauge finds what a gate said last.
func (r *Record) Gauge(gate string) (Gauge, bool) {
	for _, g := range r.Gates {
		if g.Gate == gate {
			return g, true
		}
	}
	return Gauge{}, false
}

// Member finds a member by name.
func (r *Record) Member(node string) (Member, bool) {
	for _, m := range r.Members {
		if m.Node == node {
			return m, true
		}
	}
	return Member{}, false
}

// Stamps shows every time that something is measured from, for a leader whose clock they are ahead of.
func (r *Record) Stamps(show func(at *time.Time)) {
	for _, at := range []*time.Time{&r.StartedAt, &r.HopAt, &r.OpenedAt, &r.ProgressAt, &r.PausedAt, &r.ResumedAt, &r.Batch.Ordered, &r.Batch.Ended} {
		show(at)
	}
	for i := range r.Batches {
		show(&r.Batches[i].Ordered)
		show(&r.Batches[i].Ended)
	}
	for i := range r.Members {
		show(&r.Members[i].MissingSince)
		show(&r.Members[i].Since)
	}
	for _, gauges := range [][]Gauge{r.Gates, r.Unmet} {
		for i := range gauges {
			show(&gauges[i].Since)
			show(&gauges[i].Refused)
		}
	}
	for i := range r.Counted {
		show(&r.Counted[i].At)
	}
}

// AnswerTo finds what became of a request, among the last ones.
func (r *Record) AnswerTo(request string) (Answer, bool) {
	for _, a := range r.Answers {
		if a.Request == request {
			return a, true
		}
	}
	return Answer{}, false
}
