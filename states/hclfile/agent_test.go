package hclfile_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/states"
	"orch/states/hclfile"
)

func TestLoadAgent(t *testing.T) {
	got, diags := hclfile.LoadAgent("testdata/agent/valid/agent.hcl")
	if len(diags) > 0 {
		t.Fatalf("%s", diags)
	}
	want := hclfile.AgentConfig{
		Cluster: "web-eu", StateDir: "/var/lib/convergeagent", Node: "web-eu-01.example",
		Meta: map[string]string{"rack": "r3"}, Observe: true, LogLevel: "debug", LockDir: "/run/converge",
		Redact: []*regexp.Regexp{regexp.MustCompile(`password=\S+`), regexp.MustCompile("AKIA[0-9A-Z]{16}")},
		Every:  states.Duration(30 * time.Minute), Splay: states.Duration(5 * time.Minute),
		Checks: map[string]hclfile.Check{
			"off": {Exec: hclfile.Exec{Command: []hclfile.Arg{{Text: "/usr/local/sbin/web-is-off"}, {Hole: hclfile.StateHole}}},
				Every: states.Duration(5 * time.Minute), Timeout: states.Duration(30 * time.Second), Splay: states.Duration(5 * time.Minute)},
			"version": {Exec: hclfile.Exec{Command: []hclfile.Arg{{Text: "/usr/local/sbin/web-is"}, {Hole: hclfile.ArgumentHole}}},
				Every: states.Duration(time.Hour), Timeout: states.Duration(2 * time.Minute), Repair: true},
		},
		Actions: map[string]hclfile.Action{
			"migrate": {Exec: hclfile.Exec{Command: []hclfile.Arg{{Text: "/usr/local/sbin/migrate"}, {Text: "--to"}, {Hole: hclfile.ArgumentHole}}},
				Timeout: states.Duration(time.Hour)},
			"backup": {Exec: hclfile.Exec{Command: []hclfile.Arg{{Text: "/usr/local/sbin/backup"}}}, Timeout: states.Duration(30 * time.Minute)},
		},
		Consul: hclfile.AgentConsul{
			Address: "127.0.0.1:8500", TokenFile: "/etc/convergeagent/token", Datacenter: "dc1", CAFile: "/etc/convergeagent/ca.pem",
			CAPath: "/etc/convergeagent/ca.d", ClientCert: "/etc/convergeagent/agent.pem", ClientKey: "/etc/convergeagent/agent.key",
			ServerName: "server.dc1.consul", Prefix: "team/orch", ID: "5e3a70c2",
		},
		Services: map[string]string{"web": "web-eu-01"},
		Converge: &hclfile.Converge{Exec: &hclfile.Exec{Command: []hclfile.Arg{
			{Text: "/usr/local/sbin/converge"}, {Text: "--to"}, {Hole: hclfile.StateHole}, {Hole: hclfile.ArgumentHole}, {Text: "${literal}"},
		}}},
		States: map[string]hclfile.Converge{
			"off": {Exec: &hclfile.Exec{Command: []hclfile.Arg{{Text: "/usr/local/sbin/web-off"}}}},
			"waiting": {Puppet: &hclfile.Puppet{Binary: "/opt/puppetlabs/bin/puppet", Manifest: "/etc/puppet/site.pp", Environment: "live",
				ModulePath: []string{"/etc/puppet/modules", "/usr/share/puppet/modules"}, VarDir: "/var/cache/puppet", Args: []string{"--debug"}}},
			"laid":      {Puppet: &hclfile.Puppet{Agent: true}},
			"converged": {Chef: &hclfile.Chef{}},
			"tuned": {Chef: &hclfile.Chef{Binary: "/opt/cinc/bin/cinc-client", Config: "/etc/cinc/client.rb", RunList: []string{"role[web]", "recipe[ntp]"},
				Override: []string{"recipe[web::tune]"}, Args: []string{"--local-mode"}}},
			"version": {Ansible: &hclfile.Ansible{Playbook: "/etc/ansible/web.yml"}},
			"patched": {Ansible: &hclfile.Ansible{Binary: "/opt/ansible/bin/ansible-playbook", Playbook: "/etc/ansible/web.yml", Inventory: "web-01,",
				Tags: []string{"patch", "web"}, Args: []string{"-v"}}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *regexp.Regexp) bool { return a.String() == b.String() })); diff != "" {
		t.Error(diff)
	}
}

func TestConvergeFor(t *testing.T) {
	config, _ := hclfile.LoadAgent("testdata/agent/valid/agent.hcl")
	config.States = map[string]hclfile.Converge{"off": config.States["off"]}
	for _, test := range []struct {
		state, argument string
		want            []string
	}{
		{"version", "42", []string{"/usr/local/sbin/converge", "--to", "version", "42", "${literal}"}},
		{"converged", "", []string{"/usr/local/sbin/converge", "--to", "converged", "", "${literal}"}},
		{"off", "", []string{"/usr/local/sbin/web-off"}},
	} {
		converge, ok := config.ConvergeFor(test.state)
		if got := converge.Exec.Fill(test.state, test.argument); !ok || !slices.Equal(got, test.want) {
			t.Errorf("%s %s: got %q", test.state, test.argument, got)
		}
	}
	config.Converge = nil
	if _, ok := config.ConvergeFor("version"); ok {
		t.Error("there is something to run for a state that nothing is said about")
	}
}

// The whole language of the agent's file loads.
func TestFullAgent(t *testing.T) {
	config, diags := hclfile.LoadAgent("testdata/agent/full.hcl")
	if len(diags) > 0 || config.Checks["off"].Every.String() != "5m" || config.Actions["migrate"].Timeout.String() != "1h" {
		t.Errorf("%s%+v", diags, config)
	}
	if _, diags := hclfile.LoadAgent("gone"); len(diags) != 1 {
		t.Errorf("%s", diags)
	}
}
