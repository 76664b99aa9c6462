package hclfile

import (
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"orch/states"
)

// The built-in values of what is not part of a policy.
const (
	gateTimeout = states.Duration(time.Minute)
	gateScope   = "batch"
	gateAt      = "batch"
)

// transition reads a move into one state. The policies are those around it, the farthest first.
func (r *reader) transition(block *hcl.Block, at states.Place, around []hcl.Attributes) states.Transition {
	b := r.open(block, transitionGrammar)
	r.place(at, block.DefRange)
	t := states.Transition{To: block.Labels[0], Policy: states.BuiltIn()}
	if from := b.attrs["from"]; from != nil {
		r.place(at.Sub("from"), from.Range)
		var places []hcl.Range
		t.From, places = r.texts("from", from.Expr)
		r.placeAll(at.Sub("from"), places)
	}
	for _, attrs := range append(slices.Clone(around), b.attrs) {
		r.policy(&t.Policy, attrs, at)
	}
	for _, requires := range b.all("requires") {
		t.Requires = append(t.Requires, r.requirement(requires, at.Sub("requires", len(t.Requires))))
	}
	for _, gate := range b.all("gate") {
		t.Gates = append(t.Gates, r.gate(gate, at.Sub("gate", len(t.Gates))))
	}
	for _, drain := range b.all("drain") {
		t.Drains = append(t.Drains, r.drain(drain, at.Sub("drain", len(t.Drains))))
	}
	t.Primary = r.primary(b, at.Sub("primary"))
	t.Rollback = r.rollback(b, at.Sub("rollback"), t.Policy)
	return t
}

func (r *reader) placeAll(at states.Place, places []hcl.Range) {
	for i, place := range places {
		r.place(at.Sub(i), place)
	}
}

func (r *reader) requirement(block *hcl.Block, at states.Place) states.Requirement {
	b := r.open(block, requiresGrammar)
	r.place(at, block.DefRange)
	required := states.Requirement{Cluster: block.Labels[0]}
	set(r, b, "wait", &required.Wait, r.duration)
	attr := b.attrs["states"]
	if attr == nil {
		return required
	}
	r.place(at.Sub("states"), attr.Range)
	texts, places := r.texts("states", attr.Expr)
	for i, text := range texts {
		ref, err := states.ParseRef(text)
		if err != nil {
			r.add(places[i], "Not a state", "Write a state, and its argument where it takes one, like \"version 42\"; not %q.", text)
			continue
		}
		r.place(at.Sub("states", len(required.States)), places[i])
		required.States = append(required.States, ref)
	}
	return required
}

func (r *reader) gate(block *hcl.Block, at states.Place) states.Gate {
	gate := states.Gate{Kind: block.Labels[0], Name: block.Labels[1], Timeout: gateTimeout}
	r.place(at.Sub("kind"), block.LabelRanges[0])
	r.place(at, block.LabelRanges[1])
	schema := gateGrammars[gate.Kind]
	if schema == nil {
		return gate // what may stand in it nobody knows
	}
	b := r.open(block, schema)
	set(r, b, "timeout", &gate.Timeout, r.someTime)
	set(r, b, "dry_run", &gate.DryRun, r.flag)
	switch gate.Kind {
	case "consul_check":
		r.consulCheck(b, &gate, at)
	case "http":
		r.url(b, &gate, at.Sub("url"))
	}
	return gate
}

func (r *reader) consulCheck(b body, gate *states.Gate, at states.Place) {
	gate.Scope, gate.At = gateScope, gateAt
	set(r, b, "service", &gate.Service, r.filledText)
	set(r, b, "scope", &gate.Scope, r.word("batch", "service"))
	set(r, b, "at", &gate.At, r.word("start", "batch"))
	set(r, b, "passing_for", &gate.PassingFor, r.duration)
	if checks := b.attrs["checks"]; checks != nil {
		gate.Checks, _ = r.texts("checks", checks.Expr)
	}
	for _, name := range []string{"service", "checks"} {
		if attr := b.attrs[name]; attr != nil && r.spoiled(attr.Range) {
			r.excuse(r.where(at))
		}
	}
}

func (r *reader) url(b body, gate *states.Gate, at states.Place) {
	gate.URL = states.Template{""}
	if !r.need(b, "url") {
		r.place(at, b.head)
		return
	}
	url := b.attrs["url"]
	r.place(at, url.Range)
	if template, ok := r.template("url", url.Expr); ok {
		gate.URL = template
	}
}

func (r *reader) drain(block *hcl.Block, at states.Place) states.Drain {
	b := r.open(block, drainGrammar)
	r.place(at, block.DefRange)
	drain := states.Drain{Service: block.Labels[0]}
	set(r, b, "wait", &drain.Wait, r.duration)
	return drain
}

func (r *reader) primary(b body, at states.Place) *states.Primary {
	block := r.one(b, "primary")
	if block == nil {
		return nil
	}
	inner := r.open(block, primaryGrammar)
	r.place(at, block.DefRange)
	primary := &states.Primary{}
	set(r, inner, "lock", &primary.Lock, r.filledText)
	set(r, inner, "service", &primary.Service, r.filledText)
	set(r, inner, "tag", &primary.Tag, r.filledText)
	for _, attr := range inner.attrs {
		if r.spoiled(attr.Range) {
			r.excuse(block.DefRange)
		}
	}
	return primary
}

// rollback reads what is different on the way back: it inherits from the way forward.
func (r *reader) rollback(b body, at states.Place, forward states.Policy) *states.Policy {
	block := r.one(b, "rollback")
	if block == nil {
		return nil
	}
	inner := r.open(block, policyGrammar)
	r.place(at, block.DefRange)
	back := forward
	r.policy(&back, inner.attrs, at)
	return &back
}
