package main

import (
	"fmt"
	"strconv"

	"orch/orchestrator"
	"orch/states"
)

// recoverJSON is what agents accepted, what lies in Consul, and what was written, if anything was.
type recoverJSON struct {
	Schema  int            `json:"schema"`
	Cluster string         `json:"cluster"`
	Wrong   []blocker      `json:"wrong"`
	Seen    states.Mark    `json:"seen"`
	Desired states.Mark    `json:"desired"` // as it lies there; where something was written, that
	State   string         `json:"state,omitempty"`
	Nodes   []acceptedJSON `json:"nodes"`
}

type acceptedJSON struct {
	Node  string      `json:"node"`
	Alive bool        `json:"alive"`
	State string      `json:"state"`
	Mark  states.Mark `json:"mark"`
	Says  string      `json:"says,omitempty"`
}

func newRecoverJSON(v *view, written *states.Desired) recoverJSON {
	document := recoverJSON{Schema: states.Schema, Cluster: v.Cluster, Wrong: v.wrong(), Seen: orchestrator.Seen(v.Snapshot, states.Entry{}, v.now),
		Desired: v.desire.Mark, Nodes: []acceptedJSON{}}
	if written != nil {
		document.Desired, document.State = written.Mark, spelled(written.State)
	}
	for _, n := range v.Nodes {
		status := n.Status.Value
		document.Nodes = append(document.Nodes, acceptedJSON{n.Name, n.Alive, spelled(status.State), status.Mark, first(n.Status.Problem, status.Refused)})
	}
	return document
}

// wrong lists what keeps the cluster from being led.
func (v *view) wrong() []blocker {
	list := []blocker{}
	for _, w := range orchestrator.Broken(v.Snapshot, v.now) {
		list = append(list, blocker{w.Kind, w.Node, w.Reason, w.Remedy})
	}
	return list
}

// recoverScreen shows what agents accepted last, what lies in Consul, and what to type.
func (v *view) recoverScreen(p *page) {
	p.add(span{v.Cluster, bold}, text("   "+v.place.Datacenter+"   "+v.place.Address))
	p.blank()
	v.accepted(p)
	p.blank()
	p.wrap(text("desired     "), v.lies(v.Desired.There(), v.Desired.Problem, fmt.Sprintf("%s, epoch %d, generation %d, %s",
		v.desire.State, v.desire.Epoch, v.desire.Generation, v.desire.Transition)))
	p.wrap(text("transition  "), v.lies(v.Record.There(), v.Record.Problem, fmt.Sprintf("%s, %s to %s", v.record.ID, v.record.Status, v.record.Target)))
	p.wrap(text("leader      "), v.lies(v.Leader.There(), v.Leader.Problem, fmt.Sprintf("epoch %d, %s", v.Leader.Value.Epoch, v.leaderLine())))
	p.wrap(text("definition  "), v.lies(v.Definition.There(), v.Definition.Problem, "it can be used"))
	p.blank()
	wrong := v.wrong()
	if len(wrong) == 0 {
		p.wrap(span{}, "Nothing is wrong: "+v.Cluster+" can be led, and there is nothing to recover from.")
		return
	}
	p.say("It cannot be led, because")
	for _, b := range wrong {
		p.wrap(text("  "), b.Reason)
	}
	p.blank()
	p.wrap(span{}, v.recoverBy(wrong[0]))
}

// accepted is the table of what each node has seen.
func (v *view) accepted(p *page) {
	if len(v.Nodes) == 0 {
		p.say("No agent has reported.")
		return
	}
	var rows [][]cell
	for _, n := range v.Nodes {
		status, alive := n.Status.Value, "alive"
		if !n.Alive {
			alive = "absent"
		}
		where := status.State.String()
		if !status.Attempting.None() {
			where += ", attempted " + status.Attempting.String()
		}
		rows = append(rows, row(n.Name, alive, where, strconv.FormatUint(status.Epoch, 10), strconv.FormatUint(status.Generation, 10),
			first(status.Transition, "-")))
	}
	p.table([]column{{title: "NODE"}, {title: "AGENT"}, {title: "STATE", most: 30}, {title: "EPOCH", right: true}, {title: "GEN", right: true},
		{title: "TRANSITION"}}, rows)
	v.refusals(p)
}

// refusals gives the agents' own words, each once.
func (v *view) refusals(p *page) {
	var order []string
	who := map[string][]string{}
	for _, n := range v.Nodes {
		says := first(n.Status.Problem, n.Status.Value.Refused)
		if says == "" {
			continue
		}
		if who[says] == nil {
			order = append(order, says)
		}
		who[says] = append(who[says], n.Name)
	}
	for _, says := range order {
		p.wrap(span{}, few(who[says], 8)+": "+says)
	}
}

func (v *view) lies(there bool, problem, what string) string {
	switch {
	case !there:
		return "is not there"
	case problem != "":
		return "cannot be used: " + problem
	}
	return what
}

// recoverBy names the command that helps.
func (v *view) recoverBy(wrong blocker) string {
	if wrong.Kind == "unborn" {
		return "Nobody has ever followed it: " + wrong.Remedy + " gives birth to it."
	}
	text := "orch recover " + v.Cluster + " STATE"
	if !v.Definition.OK() {
		text += " --definition PATH"
	}
	return "Then say where it is to be: " + text + ". Nobody is let go by that; orch resume " + v.Cluster + " lets them go batch by batch."
}
