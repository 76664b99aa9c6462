package hclfile

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"orch/states"
)

// built is a definition as far as it could be read.
type built struct {
	*reader
	cluster states.Cluster
	whole   bool // nothing of it is missing because of a mistake elsewhere
}

// cluster reads one cluster: its template's words, then its own.
func (f *fileSet) cluster(block *hcl.Block) *built {
	name := block.Labels[0]
	c := &built{newReader(f.report, f.scope(cty.StringVal(name))), states.Cluster{Name: name}, true}
	c.place("name", block.DefRange)
	own := f.open(block, clusterGrammar)
	shape := c.template(f, own)
	c.shape(f, shape, own)
	for i, w := range f.windows {
		c.cluster.Windows = append(c.cluster.Windows, c.window(w, states.Place("window").Sub(i)))
	}
	return c
}

// shape puts together what the template and the cluster say. States add up; of the transitions
// into one state the cluster's own replace the template's; policies are laid over each other.
func (c *built) shape(f *fileSet, shape, own body) {
	around := []hcl.Attributes{f.policyOf(f.body()), f.policyOf(shape), f.policyOf(own)}
	mine := own.all("transition")
	theirs := slices.DeleteFunc(shape.all("transition"), func(t *hcl.Block) bool {
		return slices.ContainsFunc(mine, func(m *hcl.Block) bool { return m.Labels[0] == t.Labels[0] })
	})
	for _, b := range []body{shape, own} {
		set(c.reader, b, "description", &c.cluster.Description, c.text)
		if initial := b.attrs["initial"]; initial != nil {
			c.place("initial", initial.Range)
			set(c.reader, b, "initial", &c.cluster.Initial, c.text)
		}
		for _, s := range b.all("state") {
			c.state(s)
		}
	}
	for _, t := range append(theirs, mine...) {
		at := states.Place("transition").Sub(len(c.cluster.Transitions))
		c.cluster.Transitions = append(c.cluster.Transitions, c.transition(t, at, around))
	}
}

// policyOf gives the attributes of the policy block in a body.
func (r *report) policyOf(b body) hcl.Attributes {
	block := r.one(b, "policy")
	if block == nil {
		return nil
	}
	return r.open(block, policyGrammar).attrs
}

// template finds and opens the template that a cluster names.
func (c *built) template(f *fileSet, own body) body {
	attr := own.attrs["template"]
	if attr == nil {
		return body{}
	}
	name, ok := c.text("template", attr.Expr)
	if !ok || f.broken("template", name) {
		c.whole = false
		return body{}
	}
	block := named(f.templates, name)
	if block == nil {
		c.whole = false
		c.add(attr.Range, "Unknown template", "No template %q in these files.%s", name, suggest(name, labels(f.templates)))
		return body{}
	}
	f.used[name] = true
	return f.open(block, templateGrammar)
}

func (c *built) state(block *hcl.Block) {
	b := c.open(block, stateGrammar)
	at := states.Place("state").Sub(len(c.cluster.States))
	c.place(at, block.DefRange)
	state := states.StateDef{Name: block.Labels[0], Serving: true}
	set(c.reader, b, "description", &state.Description, c.text)
	set(c.reader, b, "serving", &state.Serving, c.flag)
	if argument := c.one(b, "argument"); argument != nil {
		state.Argument = c.argument(argument, at.Sub("argument"))
	}
	if attr := b.attrs["attributes"]; attr != nil {
		state.Attributes = c.attributes(at.Sub("attribute"), attr)
	}
	c.cluster.States = append(c.cluster.States, state)
}

func (c *built) argument(block *hcl.Block, at states.Place) *states.Argument {
	b := c.open(block, argumentGrammar)
	c.place(at, block.DefRange)
	argument := &states.Argument{}
	set(c.reader, b, "description", &argument.Description, c.text)
	if pattern := b.attrs["pattern"]; pattern != nil {
		c.place(at.Sub("pattern"), pattern.Range)
		set(c.reader, b, "pattern", &argument.Pattern, c.text)
	}
	return argument
}

// unusedTemplate looks at a template that no cluster names: it may still hold mistakes of its own.
func (f *fileSet) unusedTemplate(block *hcl.Block) {
	c := &built{reader: newReader(f.report, f.scope(cty.UnknownVal(cty.String)))}
	c.place("name", block.DefRange)
	c.shape(f, f.open(block, templateGrammar), body{})
	for i, s := range c.cluster.States {
		problems := s.Check()
		for n := range problems {
			problems[n].At = states.Place("state").Sub(i, problems[n].At)
		}
		c.problems(problems)
	}
}

func named(blocks []*hcl.Block, name string) *hcl.Block {
	for _, block := range blocks {
		if block.Labels[0] == name {
			return block
		}
	}
	return nil
}

func labels(blocks []*hcl.Block) []string {
	var names []string
	for _, block := range blocks {
		names = append(names, block.Labels[0])
	}
	return names
}
