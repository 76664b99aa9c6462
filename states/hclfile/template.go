package hclfile

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"orch/states"
)

// template reads a text in which ${argument} stays a hole. A hole is a part of a text and nothing
// else: what depends on the argument in another way cannot be known before somebody types it.
func (r *reader) template(name string, e hcl.Expression) (states.Template, bool) {
	switch x := e.(type) {
	case *hclsyntax.TemplateWrapExpr:
		return r.parts(name, []hclsyntax.Expression{x.Wrapped})
	case *hclsyntax.TemplateExpr:
		return r.parts(name, x.Parts)
	case *hclsyntax.ParenthesesExpr:
		return r.template(name, x.Expression)
	case *hclsyntax.ConditionalExpr:
		if r.computesArgument(x.Condition) {
			return nil, false
		}
		branch, ok := r.branch(x)
		if !ok {
			return nil, false
		}
		return r.template(name, branch)
	}
	return r.plain(name, e)
}

// computesArgument reports an expression that would need the argument to be worked out.
func (r *reader) computesArgument(e hcl.Expression) bool {
	at, ok := findArgument(e)
	if ok {
		r.add(at, "Argument in an expression", "The argument is known only when someone types it: write it as \"…${argument}…\", by itself.")
	}
	return ok
}

// plain reads a text without holes.
func (r *reader) plain(name string, e hcl.Expression) (states.Template, bool) {
	if r.computesArgument(e) {
		return nil, false
	}
	v, ok := r.value(e)
	if !ok {
		return nil, false
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil {
		r.add(e.Range(), "Not a text", "%s takes a text in quotes; not %s.", name, spell(v))
		return nil, false
	}
	return states.Template{text.AsString()}, true
}

func (r *reader) parts(name string, parts []hclsyntax.Expression) (states.Template, bool) {
	whole, sound := states.Template{""}, true
	for _, part := range parts {
		piece, ok := states.Template{"", ""}, true
		if !isArgument(part) {
			piece, ok = r.template(name, part)
		}
		if !ok {
			sound = false
			continue
		}
		whole = join(whole, piece)
	}
	return whole, sound
}

func isArgument(e hclsyntax.Expression) bool {
	traversal, ok := e.(*hclsyntax.ScopeTraversalExpr)
	return ok && len(traversal.Traversal) == 1 && traversal.Traversal.RootName() == "argument"
}

// join puts one template behind another. The seam is normalized as HCL normalizes a text, so that
// what is rendered as one text reads back the same.
func join(a, b states.Template) states.Template {
	seam := cty.NormalizeString(a[len(a)-1] + b[0])
	whole := append(states.Template{}, a[:len(a)-1]...)
	return append(append(whole, seam), b[1:]...)
}

// attributes reads a map of texts with holes, and remembers the place of each.
func (r *reader) attributes(at states.Place, attr *hcl.Attribute) map[string]states.Template {
	r.place(at, attr.Range)
	e, ok := r.choose(attr.Expr)
	if !ok {
		return nil
	}
	attributes := map[string]states.Template{}
	for _, item := range r.items(attr.Name, e) {
		key, ok := r.filledText("a key of "+attr.Name, item.KeyExpr)
		if !ok {
			continue
		}
		if _, twice := attributes[key]; twice {
			r.add(item.KeyExpr.Range(), "Duplicate attribute", "%q is there already.", key)
		}
		r.place(at.Sub(key), item.ValueExpr.Range())
		if template, ok := r.template(key, item.ValueExpr); ok {
			attributes[key] = template
		}
	}
	if len(attributes) == 0 {
		return nil
	}
	return attributes
}

// items gives the keys and values of a map, written out or not.
func (r *reader) items(name string, e hcl.Expression) []hclsyntax.ObjectConsItem {
	if object, ok := e.(*hclsyntax.ObjectConsExpr); ok {
		return object.Items
	}
	v, ok := r.value(e)
	if !ok {
		return nil
	}
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		r.add(e.Range(), "Not a map", "%s takes a map of texts, as in { a = \"b\" }.", name)
		return nil
	}
	var items []hclsyntax.ObjectConsItem
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		items = append(items, hclsyntax.ObjectConsItem{KeyExpr: literal(key, e), ValueExpr: literal(value, e)})
	}
	return items
}

func literal(v cty.Value, at hcl.Expression) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: at.Range()}
}
