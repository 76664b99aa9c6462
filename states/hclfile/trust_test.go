package hclfile_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orch/states"
	"orch/states/hclfile"
)

const (
	agentHead = "cluster = \"web\"\nstate_dir = \"/var/lib/convergeagent\"\nconverge \"chef\" {}\n"
	onesKey   = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
	twosKey   = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
)

func TestTrust(t *testing.T) {
	got, diags := hclfile.ParseAgent(hclfile.Source{Name: "agent.hcl", Text: []byte(agentHead + `
trust {
  key "ci" {
    public = "` + onesKey + `"
    states = ["version", "converged"]
  }
  key "ops" {
    public = "` + twosKey + `"
    states = ["*"]
  }
}`)})
	want := states.Trust{{Name: "ci", Public: bytes.Repeat([]byte{1}, 32), States: []string{"version", "converged"}},
		{Name: "ops", Public: bytes.Repeat([]byte{2}, 32), States: []string{"*"}}}
	if diff := cmp.Diff(want, got.Trust); diff != "" || len(diags) > 0 {
		t.Error(diff, diags)
	}
}

// A mistake in the trust is never less trust than was meant, nor more: it is a mistake.
func TestTrustMistakes(t *testing.T) {
	key := func(name, public, rest string) string {
		return "key \"" + name + "\" {\n" + public + "\n" + rest + "\n}\n"
	}
	ones, twos, all := `public = "`+onesKey+`"`, `public = "`+twosKey+`"`, `states = ["*"]`
	var many strings.Builder
	for n := range byte(17) {
		many.WriteString(key(fmt.Sprintf("k-%d", n), `public = "`+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{n}, 32))+`"`, all))
	}
	for text, want := range map[string]string{
		trusting(many.String()):                                       "Too many keys",
		"trust {}":                                                    "No key",
		trusting(key("ci", ones, "")):                                 "is required",
		trusting(key("ci", "", all)):                                  "is required",
		trusting(key("ci", ones[:50]+`"`, all)):                       "Not a public key",
		trusting(key("ci", `public = "?"`, all)):                      "Not a public key",
		trusting(key("ci", ones, "states = []")):                      "No state",
		trusting(key("ci", ones, `states = ["version 42"]`)):          "Not a state",
		trusting(key("C I", ones, all)):                               "Bad name",
		trusting(key("ci", ones, `state = ["*"]`)):                    "state",
		trusting(key("ci", ones, all) + key("ci", twos, all)):         "Duplicate key",
		trusting(key("ci", ones, all) + key("di", ones, all)):         "Duplicate key",
		trusting(key("a", ones, all)) + trusting(key("b", twos, all)): "Duplicate trust",
	} {
		_, diags := hclfile.ParseAgent(hclfile.Source{Name: "agent.hcl", Text: []byte(agentHead + text)})
		if !slices.ContainsFunc(diags, func(d hclfile.Diagnostic) bool { return strings.Contains(d.Summary+d.Detail, want) }) {
			t.Errorf("%s\nwant %q, got %s", text, want, diags)
		}
	}
}

func trusting(keys string) string { return "trust {\n" + keys + "}\n" }
