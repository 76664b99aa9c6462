package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"orch/convergeagent"
	"orch/states"
)

// A file says for each state what converges it: a tool or a command, never both.
func TestWhatConvergesAState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.hcl")
	text := `
cluster   = "web"
state_dir = "/var/lib/convergeagent"
converge "puppet" { manifest = "/etc/puppet/site.pp" }
state "waiting" {
  converge "chef" { runlist = ["web"] }
}
state "converged" {
  converge "ansible" { playbook = "/etc/ansible/web.yml" }
}
state "off" {
  converge "exec" { command = ["/bin/true", "$${state}", "${state}"] }
}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	told, code, out := runIt("--config", path)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	for state, want := range map[string]convergeagent.Driver{
		"version":   convergeagent.Puppet{Manifest: "/etc/puppet/site.pp"},
		"waiting":   convergeagent.Chef{RunList: []string{"web"}},
		"converged": convergeagent.Ansible{Playbook: "/etc/ansible/web.yml"},
		"off":       nil,
	} {
		if got := told.Driver(states.State{Name: state}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, want %#v", state, got, want)
		}
		if _, isCommand := told.Command(states.State{Name: state}); isCommand != (want == nil) {
			t.Errorf("%s: there is a command: %t", state, isCommand)
		}
	}
	if got, _ := told.Command(states.State{Name: "off"}); !reflect.DeepEqual(got, []string{"/bin/true", "${state}", "off"}) {
		t.Errorf("%q", got)
	}
}

// A file says how its states are looked at, and how often a node converges without being told.
func TestWhatLooksAtAState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.hcl")
	text := `
cluster   = "web"
state_dir = "/var/lib/convergeagent"
every     = "30m"
converge "exec" { command = ["/bin/true"] }
state "version" {
  check {
    command  = ["/bin/check", "${state}", "${argument}", "x"]
    every    = "1m"
    timeout  = "10s"
    splay    = "20s"
    on_drift = "repair"
  }
}
action "migrate" { command = ["/bin/migrate"] }
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	told, code, out := runIt("--config", path)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if want := (convergeagent.Period{Every: 30 * time.Minute, Splay: 5 * time.Minute}); told.Period != want || !reflect.DeepEqual(told.Actions, []string{"migrate"}) {
		t.Errorf("%+v %v", told.Period, told.Actions)
	}
	check, command, checked := told.Checks(states.State{Name: "version", Argument: "42"})
	want := convergeagent.Check{Every: time.Minute, Splay: 20 * time.Second, Timeout: 10 * time.Second, Repair: true}
	if !checked || check != want || !reflect.DeepEqual(command, []string{"/bin/check", "version", "42", "x"}) {
		t.Errorf("%+v %q %t", check, command, checked)
	}
	if _, checked := told.checker().Of(states.State{Name: "off"}); checked {
		t.Error("a state is looked at that the file says nothing of")
	}
	if (&options{}).checker() != nil {
		t.Error("without a file somebody looks")
	}
}
