package orchestrator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
	"orch/states/strict"
)

// PlanFile is a plan as somebody looked at it, and everything that it rested on.
type PlanFile struct {
	Schema     int       `json:"schema"`
	Cluster    string    `json:"cluster"`
	Datacenter string    `json:"datacenter"`
	Address    string    `json:"address"` // of the Consul that was asked; not compared
	Tree       string    `json:"tree"`    // id of the tree of keys
	By         string    `json:"by"`
	At         time.Time `json:"at"`

	Target    states.Ref `json:"target"`
	Via       []string   `json:"via,omitempty"`
	Overrides []string   `json:"overrides,omitempty"`
	Supersede bool       `json:"supersede,omitempty"`
	Step      bool       `json:"step,omitempty"`

	Rested  Ground         `json:"rested_on"`
	Nothing bool           `json:"nothing"` // the cluster was there already
	Held    string         `json:"held,omitempty"`
	Hops    []states.Hop   `json:"hops"`
	Batches []PlannedBatch `json:"batches"`
	Seconds float64        `json:"seconds"` // that it was expected to take
	Guessed []string       `json:"guessed,omitempty"`
}

// Ground is what a plan rests on.
type Ground struct {
	Transition string        `json:"transition"`
	Generation uint64        `json:"generation"`
	Status     string        `json:"status"`
	State      string        `json:"state"`            // that is wanted
	Digest     string        `json:"digest,omitempty"` // of its attributes
	Definition string        `json:"definition"`       // digest
	Nodes      []PlannedNode `json:"nodes"`            // the known ones
	Requires   []Met         `json:"requires,omitempty"`
	Frozen     []string      `json:"frozen,omitempty"`
	Closed     string        `json:"closed,omitempty"` // why the windows are; empty: they are open
}

// PlannedNode is a known node.
type PlannedNode struct {
	Node   string `json:"node"`
	Alive  bool   `json:"alive"`
	State  string `json:"state"`
	Digest string `json:"digest,omitempty"` // of its attributes
	Held   bool   `json:"held,omitempty"`
}

// Met is what a requirement found of another cluster.
type Met struct {
	Cluster string `json:"cluster"`
	State   string `json:"state"`
	Settled bool   `json:"settled"`
}

// PlannedBatch is the nodes that would go together.
type PlannedBatch struct {
	Hop    int      `json:"hop"` // from 1
	Number int      `json:"number"`
	Nodes  []string `json:"nodes"`
	Opened bool     `json:"opened,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// NewPlanFile writes down what a transition would do, and what that rests on.
func NewPlanFile(snapshot states.Snapshot, request states.Request, preview Preview, foretold Foretold, now time.Time) PlanFile {
	f := PlanFile{Schema: states.Schema, Cluster: snapshot.Cluster, By: request.By, At: now.UTC(), Target: request.Target, Via: request.Via,
		Overrides: request.Overrides, Supersede: request.Supersede, Step: request.Step, Rested: groundOf(snapshot, preview.Record.Hops, now),
		Nothing: preview.Nothing, Held: preview.Held, Hops: []states.Hop{}, Batches: []PlannedBatch{}, Seconds: foretold.Left.Seconds(), Guessed: foretold.Guessed}
	if preview.Nothing {
		return f
	}
	for _, hop := range preview.Record.Hops {
		hop.From = nil // known when it starts
		f.Hops = append(f.Hops, hop)
	}
	for _, b := range preview.Batches {
		f.Batches = append(f.Batches, PlannedBatch{b.Hop + 1, b.Number, b.Nodes, b.Opened, b.Note})
	}
	return f
}

func groundOf(snapshot states.Snapshot, hops []states.Hop, now time.Time) Ground {
	desired, record := snapshot.Desired.Value, snapshot.Record.Value
	g := Ground{Transition: record.ID, Generation: desired.Generation, Status: record.Status, State: desired.State.String(),
		Digest: desired.State.Digest, Definition: short(snapshot.Source), Nodes: plannedNodes(snapshot, now)}
	for _, hop := range hops {
		for _, r := range hop.Requires {
			other := snapshot.Evidence.Elsewhere[r.Cluster]
			g.Requires = append(g.Requires, Met{r.Cluster, other.State.String(), other.Settled})
		}
	}
	for _, freeze := range []*states.Doc[states.Freeze]{&snapshot.Frozen, &snapshot.Freeze} {
		if freeze.OK() && !freeze.Value.Over(now) {
			g.Frozen = append(g.Frozen, freeze.Value.String())
		}
	}
	if hours := snapshot.Definition.Value.Windows; len(hours) > 0 {
		if said := states.Windows(hours).At(now); !said.Open {
			g.Closed = said.Why(now)
		}
	}
	return g
}

func plannedNodes(snapshot states.Snapshot, now time.Time) []PlannedNode {
	nodes := []PlannedNode{}
	for i := range snapshot.Nodes {
		node := &snapshot.Nodes[i]
		if !node.Status.OK() || forgotten(node) {
			continue
		}
		state := node.Status.Value.State
		nodes = append(nodes, PlannedNode{node.Name, node.Alive, state.String(), state.Digest, node.Order.Value.HeldAt(now) != nil})
	}
	return nodes
}

// ReadPlanFile reads what Text wrote.
func ReadPlanFile(text []byte) (PlanFile, error) {
	var f PlanFile
	var head struct {
		Schema int `json:"schema"`
	}
	if err := strict.Decode(text, &head); err != nil {
		return f, fmt.Errorf("it is no plan: %w", err)
	}
	if head.Schema != states.Schema {
		return f, fmt.Errorf("its schema is %d, and this version of orch knows %d; plan again", head.Schema, states.Schema)
	}
	err := strict.Decode(text, &f)
	if err == nil { // what an older version does not know may have meant something
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&f)
	}
	if err != nil {
		return f, fmt.Errorf("it is no plan of this version of orch: %w", err)
	}
	if !states.ValidCluster(f.Cluster) || !states.ValidState(f.Target.Name) {
		return f, fmt.Errorf("it is no plan: it names cluster %q and state %q", f.Cluster, f.Target)
	}
	return f, nil
}

// Text is the plan as it lies in a file.
func (f PlanFile) Text() []byte {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic(err) // plain values can always be written
	}
	return append(text, '\n')
}

// Planned is what a request carries that is made from this plan, for the leader to check again.
func (f PlanFile) Planned(file []byte) *states.Planned {
	return &states.Planned{Plan: short(string(file)), Definition: f.Rested.Definition, Nodes: digestOf(f.Rested.Nodes)}
}

func digestOf(nodes []PlannedNode) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "%+v\n", n)
	}
	return short(b.String())
}

// otherwise says why a request that was made from a plan must not be taken any more, or "".
func (p *planner) otherwise(request states.Request) string {
	var changed []string
	switch plan := request.Plan; {
	case plan == nil:
		return ""
	case plan.Definition != short(p.Source):
		changed = append(changed, "the definition was applied again")
		fallthrough
	default:
		if plan.Nodes != digestOf(plannedNodes(p.Snapshot, p.now)) {
			changed = append(changed, "other nodes are alive or held than in the plan, or they are elsewhere")
		}
	}
	if len(changed) == 0 {
		return ""
	}
	return strings.Join(changed, "; ") + "; look again: orch plan " + p.Cluster + " " + request.Target.String()
}

// sameBatches tells whether the same nodes go together.
func sameBatches(a, b []PlannedBatch) bool {
	return slices.EqualFunc(a, b, func(a, b PlannedBatch) bool {
		return a.Hop == b.Hop && a.Number == b.Number && a.Opened == b.Opened && slices.Equal(a.Nodes, b.Nodes)
	})
}
