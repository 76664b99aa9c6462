package main

import (
	"strconv"

	"orch/states"
)

// approvalScreen puts on the page what somebody approves: the batch that is over, and how it ended.
func (v *view) approvalScreen(p *page) {
	at := v.place.Datacenter + "  " + v.place.Address
	p.sides([]span{{v.Cluster, bold}, text("  " + v.heading())}, at+"  "+v.now.Format("15:04:05Z"))
	batch := v.record.Batch
	if v.record.Over() == 0 || batch.Hop != v.record.Hop {
		p.say("nothing of it began yet: what is approved is its start, with " + states.Count(len(v.record.Members), "member"))
		return
	}
	p.say("batch " + strconv.Itoa(batch.Number) + " is over: " + states.Count(batch.Count, "node") + ", " + strconv.Itoa(batch.Failed) +
		" failed; what is approved is going on with the next")
	var rows [][]cell
	for _, name := range batch.Nodes {
		n := v.named(name)
		rows = append(rows, []cell{text(n.Name), text(n.State), phase(n), text(n.line())})
	}
	p.table([]column{{title: "NODE", most: 24}, {title: "STATE", most: 20}, {title: "PHASE"}, {title: "LAST LINE"}}, rows)
	p.wrap(text(""), v.health(p))
}

// named finds a node by name; one that is gone has nothing to tell.
func (v *view) named(name string) nodeView {
	for _, n := range v.nodes {
		if n.Name == name {
			return n
		}
	}
	return nodeView{Name: name, Phase: phaseUnknown}
}
