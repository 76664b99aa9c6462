package orchestrator

import (
	"slices"
	"time"

	"orch/states"
)

// Leading says who plans, and under which epoch.
type Leading struct {
	Who   string
	Epoch uint64
}

// Decision is what Plan found: a change to commit, or the reasons why nothing is to be done now.
type Decision struct {
	Change *states.Change
	Reason string    // of the change, as the journal has it
	Waits  []Wait    // why nothing moves, where Change is nil
	Wake   time.Time // look again then, even without news; zero: only news can change anything
	Idle   bool      // nothing is under way: a leader may go
	Broken bool      // nobody can lead before somebody has mended what the waits name
}

// Wait is one reason why a cluster or a node does not move.
type Wait struct {
	Kind   string // in one word: run, order, missing, held, paused…
	Node   string // empty: the whole cluster
	Reason string
	Remedy string // what would change it; empty: time
}

// Plan gives the next step for a cluster. It looks at nothing but its arguments, and planning twice
// gives the same.
func Plan(snapshot states.Snapshot, leading Leading, now time.Time) Decision {
	return newPlanner(snapshot, leading, now).plan()
}

func (p *planner) plan() Decision {
	if decision := p.broken(); decision != nil { // nothing is written then, whatever runs out of time
		return *decision
	}
	for _, question := range []func() *Decision{
		p.stops,
		p.turnBack,
		p.members,
		p.lifted,
		p.count,
		p.requests,
		p.rest,
		p.gauge,
		p.needs,
		p.budget,
		p.replace,
		p.batchOver,
		p.reached,
		p.closing,
		p.frost,
		p.orders,
		p.next,
	} {
		if decision := question(); decision != nil {
			return *p.tillClosed(p.inTime(decision))
		}
	}
	return Decision{Idle: true}
}

// planner is one call of Plan: its arguments, and what the questions share.
type planner struct {
	states.Snapshot
	leading Leading
	now     time.Time
	record  states.Record     // as it lies there; drafts work on copies
	nodes   map[string]int    // where in the snapshot; nodes are asked for by name all the time
	roster  map[string]int    // where among the record's members
	seats   []int             // by member: where in the snapshot; -1: it is not there
	sick    map[string]string // by node: what a gate's checks say against it

	dreaming bool // a preview: time does not pass, gates hold, and everybody is asked and agrees
}

func newPlanner(snapshot states.Snapshot, leading Leading, now time.Time) *planner {
	p := &planner{Snapshot: snapshot, leading: leading, now: now.UTC(), record: snapshot.Record.Value,
		nodes: make(map[string]int, len(snapshot.Nodes)), roster: map[string]int{}}
	for i := range snapshot.Nodes {
		p.nodes[snapshot.Nodes[i].Name] = i
	}
	p.seats = make([]int, len(p.record.Members))
	for i, member := range p.record.Members {
		p.roster[member.Node] = i
		if at, there := p.nodes[member.Node]; there {
			p.seats[i] = at
		} else {
			p.seats[i] = -1
		}
	}
	p.sick = p.ailing()
	return p
}

// later gives the planner of a later look at the same nodes; what is found by name is found once.
func (p *planner) later(snapshot states.Snapshot, now time.Time) *planner {
	same := slices.EqualFunc(p.record.Members, snapshot.Record.Value.Members, func(a, b states.Member) bool { return a.Node == b.Node })
	if !same || len(p.Nodes) != len(snapshot.Nodes) {
		return newPlanner(snapshot, p.leading, now)
	}
	next := &planner{Snapshot: snapshot, leading: p.leading, now: now.UTC(), record: snapshot.Record.Value, nodes: p.nodes, roster: p.roster, seats: p.seats}
	next.sick = next.ailing()
	return next
}

// land writes a change into a snapshot whose nodes are the caller's own.
func (p *planner) land(snapshot *states.Snapshot, change states.Change) {
	*snapshot = written(*snapshot, change)
	for name, order := range change.Orders {
		if i, there := p.nodes[name]; there {
			snapshot.Nodes[i].Order = states.Doc[states.Order]{Value: order, Index: snapshot.Record.Index}
		}
	}
}

// Node finds a node by name.
func (p *planner) node(name string) (*states.Node, bool) {
	i, there := p.nodes[name]
	if !there {
		return &states.Node{Name: name}, false
	}
	return &p.Nodes[i], true
}

// seat gives the node of the member at a place in the record, as node does by its name.
func (p *planner) seat(i int) (*states.Node, bool) {
	if p.seats[i] < 0 {
		return &states.Node{Name: p.record.Members[i].Node}, false
	}
	return &p.Nodes[p.seats[i]], true
}

// member finds a member of the record by name.
func (p *planner) member(name string) (states.Member, bool) {
	i, there := p.roster[name]
	if !there {
		return states.Member{}, false
	}
	return p.record.Members[i], true
}

// rest ends the questions for a cluster that is not moving.
func (p *planner) rest() *Decision {
	switch p.record.Status {
	case states.Running:
		return nil
	case states.Paused:
		return &Decision{Idle: true, Waits: []Wait{{Kind: "paused", Reason: p.record.Reason, Remedy: p.remedy()}}}
	case states.Aborted:
		return &Decision{Idle: true, Waits: []Wait{{Kind: "aborted", Reason: p.record.Reason,
			Remedy: "orch rollback " + p.Cluster + " | orch transition " + p.Cluster + " STATE"}}}
	}
	return &Decision{Idle: true}
}

// remedy names the verb that lifts a pause.
func (p *planner) remedy() string {
	resume := "orch resume " + p.Cluster
	switch p.record.Cause {
	case states.ByFailures:
		if p.record.Failures() > p.record.Budget() {
			return "orch retry " + p.Cluster + " | " + resume + " --accept-failures | orch rollback " + p.Cluster
		}
		return "orch retry " + p.Cluster + " | " + resume + " | orch rollback " + p.Cluster
	case states.ByMembers:
		return resume + " once they are back, or with --override members"
	case states.ByGate, states.ByDoubt:
		return resume + " asks again, with --override gate=NAME it does not | orch rollback " + p.Cluster
	case states.ByRequires:
		return resume + " waits again, with --override requires=CLUSTER it does not"
	case states.ByWindow:
		return resume + " once the window is open, or with --override window"
	case states.ByHealth, states.ByDeadline:
		return resume + " | orch rollback " + p.Cluster
	}
	return resume
}

func (p *planner) wait(waits ...Wait) *Decision { return &Decision{Waits: waits} }
