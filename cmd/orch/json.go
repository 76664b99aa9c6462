package main

import (
	"time"

	"orch/orchestrator"
	"orch/states"
)

// The JSON of every verb starts with a schema number. Within one number, fields are only added.

// statusJSON is `orch status CLUSTER`.
type statusJSON struct {
	Schema     int         `json:"schema"`
	Cluster    string      `json:"cluster"`
	State      string      `json:"state"` // that is wanted
	Generation uint64      `json:"generation"`
	Settled    bool        `json:"settled"`
	Drifted    int         `json:"drifted,omitempty"` // live nodes whose own check found something
	Status     string      `json:"status"`            // running, paused, done, aborted; unborn, broken
	Reason     string      `json:"reason"`
	Epoch      uint64      `json:"epoch"`
	Stable     string      `json:"stable"` // the last state that everybody reached
	Open       bool        `json:"open"`
	Place      place       `json:"place"`
	Transition *moveJSON   `json:"transition,omitempty"`
	Leader     *leaderJSON `json:"leader,omitempty"`
	Undoes     string      `json:"undoes,omitempty"`   // a way back: the id of the transition that it takes back
	Awaiting   string      `json:"awaiting,omitempty"` // approval: nothing else holds the move
	Healthy    int         `json:"healthy"`            // nodes that serve, and that no check speaks against
	Floor      *int        `json:"floor,omitempty"`    // how many have to stay healthy, where min_healthy is set
	Gates      []gateView  `json:"gates,omitempty"`    // of the hop, as they answered last
	Approvals  []approval  `json:"approvals,omitempty"`
	Frozen     []string    `json:"frozen,omitempty"`
	Problems   []string    `json:"problems,omitempty"`
	Requests   []string    `json:"requests,omitempty"` // not answered yet
	Nodes      []nodeJSON  `json:"nodes"`
}

// moveJSON is the move in progress, or the last one.
type moveJSON struct {
	ID        string           `json:"id"`
	By        string           `json:"by"`
	Why       string           `json:"why,omitempty"`
	Cause     string           `json:"cause,omitempty"`
	Start     string           `json:"start"`
	Target    string           `json:"target"`
	Hop       int              `json:"hop"` // from 1
	Hops      []string         `json:"hops"`
	Members   int              `json:"members"`
	Failures  int              `json:"failures"`
	Allowed   int              `json:"allowed"`
	Counted   []states.Counted `json:"counted,omitempty"`
	Batches   []states.Batch   `json:"batches,omitempty"`
	Batch     *states.Batch    `json:"batch,omitempty"` // the one in progress, or the last one
	StartedAt time.Time        `json:"started_at"`
	PausedAt  time.Time        `json:"paused_at,omitzero"`
	EndedAt   time.Time        `json:"ended_at,omitzero"`
	Journal   uint64           `json:"journal"`
}

// approval is somebody's word that a move may go on.
type approval struct {
	Hop   int       `json:"hop"`   // from 1
	Batch int       `json:"batch"` // that was over; 0: before the first
	By    string    `json:"by"`
	Why   string    `json:"why,omitempty"`
	At    time.Time `json:"at"`
}

// leaderJSON is whoever leads.
type leaderJSON struct {
	Who   string    `json:"who"`
	Since time.Time `json:"since"`
	Epoch uint64    `json:"epoch"`
}

// nodeJSON is a node.
type nodeJSON struct {
	Node       string    `json:"node"`
	State      string    `json:"state"` // that it reached; empty: none
	Generation uint64    `json:"generation"`
	Phase      string    `json:"phase"`
	Alive      bool      `json:"alive"`
	Reason     string    `json:"reason"`
	There      bool      `json:"there"` // at the state that is wanted
	Member     bool      `json:"member"`
	Attempting string    `json:"attempting,omitempty"`
	Epoch      uint64    `json:"epoch"`
	Refused    string    `json:"refused,omitempty"`
	Sick       string    `json:"sick,omitempty"`    // what the checks of a gate say against it
	Drained    []string  `json:"drained,omitempty"` // service instances that are out of the traffic
	Counted    string    `json:"counted,omitempty"` // failed, lost or skipped
	Run        *runJSON  `json:"run,omitempty"`
	Since      time.Time `json:"since,omitzero"`

	Drift *states.Drift `json:"drift,omitempty"` // its own check says that it is not any more what it reached
	Rack  string        `json:"rack,omitempty"`
}

// runJSON is the last run of a node, or the one that goes on.
type runJSON struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Attempt int    `json:"attempt"`
	Tries   int    `json:"tries"`
	Outcome string `json:"outcome,omitempty"` // empty: it goes on
	Exit    int    `json:"exit"`
}

func newStatusJSON(v *view) statusJSON {
	s := statusJSON{Schema: states.Schema, Cluster: v.Cluster, State: spelled(v.desire.State), Generation: v.desire.Generation,
		Settled: v.settled(), Drifted: len(v.drifted()), Status: v.status(), Reason: v.reason(), Epoch: v.desire.Epoch, Stable: spelled(v.desire.Stable),
		Open: v.desire.Open, Place: v.place, Problems: v.unreadable(), Nodes: []nodeJSON{}}
	if v.Record.OK() {
		s.Transition = v.moveJSON()
		v.careJSON(&s)
	}
	if v.Led {
		s.Leader = &leaderJSON{v.Leader.Value.Who, v.Leader.Value.Since, v.Leader.Value.Epoch}
	}
	for _, f := range []states.Doc[states.Freeze]{v.Frozen, v.Freeze} {
		if f.OK() {
			s.Frozen = append(s.Frozen, f.Value.String())
		}
	}
	for _, w := range v.waits {
		if unfollowed(w.Kind) {
			s.Problems = append(s.Problems, w.Reason)
		}
	}
	for _, r := range v.Requests {
		s.Requests = append(s.Requests, r.Value.ID)
	}
	for _, n := range v.nodes {
		s.Nodes = append(s.Nodes, n.json())
	}
	return s
}

// careJSON adds what is known of moving carefully.
func (v *view) careJSON(s *statusJSON) {
	s.Undoes, s.Awaiting, s.Healthy, s.Gates = v.record.Undoes, v.record.Awaiting, v.fit.Healthy, v.gates()
	if v.fit.Floor {
		s.Floor = &v.fit.Least
	}
	for _, a := range v.record.Approvals {
		s.Approvals = append(s.Approvals, approval{a.Hop + 1, a.Batch, a.By, a.Why, a.At})
	}
}

// spelled is a state as it is typed, or nothing.
func spelled(s states.State) string {
	if s.None() {
		return ""
	}
	return s.String()
}

func (v *view) moveJSON() *moveJSON {
	r := v.record
	m := &moveJSON{ID: r.ID, By: r.By, Why: r.Why, Cause: r.Cause, Start: spelled(r.Start), Target: spelled(r.Target), Hop: r.Hop + 1,
		Hops: []string{}, Members: len(r.Members), Failures: r.Failures(), Allowed: r.Budget(), Counted: r.Counted, Batches: r.Batches,
		StartedAt: r.StartedAt, PausedAt: r.PausedAt, EndedAt: r.EndedAt, Journal: r.Journal}
	for _, hop := range r.Hops {
		m.Hops = append(m.Hops, hop.State.String())
	}
	if r.Batch.Number != 0 {
		m.Batch = &r.Batch
	}
	return m
}

func (n nodeView) json() nodeJSON {
	j := nodeJSON{Node: n.Name, Generation: n.Generation, Phase: n.Phase, Alive: n.Alive, Reason: n.Reason, There: n.There,
		Member: n.Member, Attempting: n.Attempting, Epoch: n.Epoch, Refused: n.Refused, Sick: n.Sick, Drained: n.Drained, Drift: n.Drift, Since: n.Since, Rack: n.Rack}
	if n.State != "-" && n.State != (states.State{}).String() {
		j.State = n.State
	}
	if n.Counted != nil {
		j.Counted = n.Counted.Kind
	}
	if n.Run.ID != "" {
		j.Run = &runJSON{n.Run.ID, spelled(n.Run.State), n.Run.Attempt, n.Run.Tries, string(n.Run.Outcome), n.Run.Exit}
	}
	return j
}

// clustersJSON is `orch status` without a cluster.
type clustersJSON struct {
	Schema   int          `json:"schema"`
	Clusters []statusJSON `json:"clusters"`
}

// planJSON is `orch plan`.
type planJSON struct {
	Schema   int            `json:"schema"`
	Cluster  string         `json:"cluster"`
	Target   string         `json:"target"`
	Refused  string         `json:"refused,omitempty"`  // why it would be, first of all
	Refusals []string       `json:"refusals,omitempty"` // and everything else that would refuse it
	Nothing  bool           `json:"nothing"`            // the cluster is there already
	Held     string         `json:"held,omitempty"`     // why it would stand still on the way
	Path     []string       `json:"path"`
	Hops     []states.Hop   `json:"hops"`
	Batches  []states.Batch `json:"batches"`
	Seconds  float64        `json:"seconds,omitempty"` // that it would take
	Guessed  []string       `json:"guessed,omitempty"` // nodes of which no good run is known
	Rough    bool           `json:"rough,omitempty"`   // it was not looked at to the end
	Stands   string         `json:"stands,omitempty"`  // why it would stand still after that time, before its end
	Windows  states.Windows `json:"windows,omitempty"` // that bind the move
	Signed   []string       `json:"signed,omitempty"`  // nodes that obey signed states only: the move needs a --sign-key
}

func newPlanJSON(v *view, preview orchestrator.Preview, request states.Request, foretold orchestrator.Foretold) planJSON {
	p := planJSON{Schema: states.Schema, Cluster: v.Cluster, Target: request.Target.String(), Refused: preview.Refused,
		Nothing: preview.Nothing, Held: preview.Held, Path: []string{}, Hops: []states.Hop{}, Batches: []states.Batch{}}
	if preview.Refused != "" {
		p.Refusals = v.against(request, preview)
	}
	if preview.Refused != "" || preview.Nothing {
		return p
	}
	p.Seconds, p.Guessed, p.Rough, p.Stands = foretold.Left.Seconds(), foretold.Guessed, foretold.Rough, foretold.Stands
	p.Windows, p.Signed = preview.Record.Windows, orchestrator.NeedsSigning(v.Snapshot)
	p.Path = append(p.Path, preview.Record.Start.String())
	for _, hop := range preview.Record.Hops {
		p.Path = append(p.Path, hop.State.String())
	}
	p.Hops, p.Batches = preview.Record.Hops, append(p.Batches, preview.Batches...)
	return p
}

// driveJSON is the end of a verb that moves something.
type driveJSON struct {
	Schema   int         `json:"schema"`
	Cluster  string      `json:"cluster"`
	Request  string      `json:"request"`
	Kind     string      `json:"kind"`
	Code     int         `json:"code"` // the exit code
	Refused  bool        `json:"refused"`
	Replaced bool        `json:"replaced"`
	Undone   bool        `json:"undone,omitempty"` // it failed, and the status is of the way back
	Answer   string      `json:"answer"`
	Status   *statusJSON `json:"status,omitempty"`
}

func newDriveJSON(d driving, outcome orchestrator.Outcome, v *view, code int) driveJSON {
	j := driveJSON{Schema: states.Schema, Cluster: d.cluster, Request: d.request.ID, Kind: d.request.Kind, Code: code,
		Refused: outcome.Answer.Refused, Replaced: outcome.Replaced, Undone: outcome.Undone, Answer: outcome.Answer.Reason}
	if v != nil {
		status := newStatusJSON(v)
		j.Status = &status
	}
	return j
}

// whyJSON is `orch why`.
type whyJSON struct {
	Schema     int       `json:"schema"`
	Cluster    string    `json:"cluster"`
	Node       *nodeJSON `json:"node,omitempty"`
	Status     string    `json:"status"`
	State      string    `json:"state"`
	Generation uint64    `json:"generation"`
	Blockers   []blocker `json:"blockers"`
	Free       []string  `json:"not_held_by"`
}

func newWhyJSON(v *view, n *nodeView) whyJSON {
	j := whyJSON{Schema: states.Schema, Cluster: v.Cluster, Status: v.status(), State: spelled(v.desire.State), Generation: v.desire.Generation}
	if n != nil {
		node := n.json()
		j.Node, j.Blockers, j.Free = &node, v.nodeBlockers(*n), v.freeNode(*n)
	} else {
		j.Blockers, j.Free = v.blockers(), v.free()
	}
	j.Blockers = append([]blocker{}, j.Blockers...)
	return j
}
