package main

import (
	"fmt"
	"strconv"
	"strings"

	"orch/orchestrator"
	"orch/states"
)

// planScreen puts on the page what a request would do: the path, and each hop with its batches.
func (v *view) planScreen(p *page, preview orchestrator.Preview, request states.Request) {
	at := v.place.Datacenter + "  " + v.place.Address
	p.sides([]span{{v.Cluster, bold}, text("  to " + request.Target.String())}, at+"  "+v.now.Format("15:04:05Z"))
	switch {
	case preview.Refused != "":
		p.wrap(span{"it would be refused: ", red}, preview.Refused)
		return
	case preview.Nothing:
		p.say("nothing to do: " + v.Cluster + " is at " + v.desire.State.String() + ".")
		return
	}
	record := preview.Record
	p.wrap(text("path: "), pathOf(record))
	for i, hop := range record.Hops {
		v.planHop(p, preview, i, hop)
	}
	if preview.Held != "" {
		p.blank()
		p.wrap(span{"it would stand still: ", yellow}, preview.Held)
	}
	v.uncounted(p, record)
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
			rows = append(rows, row(strconv.Itoa(b.Number), strconv.Itoa(b.Count), named(b)))
		}
	}
	if len(rows) > 0 {
		p.table([]column{{title: "BATCH", right: true}, {title: "NODES", right: true}, {title: "WHO"}}, rows)
	} else if preview.Held == "" {
		p.say("  no live node has to go there; whoever comes goes by itself")
	} else {
		p.say("  its batches cannot be foreseen, see below")
	}
	p.wrap(text("  "), policyText(hop.Policy, len(preview.Record.Members)))
}

func named(b states.Batch) string {
	who := few(b.Nodes, 12)
	if b.Opened {
		who = strings.TrimSpace(who + " (by opening: everybody may go)")
	}
	return who
}

// policyText says how a hop would be made, in words.
func policyText(policy states.Policy, members int) string {
	sizes := make([]string, 0, len(policy.Batches))
	for _, b := range policy.Batches {
		sizes = append(sizes, b.String())
	}
	texts := []string{
		"batches " + strings.Join(sizes, ", "),
		fmt.Sprintf("a run may take %s", policy.ConvergeTimeout),
		fmt.Sprintf("%s after %s", retries(policy.Retries), policy.RetryDelay),
		fmt.Sprintf("failures allowed %d (max_failures = %s)", policy.MaxFailures.Floor(members), policy.MaxFailures),
		"then " + policy.OnFailure,
	}
	if policy.Retries == 0 {
		texts[2] = "no retries"
	}
	if policy.OnLost == states.SkipLost {
		texts = append(texts, "lost nodes are skipped")
	}
	return strings.Join(texts, "; ")
}

func retries(n int) string {
	if n == 1 {
		return "1 retry"
	}
	return strconv.Itoa(n) + " retries"
}

// uncounted names the known nodes that the move would not count.
func (v *view) uncounted(p *page, record states.Record) {
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
