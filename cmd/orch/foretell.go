package main

import (
	"slices"
	"strings"

	"orch/orchestrator"
	"orch/states"
)

// foretell says how a request would go, by how long runs took last.
func (v *view) foretell(request states.Request) orchestrator.Foretold {
	request.Queue = false
	return orchestrator.Foretell(v.Snapshot, request, orchestrator.Leading{Who: request.By, Epoch: v.desire.Epoch + 1}, v.now)
}

// expected puts on the page how long a move would take.
func expected(p *page, f orchestrator.Foretold) {
	if f.Left <= 0 || f.Stands != "" {
		return
	}
	basis := "from the last runs"
	if !f.Known {
		basis = "a guess: of no node it is known how long it takes"
	} else if n := len(f.Guessed); n > 0 {
		basis += "; " + few(slices.Sorted(slices.Values(f.Guessed)), 6) + " never ran well: guessed"
	}
	if f.Rough {
		basis += "; not looked at to the end"
	}
	p.blank()
	p.wrap(text("it would take "), "about "+about(f.Left)+" ("+basis+")")
}

// against names everything that would refuse a request, not only what does so first: each reason is
// put aside as if it were overridden, to see the next.
func (v *view) against(request states.Request, preview orchestrator.Preview) []string {
	var reasons []string
	asides := []func(){func() { request.Supersede = true }}
	for _, rule := range everyRule {
		asides = append(asides, func() { request.Overrides = append(slices.Clone(request.Overrides), v.every(rule)...) })
	}
	for refused := preview.Refused; refused != ""; {
		if !slices.Contains(reasons, refused) {
			reasons = append(reasons, refused)
		}
		if len(asides) == 0 {
			break
		}
		asides[0]()
		asides = asides[1:]
		refused = v.preview(request).Refused
	}
	return reasons
}

// every spells the overriding of all that a rule of the planner can mean for this cluster.
func (v *view) every(r rule) []string {
	if r.bare {
		return []string{r.kind}
	}
	var said []string
	for _, t := range v.Definition.Value.Transitions {
		for _, required := range t.Requires {
			said = append(said, r.kind+"="+required.Cluster)
		}
	}
	return said
}

// refusedScreen lists everything that would refuse a request.
func refusedScreen(p *page, reasons []string) {
	if len(reasons) == 1 {
		p.wrap(span{"it would be refused: ", red}, reasons[0])
		return
	}
	p.add(span{"it would be refused, because", red})
	for _, reason := range reasons {
		p.wrap(text("  - "), strings.TrimSpace(reason))
	}
}
