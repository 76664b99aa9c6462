package hclfile

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"orch/states"
)

// value evaluates an expression. It is not ok where that failed, which is reported, or where it
// hangs on a variable without a value, which was reported there.
func (r *reader) value(e hcl.Expression) (cty.Value, bool) {
	if r.saysArgument(e) {
		return cty.NilVal, false
	}
	v, diags := e.Value(r.ctx)
	r.addHCL(diags)
	switch {
	case diags.HasErrors():
		return cty.NilVal, false
	case !v.IsWhollyKnown():
		r.excuse(e.Range())
		return cty.NilVal, false
	case v.IsNull():
		r.add(e.Range(), "No value", "This is null: leave it out instead.")
		return cty.NilVal, false
	}
	return v, true
}

// saysArgument reports a state's argument where no text for it can be left open.
func (r *reader) saysArgument(e hcl.Expression) bool {
	at, ok := findArgument(e)
	if ok {
		r.add(at, "No argument here", "An argument stands only in a state's attributes and in the url of a gate \"http\".")
	}
	return ok
}

func findArgument(e hcl.Expression) (hcl.Range, bool) {
	for _, traversal := range e.Variables() {
		if traversal.RootName() == "argument" {
			return traversal.SourceRange(), true
		}
	}
	return hcl.Range{}, false
}

// choose goes into the branch that a condition picks, so that the parts of it keep their types
// and their places: HCL by itself turns two lists of different lengths into lists of texts.
func (r *reader) choose(e hcl.Expression) (hcl.Expression, bool) {
	for {
		switch x := e.(type) {
		case *hclsyntax.ParenthesesExpr:
			e = x.Expression
		case *hclsyntax.ConditionalExpr:
			branch, ok := r.branch(x)
			if !ok {
				return nil, false
			}
			e = branch
		default:
			return e, true
		}
	}
}

func (r *reader) branch(x *hclsyntax.ConditionalExpr) (hclsyntax.Expression, bool) {
	v, ok := r.value(x.Condition)
	switch {
	case !ok:
		return nil, false
	case v.Type() != cty.Bool:
		r.add(x.Condition.Range(), "Not true or false", "A condition is true or false; not %s.", spell(v))
		return nil, false
	case v.True():
		return x.TrueResult, true
	}
	return x.FalseResult, true
}

// list gives the elements of a list, each with its place where it was written as such. isList is
// false where it is something else.
func (r *reader) list(e hcl.Expression) (elements []hcl.Expression, isList, ok bool) {
	e, ok = r.choose(e)
	if !ok {
		return nil, false, false
	}
	if tuple, literal := e.(*hclsyntax.TupleConsExpr); literal {
		for _, element := range tuple.Exprs {
			elements = append(elements, element)
		}
		return elements, true, true
	}
	v, ok := r.value(e)
	if !ok || !(v.Type().IsTupleType() || v.Type().IsListType() || v.Type().IsSetType()) {
		return nil, false, ok
	}
	for it := v.ElementIterator(); it.Next(); {
		_, element := it.Element()
		elements = append(elements, hcl.StaticExpr(element, e.Range()))
	}
	return elements, true, true
}

// text reads a text in quotes.
func (r *reader) text(name string, e hcl.Expression) (string, bool) {
	v, ok := r.value(e)
	if !ok {
		return "", false
	}
	if v.Type() != cty.String {
		r.add(e.Range(), "Not a text", "%s takes a text in quotes; not %s.", name, spell(v))
		return "", false
	}
	return v.AsString(), true
}

// filledText reads a text that says something.
func (r *reader) filledText(name string, e hcl.Expression) (string, bool) {
	text, ok := r.text(name, e)
	if ok && strings.TrimSpace(text) == "" {
		r.add(e.Range(), "Empty text", "%s says nothing: leave it out instead, or say it.", name)
		return "", false
	}
	return text, ok
}

// texts reads a list of texts, and the place of each.
func (r *reader) texts(name string, e hcl.Expression) (texts []string, places []hcl.Range) {
	elements, isList, ok := r.list(e)
	if ok && !isList {
		r.add(e.Range(), "Not a list", "%s takes a list of texts, as in [\"a\", \"b\"].", name)
	}
	for _, element := range elements {
		if text, ok := r.text(name, element); ok {
			texts, places = append(texts, text), append(places, element.Range())
		}
	}
	return texts, places
}

func (r *reader) flag(name string, e hcl.Expression) (bool, bool) {
	v, ok := r.value(e)
	if !ok {
		return false, false
	}
	if v.Type() != cty.Bool {
		r.add(e.Range(), "Not true or false", "%s is true or false; not %s.", name, spell(v))
		return false, false
	}
	return v.True(), true
}

// count reads a whole number, 0 or more.
func (r *reader) count(name string, e hcl.Expression) (int, bool) {
	v, ok := r.value(e)
	if !ok {
		return 0, false
	}
	size, err := parseSize(v, 0)
	if _, inQuotes := e.(*hclsyntax.TemplateExpr); inQuotes || err != nil || size.Percent {
		r.add(e.Range(), "Not a whole number", "%s takes a whole number, 0 or more; not %s.", name, spell(v))
		return 0, false
	}
	return size.Count, true
}

func (r *reader) duration(name string, e hcl.Expression) (states.Duration, bool) {
	text, ok := r.durationText(name, e)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		r.add(e.Range(), "Not a duration", "%s takes for example \"90s\", \"15m\" or \"1h30m\"; not %q.", name, text)
	case d < 0:
		r.add(e.Range(), "Out of range", "%s takes 0s or more; not %q.", name, text)
	case d > states.MaxDuration.D():
		r.add(e.Range(), "Out of range", "%s takes %s at most, which is ten years; not %q.", name, states.MaxDuration, text)
	}
	return states.Duration(d), err == nil && d >= 0 && d <= states.MaxDuration.D()
}

func (r *reader) durationText(name string, e hcl.Expression) (string, bool) {
	v, ok := r.value(e)
	if !ok {
		return "", false
	}
	if v.Type() != cty.String {
		r.add(e.Range(), "Not a duration", "%s takes for example \"90s\", \"15m\" or \"1h30m\"; not %s.", name, spell(v))
		return "", false
	}
	return v.AsString(), true
}

// someTime reads a duration above 0.
func (r *reader) someTime(name string, e hcl.Expression) (states.Duration, bool) {
	d, ok := r.duration(name, e)
	if ok && d == 0 {
		r.add(e.Range(), "Out of range", "%s takes more than 0s.", name)
	}
	return d, ok && d > 0
}

// word reads one of a few words.
func (r *reader) word(words ...string) func(string, hcl.Expression) (string, bool) {
	return func(name string, e hcl.Expression) (string, bool) {
		text, ok := r.text(name, e)
		if ok && !slices.Contains(words, text) {
			r.add(e.Range(), "Unknown value", "%s is one of %s; not %q.", name, strings.Join(words, ", "), text)
			return "", false
		}
		return text, ok
	}
}

// spell writes a value as a file would, shortly.
func spell(v cty.Value) string {
	switch {
	case v.IsNull():
		return "null"
	case v.Type() == cty.String:
		return quote(v.AsString())
	case v.Type() == cty.Number:
		return number(v.AsBigFloat())
	case v.Type() == cty.Bool && v.True():
		return "true"
	case v.Type() == cty.Bool:
		return "false"
	case v.Type().IsObjectType() || v.Type().IsMapType():
		return "a map"
	}
	return "a list"
}

func number(n *big.Float) string {
	if text := n.Text('f', -1); len(text) <= 24 {
		return text
	}
	return n.Text('g', 6)
}
