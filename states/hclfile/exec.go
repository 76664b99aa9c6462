package hclfile

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Exec is a command that converges a node.
type Exec struct {
	Command []Arg
}

// Arg is one whole argument of a command: a text, or what is put in its place.
type Arg struct {
	Text string
	Hole Hole
}

// Hole names what an argument is filled with before a run.
type Hole string

// The holes of a command.
const (
	NoHole       Hole = ""
	StateHole    Hole = "state"
	ArgumentHole Hole = "argument"
)

// Fill gives the arguments for a run. An argument that a state does not take is an empty one: the
// ones behind it keep their places.
func (e Exec) Fill(state, argument string) []string {
	var filled []string
	for _, arg := range e.Command {
		switch arg.Hole {
		case StateHole:
			filled = append(filled, state)
		case ArgumentHole:
			filled = append(filled, argument)
		default:
			filled = append(filled, arg.Text)
		}
	}
	return filled
}

func (a *agentReader) exec(block *hcl.Block) *Exec {
	b := a.open(block, execGrammar)
	a.refuse(b, "timeout", "env")
	if !a.need(b, "command") {
		return nil
	}
	return &Exec{Command: a.command(b.attrs["command"])}
}

// command reads the arguments of a command, the program first.
func (a *agentReader) command(attr *hcl.Attribute) (command []Arg) {
	elements, isList, ok := a.list(attr.Expr)
	if ok && (!isList || len(elements) == 0) {
		a.add(attr.Range, "Not a command", "command takes a list, one text for each argument, as in [\"/usr/local/sbin/converge\", \"${state}\"].")
		return nil
	}
	for _, element := range elements {
		if arg, ok := a.arg(element); ok {
			command = append(command, arg)
		}
	}
	if len(command) > 0 && len(command) == len(elements) {
		a.program(command[0], elements[0])
	}
	return command
}

// program refuses a command whose program would be chosen in Consul.
func (a *agentReader) program(first Arg, e hcl.Expression) {
	if first.Hole != NoHole || first.Text == "" {
		a.add(e.Range(), "Not a program", "The first argument is the program, and only this file names it: write its path.")
	}
}

// arg reads one argument. A hole fills it alone: joined to a text it could become an option or a
// path that nobody thought of.
func (a *agentReader) arg(e hcl.Expression) (Arg, bool) {
	if wrap, ok := e.(*hclsyntax.TemplateWrapExpr); ok {
		if x, ok := wrap.Wrapped.(*hclsyntax.ScopeTraversalExpr); ok && len(x.Traversal) == 1 {
			hole := Hole(x.Traversal.RootName())
			if slices.Contains([]Hole{StateHole, ArgumentHole}, hole) {
				return Arg{Hole: hole}, true
			}
		}
	}
	if variables := e.Variables(); len(variables) > 0 {
		a.add(variables[0].SourceRange(), "Not a whole argument",
			"Only \"${state}\" and \"${argument}\" are known here, each as an argument by itself; the environment has ORCH_STATE, ORCH_ARGUMENT and more.")
		return Arg{}, false
	}
	text, ok := a.text("command", e)
	return Arg{Text: text}, ok
}
