package hclfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"orch/states"
)

// reader turns blocks into one definition, and remembers where each part of it was written.
type reader struct {
	*report
	ctx    *hcl.EvalContext
	places map[states.Place]hcl.Range
}

func newReader(r *report, variables map[string]cty.Value) *reader {
	return &reader{r, &hcl.EvalContext{Variables: variables}, map[states.Place]hcl.Range{}}
}

// body is what a block holds, after the grammar was asked.
type body struct {
	attrs  hcl.Attributes
	blocks hcl.Blocks
	head   hcl.Range // of the block around it, for what is missing
}

// open asks the grammar what may stand in a block.
func (r *report) open(block *hcl.Block, schema *hcl.BodySchema) body {
	content, diags := block.Body.Content(schema)
	r.addHCL(diags)
	return body{content.Attributes, content.Blocks, block.DefRange}
}

// all gives the blocks of one kind.
func (b body) all(kind string) []*hcl.Block {
	return slices.DeleteFunc(slices.Clone(b.blocks), func(block *hcl.Block) bool { return block.Type != kind })
}

// one gives the only block of a kind, nil where there is none; a second one is a mistake.
func (r *report) one(b body, kind string) *hcl.Block {
	blocks := b.all(kind)
	if len(blocks) == 0 {
		return nil
	}
	for _, second := range blocks[1:] {
		r.add(second.DefRange, "Duplicate "+kind, "There is one already, at %s.", blocks[0].DefRange)
	}
	return blocks[0]
}

// need reports attributes that must be there and are not. It tells whether all are.
func (r *report) need(b body, names ...string) bool {
	missing := slices.DeleteFunc(names, func(name string) bool { return b.attrs[name] != nil })
	switch len(missing) {
	case 0:
		return true
	case 1:
		r.add(b.head, "Missing required argument", "The argument %q is required.", missing[0])
	default:
		r.add(b.head, "Missing required argument", "The arguments %s are required.", quoted(missing))
	}
	return false
}

// place remembers where a part of the definition was written.
func (r *reader) place(at states.Place, where hcl.Range) { r.places[at] = where }

// where finds the range for a place, or for the nearest thing around it.
func (r *reader) where(at states.Place) hcl.Range {
	for place := string(at); ; {
		if where, ok := r.places[states.Place(place)]; ok {
			return where
		}
		dot := strings.LastIndexByte(place, '.')
		if dot < 0 {
			return r.places["name"]
		}
		place = place[:dot]
	}
}

// problems reports what package states found, where it was written.
func (r *reader) problems(problems []states.Problem) {
	for _, p := range problems {
		at := r.where(p.At)
		if r.spoiled(at) {
			continue
		}
		detail := p.Detail
		if p.Other != "" {
			detail = strings.ReplaceAll(detail, string(p.Other), r.where(p.Other).String())
		}
		r.put(at, p.Summary, "%s", detail)
	}
}

// set reads an attribute into a field where it was written, and leaves the field alone elsewhere.
func set[T any](r *reader, b body, name string, field *T, read func(string, hcl.Expression) (T, bool)) {
	attr := b.attrs[name]
	if attr == nil {
		return
	}
	if value, ok := read(name, attr.Expr); ok {
		*field = value
	}
}

func quoted(words []string) string {
	var texts []string
	for _, word := range words {
		texts = append(texts, fmt.Sprintf("%q", word))
	}
	return strings.Join(texts, ", ")
}
