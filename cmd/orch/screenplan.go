package main

import (
	"fmt"
	"strconv"
	"strings"

	"orch/orchestrator"
	"orch/states"
)

// planScreen puts on the page what a request would do: the path, and each hop with its batches.
func (v *view) planScreen(p *page, preview orchestrator.Preview, request states.Request, foretold orchestrator.Foretold) {
	at := v.place.Datacenter + "  " + v.place.Address
	record := preview.Record
	p.sides([]span{{v.Cluster, bold}, text("  " + aim(request, record))}, at+"  "+v.now.Format("15:04:05Z"))
	switch {
	case preview.Refused != "":
		refusedScreen(p, v.against(request, preview))
		return
	case preview.Nothing && request.Drifted:
		p.say("nothing to do: no node of " + v.Cluster + " has drifted.")
		return
	case preview.Nothing:
		p.say("nothing to do: " + v.Cluster + " is at " + v.desire.State.String() + ".")
		return
	}
	if record.Again == "" {
		p.wrap(text("path: "), pathOf(record))
	}
	for i, hop := range record.Hops {
		v.planHop(p, preview, i, hop)
	}
	if preview.Held != "" {
		p.blank()
		p.wrap(span{"it would stand still: ", yellow}, preview.Held)
	}
	if needing := orchestrator.NeedsSigning(v.Snapshot); request.Unsigned && len(needing) > 0 {
		p.blank()
		p.wrap(text("to be signed (--sign-key): "), few(needing, 12)+" obey signed states only")
	}
	v.planWindows(p, record)
	v.stay(p, record)
	v.uncounted(p, record)
	expected(p, foretold, preview.Held)
}

// aim says in a few words where a request wants the cluster.
func aim(request states.Request, record states.Record) string {
	switch request.Kind {
	case states.AskRollback:
		return "back to " + first(spelled(record.Target), request.Target.String())
	case states.AskReconverge:
		return record.Target.String() + " once more"
	}
	return "to " + request.Target.String()
}

// stay names the members of a way back that are there already: nothing is done to them.
func (v *view) stay(p *page, record states.Record) {
	if record.Undoes == "" {
		return
	}
	var names []string
	for _, m := range record.Members {
		if n, _ := v.Node(m.Node); n.Status.OK() && n.Status.Value.At(record.Target) {
			names = append(names, m.Node)
		}
	}
	if len(names) > 0 {
		p.blank()
		p.wrap(text("there already, left alone: "), few(names, 12))
	}
}

func pathOf(record states.Record) string {
	names := []string{record.Start.String()}
	for _, hop := range record.Hops {
		names = append(names, hop.State.String())
	}
	return strings.Join(names, " -> ")
}

// planHop shows one hop: its batches, and what its policy says.
func (v *view) planHop(p *page, preview orchestrator.Preview, index int, hop states.Hop) {
	p.blank()
	serves := ""
	if !hop.State.Serving {
		serves = ", which serves nobody"
	}
	p.add(span{fmt.Sprintf("hop %d of %d, to %s", index+1, len(preview.Record.Hops), hop.State), bold}, text(serves))
	var rows [][]cell
	for _, b := range preview.Batches {
		if b.Hop == index && b.Count > 0 {
			rows = append(rows, row(strconv.Itoa(b.Number), strconv.Itoa(b.Count), named(b, hop.Policy.GroupBy)))
		}
	}
	if len(rows) > 0 {
		p.table([]column{{title: "BATCH", right: true}, {title: "NODES", right: true}, {title: "WHO"}}, rows)
	} else if preview.Held == "" {
		p.say("  no live node has to go there; whoever comes goes by itself")
	} else {
		p.say("  its batches cannot be foreseen, see below")
	}
	v.hopRules(p, hop, len(preview.Record.Members))
}

// named says who goes in a batch, and what is special about it.
func named(b states.Batch, groupBy string) string {
	who := few(b.Nodes, 12)
	var notes []string
	switch {
	case strings.HasPrefix(b.Group, "("): // those who say nothing of it
		notes = append(notes, strings.Trim(b.Group, "()"))
	case b.Group != "":
		notes = append(notes, groupBy+" "+b.Group)
	}
	if b.Note != "" {
		notes = append(notes, b.Note)
	}
	if b.Opened {
		notes = append(notes, "by opening: everybody may go")
	}
	if len(notes) > 0 {
		who = strings.TrimSpace(who + " (" + strings.Join(notes, "; ") + ")")
	}
	return who
}

// uncounted names the known nodes that the move would not count.
func (v *view) uncounted(p *page, record states.Record) {
	if record.Only != nil { // the others are not meant
		return
	}
	var absent []string
	for _, n := range v.nodes {
		if _, member := record.Member(n.Name); !member && known(n) {
			absent = append(absent, n.Name)
		}
	}
	if len(absent) > 0 {
		p.blank()
		p.wrap(text("not alive, not counted: "), few(absent, 12)+"; they catch up when they are back")
	}
}

// planWindows says when the move may be made, and what becomes of it as that ends.
func (v *view) planWindows(p *page, record states.Record) {
	if len(record.Windows) == 0 || record.Undoes != "" {
		return
	}
	p.blank()
	for _, w := range record.Windows {
		what := "moves may be made"
		if w.Deny {
			what = "no move may be made"
		}
		p.hang(span{"window    ", dim}, 10, fmt.Sprintf("%s: %s for %s from %q on, %s; a move that is under way as it closes: %s", w.Name, what, w.Duration, w.Schedule, w.TimeZone, w.OnClose))
	}
	p.say("          now: " + hours(record, v.now))
}
