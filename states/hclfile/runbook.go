package hclfile

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"orch/states"
)

// builtRunbook is a runbook as far as it could be read.
type builtRunbook struct {
	*reader
	runbook states.Runbook
}

func (f *fileSet) runbook(block *hcl.Block) *builtRunbook {
	scope := f.scope(f.values)
	delete(scope, "cluster") // it is about many
	r := &builtRunbook{newReader(f.report, scope), states.Runbook{Name: block.Labels[0]}}
	r.place("name", block.DefRange)
	b := f.open(block, runbookGrammar)
	set(r.reader, b, "description", &r.runbook.Description, r.text)
	for i, input := range b.all("input") {
		r.runbook.Inputs = append(r.runbook.Inputs, r.input(input, states.Place("input").Sub(i)))
	}
	for i, step := range b.all("step") {
		r.runbook.Steps = append(r.runbook.Steps, r.step(step, states.Place("step").Sub(i)))
	}
	return r
}

func (r *builtRunbook) input(block *hcl.Block, at states.Place) states.Input {
	b := r.open(block, inputGrammar)
	r.place(at, block.DefRange)
	input := states.Input{Name: block.Labels[0]}
	set(r.reader, b, "description", &input.Description, r.text)
	if pattern := b.attrs["pattern"]; pattern != nil {
		r.place(at.Sub("pattern"), pattern.Range)
		set(r.reader, b, "pattern", &input.Pattern, r.text)
	}
	return input
}

func (r *builtRunbook) step(block *hcl.Block, at states.Place) states.Step {
	b := r.open(block, stepGrammar)
	r.place(at, block.DefRange)
	step := states.Step{Name: block.Labels[0]}
	for _, name := range []string{"state", "argument", "lockstep"} {
		if attr := b.attrs[name]; attr != nil {
			r.place(at.Sub(name), attr.Range)
		}
	}
	step.After = r.names(b, "after", at)
	step.Clusters = r.names(b, "clusters", at)
	set(r.reader, b, "state", &step.State, r.filledText)
	set(r.reader, b, "argument", &step.Argument, r.given)
	set(r.reader, b, "lockstep", &step.Lockstep, r.flag)
	set(r.reader, b, "approve", &step.Approve, r.filledText)
	set(r.reader, b, "undo", &step.Undo, r.word(states.UndoNever))
	if once := r.one(b, "once"); once != nil {
		step.Once = r.once(once, at.Sub("once"))
	}
	for _, attr := range b.attrs {
		if r.spoiled(attr.Range) {
			r.excuse(block.DefRange) // what the step does is not known
			r.excuse(r.where(at.Sub("state")))
		}
	}
	return step
}

func (r *builtRunbook) names(b body, name string, at states.Place) []string {
	attr := b.attrs[name]
	if attr == nil {
		return nil
	}
	texts, places := r.texts(name, attr.Expr)
	r.placeAll(at.Sub(name), places)
	return texts
}

func (r *builtRunbook) once(block *hcl.Block, at states.Place) *states.Once {
	b := r.open(block, onceGrammar)
	r.place(at, block.DefRange)
	once := &states.Once{}
	for _, name := range []string{"cluster", "argument"} {
		if attr := b.attrs[name]; attr != nil {
			r.place(at.Sub(name), attr.Range)
		}
	}
	if !r.need(b, "cluster", "action") {
		r.excuse(block.DefRange)
	}
	set(r.reader, b, "cluster", &once.Cluster, r.filledText)
	set(r.reader, b, "action", &once.Action, r.filledText)
	set(r.reader, b, "argument", &once.Argument, r.given)
	return once
}

// given reads a value that may be an input's: its name is kept, since the value is given when the
// runbook is run.
func (r *builtRunbook) given(name string, e hcl.Expression) (states.Value, bool) {
	e, ok := r.choose(e)
	if !ok {
		return states.Value{}, false
	}
	if x, ok := e.(*hclsyntax.ScopeTraversalExpr); ok && x.Traversal.RootName() == "input" && len(x.Traversal) == 2 {
		if attr, ok := x.Traversal[1].(hcl.TraverseAttr); ok {
			return states.Value{Input: attr.Name}, true
		}
	}
	for _, traversal := range e.Variables() {
		if traversal.RootName() == "input" {
			r.add(traversal.SourceRange(), "Input in an expression", "An input is known only when the runbook is run: write it as input.NAME, by itself.")
			return states.Value{}, false
		}
	}
	text, ok := r.filledText(name, e)
	return states.Value{Text: text}, ok
}
