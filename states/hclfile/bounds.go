package hclfile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What a text may cost its reader. HCL's parser goes as deep as its text does, and no program survives
// the end of its stack: what lies in Consul must not be able to end whoever looks at it.
const (
	maxText  = 1 << 20
	maxDepth = 64     // of brackets in brackets; people get lost at ten
	maxSteps = 10_000 // operators and the like, each of which can nest without a bracket, and lines of texts
)

// bounded finds what makes a text too large or too deep to be parsed, and where.
func bounded(name string, text []byte) (at hcl.Range, problem string) {
	at = hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
	if len(text) > maxText {
		return at, fmt.Sprintf("It has %d KiB, and %d are read: make several files of it.", len(text)/1024, maxText/1024)
	}
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos) // the parser tells what is wrong with them
	depth, steps := 0, 0
	for i, token := range tokens {
		switch {
		case opens(token.Type):
			depth++
		case closes(token.Type):
			depth--
		}
		if repeats(token.Type) || i > 0 && follows(tokens[i-1].Type, token.Type) {
			steps++
		}
		switch {
		case depth > maxDepth:
			return token.Range, fmt.Sprintf("There are more than %d brackets in brackets here: write it flat.", maxDepth)
		case steps > maxSteps:
			return token.Range, fmt.Sprintf("There are more than %d operators or lines of text up to here: make several files of it.", maxSteps)
		}
	}
	return at, ""
}

// bound reports what is too large or too deep, and tells whether a text may be parsed.
func (r *report) bound(name string, text []byte) bool {
	at, problem := bounded(name, text)
	if problem != "" {
		r.add(at, "Too much to read", "%s", problem)
	}
	return problem == ""
}

func opens(token hclsyntax.TokenType) bool {
	switch token {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
		hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

func closes(token hclsyntax.TokenType) bool {
	switch token {
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
		hclsyntax.TokenTemplateSeqEnd:
		return true
	}
	return false
}

// repeats tells whether a token can make an expression deeper without a bracket.
func repeats(token hclsyntax.TokenType) bool {
	switch token {
	case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
		hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenQuestion, hclsyntax.TokenColon,
		hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

// follows tells whether a token goes on with what stands before it: an index of it, or the next line of a
// text, all of which the parser moves for each.
func follows(before, token hclsyntax.TokenType) bool {
	switch token {
	case hclsyntax.TokenOBrack:
		return before == hclsyntax.TokenIdent || before != hclsyntax.TokenTemplateSeqEnd && closes(before)
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
		return before == token
	}
	return false
}
