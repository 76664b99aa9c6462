package hclfile

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"orch/states"
)

var (
	errNoSize     = errors.New("neither a number nor a percentage")
	errOutOfRange = errors.New("out of range")
	wholeNumber   = regexp.MustCompile(`^-?[0-9]+$`)
)

// size reads a number of nodes or a percentage of them. A number in quotes is a number only where
// it came out of a variable: written there, it may be a percentage that lost its sign.
func (r *reader) size(least int) func(string, hcl.Expression) (states.Size, bool) {
	return func(name string, e hcl.Expression) (states.Size, bool) {
		v, ok := r.value(e)
		if !ok {
			return states.Size{}, false
		}
		size, err := parseSize(v, least)
		_, literal := e.(*hclsyntax.TemplateExpr)
		switch {
		case err == nil && literal && !size.Percent:
			r.add(e.Range(), "Number in quotes", "Write %d without quotes, or \"%d%%\" if a percentage is meant.", size.Count, size.Count)
			return states.Size{}, false
		case errors.Is(err, errOutOfRange):
			r.add(e.Range(), "Out of range", "%s takes %d or more nodes, or %d%% to 100%%; not %s.", name, least, least, bare(v))
		case err != nil:
			r.add(e.Range(), "Not a number or a percentage",
				"%s takes a whole number of nodes (3) or a percentage (\"25%%\"); not \"%s\".", name, bare(v))
		}
		return size, err == nil
	}
}

func parseSize(v cty.Value, least int) (states.Size, error) {
	text, percent := strings.CutSuffix(bare(v), "%")
	if !wholeNumber.MatchString(text) || percent && v.Type() != cty.String {
		return states.Size{}, errNoSize
	}
	most := states.MaxNodes
	if percent {
		most = 100
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return states.Size{}, errOutOfRange
	}
	return states.Size{Count: n, Percent: percent}, nil
}

// bare spells a value without quotes.
func bare(v cty.Value) string {
	if !v.IsNull() && v.Type() == cty.String {
		return v.AsString()
	}
	return spell(v)
}

// sizes reads batches: sizes in turn.
func (r *reader) sizes(name string, e hcl.Expression) ([]states.Size, bool) {
	elements, isList, ok := r.list(e)
	if !ok {
		return nil, false
	}
	if !isList || len(elements) == 0 {
		r.add(e.Range(), "Not a list of batch sizes", "Write for example [1, \"25%\"]: one node first, then a quarter of the members at a time.")
		return nil, false
	}
	var sizes []states.Size
	for _, element := range elements {
		if size, ok := r.size(1)(name, element); ok {
			sizes = append(sizes, size)
		}
	}
	return sizes, len(sizes) == len(elements)
}

// spellSize writes a size as a file does.
func spellSize(s states.Size) string {
	if s.Percent {
		return fmt.Sprintf("%q", s.String())
	}
	return s.String()
}
