package hclfile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"orch/states"
)

// Parse reads a cluster's definition back, as Render wrote it: one cluster, and nothing to resolve.
// It refuses what it does not know, since a newer writer may have meant something by it. Settings
// that nothing acts on pass: whoever moves a cluster asks states.NotYet.
func Parse(text string) (states.Cluster, error) {
	r := newReport()
	f := r.collect([]Source{{"definition", []byte(text)}}, renderedClusterGrammar)
	r.resolved()
	if len(f.clusters) != 1 || len(r.found) > 0 {
		return states.Cluster{}, unreadable(r, "cluster", len(f.clusters))
	}
	c := f.cluster(f.clusters[0])
	c.problems(c.cluster.Check(nil))
	if err := r.done().Err(); err != nil {
		return states.Cluster{}, fmt.Errorf("read definition of cluster %q: %w", c.cluster.Name, err)
	}
	return c.cluster, nil
}

// ParseRunbook reads a runbook's definition back, as RenderRunbook wrote it.
func ParseRunbook(text string) (states.Runbook, error) {
	r := newReport()
	f := r.collect([]Source{{"definition", []byte(text)}}, renderedRunbookGrammar)
	r.resolved()
	if len(f.runbooks) != 1 || len(r.found) > 0 {
		return states.Runbook{}, unreadable(r, "runbook", len(f.runbooks))
	}
	b := f.runbook(f.runbooks[0])
	b.problems(b.runbook.Check(nil))
	if err := r.done().Err(); err != nil {
		return states.Runbook{}, fmt.Errorf("read definition of runbook %q: %w", b.runbook.Name, err)
	}
	return b.runbook, nil
}

// resolved refuses what Render never writes: something that is still to be worked out. It would
// mean another thing to another reader, and could cost it any amount of time.
func (r *report) resolved() {
	for _, source := range r.sources {
		for _, body := range source.bodies {
			_ = hclsyntax.VisitAll(body.(*hclsyntax.Body), func(node hclsyntax.Node) hcl.Diagnostics {
				if !plainNode(node) {
					r.add(node.Range(), "Not resolved", "A definition in Consul holds values only: apply its files again.")
				}
				return nil
			})
		}
	}
}

func plainNode(node hclsyntax.Node) bool {
	switch x := node.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return x.Traversal.RootName() == "argument" || x.Traversal.RootName() == "input"
	case *hclsyntax.LiteralValueExpr, *hclsyntax.TemplateExpr, *hclsyntax.TemplateWrapExpr,
		*hclsyntax.TupleConsExpr, *hclsyntax.ObjectConsExpr, *hclsyntax.ObjectConsKeyExpr:
		return true
	}
	_, computed := node.(hclsyntax.Expression)
	return !computed
}

func unreadable(r *report, kind string, n int) error {
	if err := r.done().Err(); err != nil {
		return fmt.Errorf("read definition: %w", err)
	}
	return fmt.Errorf("read definition: it holds %s, and one is expected", states.Count(n, kind))
}

// Format lays a file out as `orch fmt` does. A file with a syntax error comes back as it was, with
// the mistakes. The name is for messages.
func Format(name string, text []byte) ([]byte, Diagnostics) {
	r := newReport()
	if !r.bound(name, text) {
		return text, r.done()
	}
	_, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	if diags.HasErrors() {
		r.parse(Source{name, text})
		return text, r.done()
	}
	return hclwrite.Format(text), nil
}
