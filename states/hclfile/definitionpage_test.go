package hclfile

import (
	"os"
	"regexp"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// The page about definitions names everything that one can say, but runbooks, on which nothing acts yet.
func TestThePageSaysEverythingThatADefinitionCan(t *testing.T) {
	text, err := os.ReadFile("../../hcl-examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := []*hcl.BodySchema{fileGrammar, variableGrammar, policyGrammar, templateGrammar, clusterGrammar, stateGrammar, argumentGrammar,
		transitionGrammar, requiresGrammar, drainGrammar, primaryGrammar, windowGrammar}
	for _, gate := range gateGrammars {
		all = append(all, gate)
	}
	for _, schema := range all {
		for _, attribute := range schema.Attributes {
			onPage(t, text, attribute.Name)
		}
		for _, block := range schema.Blocks {
			onPage(t, text, block.Type)
		}
	}
}

// onPage wants a name in code: in a block of its own, or between backticks.
func onPage(t *testing.T, page []byte, name string) {
	t.Helper()
	if !regexp.MustCompile("(?m)^ .*\\b" + name + "\\b.*[={]|`[^`\\n]*\\b" + name + "\\b[^`\\n]*`|^ *" + name + " .*[={]").Match(page) {
		t.Errorf("hcl-examples/README.md says nothing of %s", name)
	}
}
