package main

import (
	"fmt"
	"strconv"
	"strings"

	"orch/states"
)

// batchTable shows the batches of the hop.
func (v *view) batchTable(p *page) {
	columns := []column{{title: "BATCH", right: true}, {title: "NODES", right: true}, {title: "DONE", right: true},
		{title: "RUN", right: true}, {title: "FAIL", right: true}, {title: "TIME", right: true}, {title: "NOTE"}}
	var rows [][]cell
	for _, b := range v.history() {
		cells := row(b.numbers(), strconv.Itoa(b.nodes), strconv.Itoa(b.done), strconv.Itoa(b.run), strconv.Itoa(b.fail), ago(b.took), b.says(p.width >= wideFrom))
		if !b.begun {
			cells = row(b.numbers(), strconv.Itoa(b.nodes), "-", "-", "-", "", b.says(true))
		}
		if b.fail > 0 {
			cells[4].style = red
		}
		rows = append(rows, cells)
	}
	if len(rows) > 0 {
		p.blank()
		p.table(columns, rows)
	}
}

// nodeTable shows the nodes that have something to tell, and counts the others.
func (v *view) nodeTable(p *page, o statusOptions) {
	var listed, others []nodeView
	for _, n := range v.nodes {
		if o.all || !n.dull() {
			listed = append(listed, n)
		} else {
			others = append(others, n)
		}
	}
	cut := 0
	if o.rows > 0 && len(listed) > o.rows {
		cut = len(listed) - o.rows
		listed = listed[:o.rows]
	}
	p.blank()
	switch {
	case len(listed) == 0:
	case v.record.Status == states.Running && v.usable() && !o.all:
		v.runningNodes(p, listed)
	default:
		v.standingNodes(p, listed)
	}
	if cut > 0 {
		p.say(fmt.Sprintf("and %d more that are not at rest; the terminal is too low", cut))
	}
	v.others(p, others, len(listed) > 0)
}

func (v *view) others(p *page, others []nodeView, more bool) {
	summary := rest(others)
	switch {
	case len(v.nodes) == 0:
		p.say("no node has ever reported here: start an agent, convergeagent --cluster " + v.Cluster)
	case summary == "":
	case more && p.width >= wideFrom:
		p.say(summary + "          (orch status " + v.Cluster + " --all lists every node)")
	default:
		p.say(summary)
	}
}

// runningNodes is the table while a move runs: what each node does, and its last line.
func (v *view) runningNodes(p *page, nodes []nodeView) {
	columns := []column{{title: "NODE", most: 24}, {title: strings.ToUpper(v.groupKey()), most: 12}, {title: "FROM", most: 16}, {title: "PHASE"},
		{title: "TRY", right: true}, {title: "TIME", right: true}, {title: "LAST LINE"}}
	var rows [][]cell
	for _, n := range nodes {
		rows = append(rows, []cell{text(n.Name), text(n.Rack), text(n.State), phase(n), text(tries(n)), text(v.time(n)), text(n.line())})
	}
	v.narrow(p, columns, rows, 2, 4)
}

// standingNodes is the table of a cluster that stands: where each node is, and why.
func (v *view) standingNodes(p *page, nodes []nodeView) {
	columns := []column{{title: "NODE", most: 24}, {title: strings.ToUpper(v.groupKey()), most: 12}, {title: "STATE", most: 20}, {title: "PHASE"}, {title: "ALIVE"},
		{title: "GEN", right: true}, {title: "SINCE"}, {title: "WHY"}}
	var rows [][]cell
	for _, n := range nodes {
		living := "yes"
		if !n.Alive {
			living = "no"
		}
		rows = append(rows, []cell{text(n.Name), text(n.Rack), text(n.State), phase(n), text(living),
			text(strconv.FormatUint(n.Generation, 10)), text(clock(n.Since, v.now)), text(n.Reason)})
	}
	v.narrow(p, columns, rows, 1, 5)
}

// narrow leaves out the column of racks where no node has one, and, on a narrow terminal, those
// that can be done without.
func (v *view) narrow(p *page, columns []column, rows [][]cell, drop ...int) {
	leave := map[int]bool{1: true}
	for _, row := range rows {
		if row[1].text != "" {
			leave[1] = false
		}
	}
	for _, i := range drop {
		leave[i] = leave[i] || p.width < wideFrom
	}
	kept := func(i int) bool { return !leave[i] }
	columns = keep(columns, kept)
	for i := range rows {
		rows[i] = keep(rows[i], kept)
	}
	p.table(columns, rows)
}

func keep[T any](all []T, kept func(int) bool) []T {
	var some []T
	for i, one := range all {
		if kept(i) {
			some = append(some, one)
		}
	}
	return some
}

func phase(n nodeView) cell {
	switch states.Phase(n.Phase) {
	case phaseFAILED, phaseLOST, phaseUnreadable, phaseUnknown, states.Failed, states.Refusing:
		return cell{n.Phase, red}
	case states.Settled:
		return cell{n.Phase, green}
	case states.Draining, states.Converging, states.Retrying, states.Held, states.Frozen, states.Drifted, phaseAbsent:
		return cell{n.Phase, yellow}
	}
	return text(n.Phase)
}

func tries(n nodeView) string {
	if n.Run.Attempt == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d", n.Run.Attempt, n.Run.Tries)
}

// time is how long a node has been at what it does.
func (v *view) time(n nodeView) string {
	switch {
	case n.busy():
		return ago(v.now.Sub(n.Run.Started))
	case n.Since.IsZero():
		return "-"
	}
	return ago(v.now.Sub(n.Since))
}

// line is the last line that the node's run wrote, or what the node says of itself.
func (n nodeView) line() string {
	if n.busy() && len(n.Run.Tail) > 0 {
		return n.Run.Tail[len(n.Run.Tail)-1]
	}
	return n.Reason
}

// lastLines shows the end of what the first failed run wrote.
func (v *view) lastLines(p *page, o statusOptions) {
	for _, n := range v.nodes {
		failed := n.Failed
		if n.Phase != phaseFAILED && n.Phase != string(states.Failed) || len(failed.Tail) == 0 || o.live && o.rows > 0 {
			continue
		}
		p.blank()
		title := n.Name + ", the last lines of run " + failed.ID
		if failed.Log != "" && p.width >= wideFrom {
			title += " (all of it: " + failed.Log + " on " + n.Name + ")"
		}
		p.say(title + ":")
		most := tailLines
		if p.width < wideFrom { // and as low
			most /= 2
		}
		for _, line := range failed.Tail[max(0, len(failed.Tail)-most):] {
			p.say("  " + strings.TrimRight(line, "\r\n"))
		}
		return
	}
}

// tailLines is how much of a failed run's output a screen has room for; why shows all there is.
const tailLines = 6
