package hclfile

import (
	"os"
	"regexp"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// The commented configuration that is installed shows everything that an agent's file can say, but
// what nothing acts on yet.
func TestTheInstalledExampleShowsEverySetting(t *testing.T) {
	text, err := os.ReadFile("../../cmd/packages/convergeagent/convergeagent.hcl.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, schema := range []*hcl.BodySchema{agentGrammar, consulGrammar, serviceGrammar, agentStateGrammar, puppetGrammar, chefGrammar, ansibleGrammar, execGrammar, checkGrammar, actionGrammar, trustGrammar, keyGrammar} {
		var names []string
		for _, attribute := range schema.Attributes {
			names = append(names, attribute.Name)
		}
		for _, block := range schema.Blocks {
			names = append(names, block.Type)
		}
		for _, name := range names {
			if !regexp.MustCompile(`(?m)^#? *`+name+` .*[={]|\b`+name+` =`).Match(text) && !refusedYet(t, name) {
				t.Errorf("cmd/packages/convergeagent/convergeagent.hcl.example says nothing of %s: show it there, behind a #", name)
			}
		}
	}
}

// refusedYet tells whether a setting of an agent's file is one that nothing acts on.
func refusedYet(t *testing.T, name string) bool {
	t.Helper()
	for _, text := range []string{name + " = \"1m\"", name + " {}", name + " \"x\" {}", "converge \"exec\" {\n " + name + " = \"1m\"\n}", "state \"off\" {\n " + name + " {}\n}"} {
		_, mistakes := ParseAgent(Source{"agent.hcl", []byte("cluster = \"web\"\nstate_dir = \"/var/lib/convergeagent\"\n" + text + "\n")})
		for _, mistake := range mistakes {
			if mistake.Summary == "Not acted on yet" {
				return true
			}
		}
	}
	return false
}
