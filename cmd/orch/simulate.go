package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"orch/orchestrator"
	"orch/states"
)

// simulateJSON is `orch plan --simulate`.
type simulateJSON struct {
	Schema  int             `json:"schema"`
	Cluster string          `json:"cluster"`
	Target  string          `json:"target"`
	Fail    []string        `json:"fail,omitempty"`
	Lose    []string        `json:"lose,omitempty"`
	Steps   []simulatedJSON `json:"steps"`
	End     string          `json:"end"` // done, rolled back, paused, refused or stands
	Reason  string          `json:"reason"`
	Seconds float64         `json:"seconds"` // from the request to there
	Guessed []string        `json:"guessed,omitempty"`
	Nodes   map[string]int  `json:"nodes"` // how many live nodes are where then
	Lost    int             `json:"lost"`  // nodes that are not alive then
}

// simulatedJSON is one thing that would happen.
type simulatedJSON struct {
	Seconds float64 `json:"seconds"` // since the request
	Event   string  `json:"event"`
	Node    string  `json:"node,omitempty"`
	Reason  string  `json:"reason"`
}

// simulate prints what a request would do to the end, with what goes wrong.
func (o *planOptions) simulate(v *view, request states.Request) error {
	for _, name := range slices.Concat(o.fail, o.lose) {
		if !slices.ContainsFunc(v.nodes, func(n nodeView) bool { return n.Name == name && known(n) }) {
			return usagef("simulate that %q fails: %s has no node of that name; orch status %s --all lists them", name, v.Cluster, v.Cluster)
		}
	}
	s := orchestrator.Simulate(v.Snapshot, request, orchestrator.Faults{Fail: o.fail, Lose: o.lose},
		orchestrator.Leading{Who: request.By, Epoch: v.desire.Epoch + 1}, v.now)
	document := o.simulated(v, request, s)
	return o.app.print(document, func(p *page) { v.simulateScreen(p, document, request) })
}

func (o *planOptions) simulated(v *view, request states.Request, s orchestrator.Simulation) simulateJSON {
	j := simulateJSON{Schema: states.Schema, Cluster: v.Cluster, Target: request.Target.String(), Fail: o.fail, Lose: o.lose,
		Steps: []simulatedJSON{}, Seconds: s.Took.Seconds(), Guessed: s.Guessed, Nodes: map[string]int{}}
	for _, step := range s.Steps {
		j.Steps = append(j.Steps, simulatedJSON{step.After.Seconds(), step.Event, step.Node, step.Reason})
	}
	for _, n := range s.Nodes {
		switch {
		case !n.Status.There() || n.Order.Value.Forgotten != nil:
		case !n.Alive:
			j.Lost++
		default:
			j.Nodes[n.Status.Value.State.String()]++
		}
	}
	j.End, j.Reason = simulatedEnd(s)
	return j
}

// simulatedEnd says how it ends, in a word and in a sentence.
func simulatedEnd(s orchestrator.Simulation) (end, reason string) {
	last := orchestrator.SimulatedStep{}
	if len(s.Steps) > 0 {
		last = s.Steps[len(s.Steps)-1]
	}
	switch {
	case last.Event == states.EventRefused:
		return "refused", last.Reason
	case s.Cut:
		return "stands", "it was not simulated to the end: it has too many steps"
	case s.Stands != "":
		return "stands", s.Stands
	case s.Record.Automatic() && s.Record.Status == states.Done:
		return "rolled back", s.Record.Why
	}
	return s.Record.Status, s.Record.Reason
}

// simulateScreen puts a simulation on a page: a row for everything that would happen, and the end.
func (v *view) simulateScreen(p *page, j simulateJSON, request states.Request) {
	p.sides([]span{{v.Cluster, bold}, text("  simulated, " + aim(request, states.Record{}))}, v.place.Datacenter+"  "+v.place.Address+"  "+v.now.Format("15:04:05Z"))
	for _, line := range [][2]string{{"fails: ", strings.Join(j.Fail, " ")}, {"is lost: ", strings.Join(j.Lose, " ")}} {
		if line[1] != "" {
			p.wrap(text(line[0]), line[1])
		}
	}
	p.blank()
	var rows [][]cell
	for _, step := range j.Steps {
		look := plain
		switch step.Event {
		case string(states.ExitedBadly), string(states.TimedOut), states.CountLost, states.EventCounted, states.EventHalted, states.EventRefused:
			look = red
		case string(states.Succeeded), states.EventReached, states.EventDone:
			look = green
		}
		rows = append(rows, []cell{text(ago(seconds(step.Seconds))), {step.Event, look}, text(first(step.Node, "-")), text(step.Reason)})
	}
	p.table([]column{{title: "AFTER", right: true}, {title: "EVENT"}, {title: "NODE", most: 24}, {title: "WHAT"}}, rows)
	p.blank()
	p.wrap(span{j.End + " ", bold}, "after "+ago(seconds(j.Seconds))+": "+j.Reason)
	p.wrap(text("nodes: "), j.census())
	if len(j.Guessed) > 0 {
		p.wrap(text("guessed: "), "how long "+few(slices.Sorted(slices.Values(j.Guessed)), 6)+" would take, because no good run is known")
	}
}

// census says how many nodes are where in the end.
func (j simulateJSON) census() string {
	var texts []string
	for _, state := range slices.SortedFunc(maps.Keys(j.Nodes), compareNames) {
		texts = append(texts, fmt.Sprintf("%d at %s", j.Nodes[state], state))
	}
	if j.Lost > 0 {
		texts = append(texts, strconv.Itoa(j.Lost)+" not alive")
	}
	return first(strings.Join(texts, ", "), "none")
}
