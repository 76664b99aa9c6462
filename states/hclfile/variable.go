package hclfile

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"orch/states"
)

// variable is a declared variable.
type variable struct {
	name     string
	at       hcl.Range
	fallback cty.Value // NilVal: there is none
	oneOf    []cty.Value
}

// variables resolves what var.x stands for.
func (f *fileSet) variables(o Options) {
	r := newReader(f.report, nil)
	values := map[string]cty.Value{}
	for _, b := range f.brokenOnes {
		if b.Type == "variable" {
			values[b.Labels[0]] = cty.DynamicVal
		}
	}
	given := f.varFiles(o.VarFiles)
	for _, block := range f.vars {
		v := r.variable(block)
		values[v.name] = f.resolve(v, o, given)
	}
	if len(values) > 0 {
		f.values = cty.ObjectVal(values)
	}
	for name := range o.Vars {
		if named(f.vars, name) == nil && !f.broken("variable", name) {
			f.addAnywhere("Unknown variable", "--var %s: no variable %q in these files.%s", name, name, suggest(name, labels(f.vars)))
		}
	}
}

func (r *reader) variable(block *hcl.Block) variable {
	b := r.open(block, variableGrammar)
	v := variable{name: block.Labels[0], at: block.DefRange, fallback: cty.NilVal}
	if !states.ValidState(v.name) {
		r.add(block.DefRange, "Bad name", "A variable's name is small letters, digits and underscores, starting with a letter, 63 at most.")
	}
	var description string
	set(r, b, "description", &description, r.text)
	if attr := b.attrs["default"]; attr != nil {
		v.fallback = cty.DynamicVal
		set(r, b, "default", &v.fallback, func(_ string, e hcl.Expression) (cty.Value, bool) { return r.value(e) })
	}
	if attr := b.attrs["one_of"]; attr != nil {
		elements, isList, ok := r.list(attr.Expr)
		if ok && !isList {
			r.add(attr.Expr.Range(), "Not a list", "one_of takes a list of values, as in [\"a\", \"b\"].")
		}
		for _, element := range elements {
			if value, ok := r.value(element); ok {
				v.oneOf = append(v.oneOf, value)
			}
		}
	}
	return v
}

// resolve finds the value of a variable: --var, then --var-file, then the environment, then the
// default. Where nothing says anything it stays unknown, so that nothing else is blamed for it.
func (f *fileSet) resolve(v variable, o Options, given map[string]*hcl.Attribute) cty.Value {
	value, at, from := v.fallback, v.at, "its default"
	if text, ok := o.Env[v.name]; ok {
		value, from = f.typed(v, text, "ORCH_VAR_"+v.name), "ORCH_VAR_"+v.name
	}
	if attr := given[v.name]; attr != nil {
		value, at, from = cty.DynamicVal, attr.Range, "this"
		if known, ok := newReader(f.report, nil).value(attr.Expr); ok {
			value = known
		}
	}
	if text, ok := o.Vars[v.name]; ok {
		value, at, from = f.typed(v, text, "--var "+v.name), v.at, "--var "+v.name
	}
	if value == cty.NilVal {
		f.add(v.at, "Variable without a value", "Give it a default, or --var %s=VALUE, or ORCH_VAR_%s.", v.name, v.name)
		return cty.DynamicVal
	}
	if !v.allows(value) {
		f.add(at, "Unknown value", "%s is one of %s; %s is %s.", v.name, v.choices(), from, spell(value))
		return cty.DynamicVal
	}
	return value
}

// typed reads a value from a command line or an environment. It is a text, unless the variable's
// default or its choices are of another type: then it is written as in a file.
func (f *fileSet) typed(v variable, text, from string) cty.Value {
	if !utf8.ValidString(text) { // it would become another text
		f.add(v.at, "Not UTF-8", "%s gives %q: write it in UTF-8.", from, text)
		return cty.DynamicVal
	}
	like := v.fallback
	if like == cty.NilVal && len(v.oneOf) > 0 {
		like = v.oneOf[0]
	}
	if like == cty.NilVal || !like.IsKnown() || like.Type() == cty.String {
		return cty.StringVal(text)
	}
	if _, problem := bounded(from, []byte(text)); problem != "" {
		f.add(v.at, "Too much to read", "Of %s: %s", from, problem)
		return cty.DynamicVal
	}
	e, diags := hclsyntax.ParseExpression([]byte(text), from, hcl.InitialPos)
	if !diags.HasErrors() {
		value, diags := e.Value(nil)
		if !diags.HasErrors() && !value.IsNull() && sameKind(value, like) {
			return value
		}
	}
	f.add(v.at, "Value of another type", "%s gives %q, and its default is %s: write it as in a file.", from, text, spell(like))
	return cty.DynamicVal
}

func sameKind(a, b cty.Value) bool {
	primitive := a.Type().IsPrimitiveType()
	return primitive == b.Type().IsPrimitiveType() && (!primitive || a.Type() == b.Type())
}

func (v variable) allows(value cty.Value) bool {
	if len(v.oneOf) == 0 || !value.IsWhollyKnown() {
		return true
	}
	return slices.ContainsFunc(v.oneOf, func(choice cty.Value) bool {
		same, err := convert.Convert(value, choice.Type())
		return err == nil && same.RawEquals(choice)
	})
}

func (v variable) choices() string {
	var texts []string
	for _, choice := range v.oneOf {
		texts = append(texts, bare(choice))
	}
	return strings.Join(texts, ", ")
}

// varFiles reads files of values: attributes, and nothing to compute.
func (f *fileSet) varFiles(paths []string) map[string]*hcl.Attribute {
	given := map[string]*hcl.Attribute{}
	for _, path := range paths {
		for _, text := range f.readOne(path) {
			for _, b := range f.parse(text).bodies {
				attrs, diags := b.JustAttributes()
				f.addHCL(diags)
				maps.Copy(given, attrs)
			}
		}
	}
	for name, attr := range given {
		if named(f.vars, name) == nil && !f.broken("variable", name) {
			f.add(attr.Range, "Unknown variable", "No variable %q in these files.%s", name, suggest(name, labels(f.vars)))
		}
	}
	return given
}
