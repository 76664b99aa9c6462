package hclfile_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orch/states/hclfile"
)

func TestLoadAgent(t *testing.T) {
	got, diags := hclfile.LoadAgent("testdata/agent/valid/agent.hcl")
	if len(diags) > 0 {
		t.Fatalf("%s", diags)
	}
	want := hclfile.AgentConfig{
		Cluster: "web-eu", StateDir: "/var/lib/convergeagent", Node: "web-eu-01.example",
		Meta: map[string]string{"rack": "r3"}, Observe: true, LogLevel: "debug",
		Consul: hclfile.AgentConsul{
			Address: "127.0.0.1:8500", TokenFile: "/etc/convergeagent/token", Datacenter: "dc1", CAFile: "/etc/convergeagent/ca.pem",
		},
		Services: map[string]string{"web": "web-eu-01"},
		Converge: &hclfile.Exec{Command: []hclfile.Arg{
			{Text: "/usr/local/sbin/converge"}, {Text: "--to"}, {Hole: hclfile.StateHole}, {Hole: hclfile.ArgumentHole}, {Text: "${literal}"},
		}},
		States: map[string]hclfile.Exec{"off": {Command: []hclfile.Arg{{Text: "/usr/local/sbin/web-off"}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConvergeFor(t *testing.T) {
	config, _ := hclfile.LoadAgent("testdata/agent/valid/agent.hcl")
	for _, test := range []struct {
		state, argument string
		want            []string
	}{
		{"version", "42", []string{"/usr/local/sbin/converge", "--to", "version", "42", "${literal}"}},
		{"converged", "", []string{"/usr/local/sbin/converge", "--to", "converged", "", "${literal}"}},
		{"off", "", []string{"/usr/local/sbin/web-off"}},
	} {
		exec, ok := config.ConvergeFor(test.state)
		if got := exec.Fill(test.state, test.argument); !ok || !slices.Equal(got, test.want) {
			t.Errorf("%s %s: got %q", test.state, test.argument, got)
		}
	}
	config.Converge = nil
	if _, ok := config.ConvergeFor("version"); ok {
		t.Error("there is something to run for a state that nothing is said about")
	}
}

// The whole language of the agent's file parses; what nothing acts on is named.
func TestFullAgent(t *testing.T) {
	_, diags := hclfile.LoadAgent("testdata/agent/full.hcl")
	var lines []int
	for _, d := range diags {
		if d.Summary == "Not acted on yet" {
			lines = append(lines, d.Line)
		}
	}
	if want := []int{16, 25, 33}; len(diags) != len(want) || !slices.Equal(lines, want) {
		t.Errorf("%s", diags)
	}
	if _, diags := hclfile.LoadAgent("gone"); len(diags) != 1 {
		t.Errorf("%s", diags)
	}
}
