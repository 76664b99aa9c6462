package main

import (
	"slices"
	"strings"

	"orch/orchestrator"
	"orch/states"
)

// foretell says how a request would go, by how long runs took last; where it would stand still for
// other clusters, how it goes on once they are where they have to be.
func (v *view) foretell(request states.Request, preview orchestrator.Preview) orchestrator.Foretold {
	request.Queue = false
	if preview.Held != "" {
		request.Overrides = append(slices.Clone(request.Overrides), ruleRequires.kind)
	}
	return orchestrator.Foretell(v.Snapshot, request, orchestrator.Leading{Who: request.By, Epoch: v.desire.Epoch + 1}, v.now)
}

// expected puts on the page how long a move would take, and whether it comes to its end.
func expected(p *page, f orchestrator.Foretold, held string) {
	if f.Left <= 0 || f.Stands != "" && held != "" {
		return
	}
	basis := "from the last runs"
	if !f.Known {
		basis = "a guess: of no node it is known how long it takes"
	} else if n := len(f.Guessed); n > 0 {
		basis += "; " + few(slices.Sorted(slices.Values(f.Guessed)), 6) + " never ran well: guessed"
	}
	if f.Asks {
		basis += "; gates and approvals not counted"
	}
	if f.Rough {
		basis += "; not looked at to the end"
	}
	p.blank()
	switch took := "about " + about(f.Left) + " (" + basis + ")"; {
	case f.Stands != "":
		p.wrap(span{"it would stand still ", yellow}, "after "+took+": "+f.Stands)
	case held != "":
		p.wrap(text("from then on "), took)
	default:
		p.wrap(text("it would take "), took)
	}
}

// against names everything that would refuse a request, not only what does so first: each of the rules
// is asked alone, with all others put aside as if they were overridden.
func (v *view) against(request states.Request, preview orchestrator.Preview) []string {
	reasons := []string{preview.Refused}
	queued := request.Queue
	request.Queue = false
	for only := -2; only < len(everyRule); only++ { // -2: another move; -1: a freeze
		if only == -2 && queued {
			continue
		}
		asked, seen := request, v.Snapshot
		asked.Supersede = request.Supersede || only != -2
		if only != -1 {
			seen.Frozen, seen.Freeze = states.Doc[states.Freeze]{}, states.Doc[states.Freeze]{}
		}
		asked.Overrides = slices.Clone(request.Overrides)
		for i, rule := range everyRule {
			if i != only {
				asked.Overrides = append(asked.Overrides, v.every(rule)...)
			}
		}
		leading := orchestrator.Leading{Who: request.By, Epoch: v.desire.Epoch + 1}
		if refused := orchestrator.Refusal(seen, asked, leading, v.now); refused != "" && !slices.Contains(reasons, refused) {
			reasons = append(reasons, refused)
		}
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
