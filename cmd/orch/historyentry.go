package main

import (
	"fmt"
	"slices"

	"orch/states"
)

// details puts on the page what else an entry knows.
func details(p *page, e states.Entry) {
	put := func(name, value string) {
		if value != "" {
			p.wrap(span{"      " + name + ": ", dim}, value)
		}
	}
	put("led by", fmt.Sprintf("%s, epoch %d", e.Leader, e.Epoch))
	put("asked by", e.By)
	put("accessor", e.Accessor)
	put("reason", e.Why)
	put("overrides", few(e.Overrides, 20))
	put("request", asked(e))
	put("plan", e.Plan)
	if e.StatusBefore != e.Status {
		put("transition", first(e.StatusBefore, "none")+" -> "+e.Status)
	}
	put("nodes", few(e.Nodes, 100))
	var orders []string
	for node, run := range e.Orders {
		orders = append(orders, node+"="+run)
	}
	slices.Sort(orders)
	put("orders", few(orders, 100))
	if e.From != 0 {
		put("begins", fmt.Sprintf("with entry %d; what only older ones told is restated, of %s", e.From, states.Count(len(e.Restated), "key")))
	}
	if e.Desired != nil {
		put("desired", e.Desired.Summary)
		p.differ(spelledOut(e.Before), spelledOut(e.Desired))
	}
	defined(p, e, put)
}

// asked is the request that an entry answers: its id and its kind.
func asked(e states.Entry) string {
	id := e.Request
	if id == "" && e.Answer != nil { // of an older version
		id = e.Answer.Request
	}
	if e.Kind != "" {
		id += ", " + e.Kind
	}
	return id
}

// defined puts what became of the definition on the page.
func defined(p *page, e states.Entry, put func(name, value string)) {
	switch {
	case e.Definition == "":
	case e.Text == "":
		put("definition", digests(e)+"; it is too long for the journal to keep")
	default:
		put("definition", digests(e))
		p.differ(e.TextBefore, e.Text)
	}
}

func digests(e states.Entry) string {
	if e.DefinitionBefore == "" {
		return e.Definition
	}
	return e.DefinitionBefore + " -> " + e.Definition
}
