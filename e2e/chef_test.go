package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Chef cannot be had from Debian. What runs here is a stand-in with Chef's documented command line
// and exit codes, and as much of its language as the cookbook of the examples needs.
func (f *field) chefAgent(settings string) {
	f.t.Helper()
	f.driven(`
converge "chef" {
  binary  = "` + f.chef(f.webctl()) + `"
  ` + settings + `
}
`)
	f.alive(1)
}

// chef is the stand-in, with the cookbook of the examples.
func (f *field) chef(webctl string) (binary string) {
	f.t.Helper()
	standIn, err := filepath.Abs("testdata/chef-client")
	must(f.t, err)
	wrapper := filepath.Join(f.dir, "chef-client")
	must(f.t, os.WriteFile(wrapper, []byte("#!/bin/sh\nHOME="+f.dir+" exec "+tool(f.t, "ruby")+" "+standIn+` "$@"`+"\n"), 0o755))
	cookbooks, err := filepath.Abs("../hcl-examples/chef/cookbooks")
	must(f.t, err)
	f.file("cookbooks", cookbooks)
	f.file("node.json", fmt.Sprintf(`{"root": %q, "systemctl": %q}`, f.dir+"/srv", webctl))
	return wrapper
}

// The cookbook of the examples, through all its states.
func TestChefExample(t *testing.T) {
	tool(t, "ruby")
	f := newField(t)
	example, err := os.ReadFile("../hcl-examples/chef/agent/convergeagent.hcl")
	must(t, err)
	webctl := f.webctl()
	f.configured(strings.NewReplacer(`  config  = "/etc/chef/client.rb"`, `  binary  = "`+f.chef(webctl)+`"`, "/var/lib/convergeagent", f.dir+"/agents/web-01").
		Replace(f.looking(string(example), webctl)))
	f.alive(1)
	f.story()
}

// Its command line and its attributes, byte by byte.
func TestChefIsTold(t *testing.T) {
	tool(t, "ruby")
	f := newField(t)
	f.file("chef.ends", "0\nInfra Phase complete, 0/7 resources updated in 01 seconds\n")
	f.chefAgent(`
  config           = "/etc/chef/client.rb"
  override_runlist = ["recipe[web]", "role[base]"]
  args             = ["--local-mode"]
`)
	f.hostile()
	f.ok("transition", "web", "version", "42", "--yes")
	f.change("unchanged")
	id := f.node("web-01").Run.ID
	want := strings.Join([]string{"--local-mode", "--config", "/etc/chef/client.rb", "--override-runlist", "recipe[web],role[base]", "--once", "--no-color",
		"--run-lock-timeout", "30", "--json-attributes", f.dir + "/agents/web-01/runs/" + id + "-1.run/tool/attributes.json", ""}, "\n")
	if got, _ := os.ReadFile(filepath.Join(f.dir, "chef.argv")); string(got) != want {
		t.Errorf("its arguments are\n%s\nwant\n%s", got, want)
	}
	want = fmt.Sprintf(`{
  "orch": {
    "cluster": "web",
    "node": "web-01",
    "state": "version",
    "argument": "42",
    "from": "converged",
    "generation": %d,
    "run": "%s",
    "attributes": {
      "text": "--noop 'a' \"b\" \\ {{ lookup('pipe', 'touch PWNED') }} %%{facts.os} ${facts} $(id)\n- end"
    }
  }
}
`, f.status().Generation, id)
	if got, _ := os.ReadFile(filepath.Join(f.dir, "chef.json")); string(got) != want {
		t.Errorf("its attributes are\n%s\nwant\n%s", got, want)
	}
}

// A reboot that is due is told with a success; who holds chef's lock, with a failure.
func TestChefEnds(t *testing.T) {
	t.Parallel()
	tool(t, "ruby")
	for name, row := range map[string]struct {
		ends, outcome, says string
		code                int
	}{
		"reboot scheduled": {"35\nInfra Phase complete, 1/7 resources updated in 01 seconds\n", "ok", "chef has scheduled a reboot", 0},
		"reboot needed":    {"37\n", "ok", "this node needs a reboot", 0},
		"locked": {"1\n[2026-01-01T00:00:00+00:00] FATAL: Chef::Exceptions::RunLockTimeout: Unable to acquire lock. Waited 30 seconds for 4711 to release.\n",
			"failed", "blocked: another run of chef, process 4711", 4},
		"upgraded": {"213\n", "failed", "exit 213: chef upgraded itself", 4},
	} {
		t.Run(name, func(t *testing.T) {
			f := newField(t)
			f.chefAgent("")
			f.file("chef.ends", "0\n")
			f.web("")
			eventually(t, "the birth at off", patience, func() bool { return len(f.phase("settled")) == 1 })
			f.file("chef.ends", row.ends)
			f.exits(row.code, "transition", "web", "waiting")
			if run := f.ended(); run.Outcome != row.outcome || !strings.Contains(run.Error, row.says) {
				t.Errorf("%+v", run)
			}
		})
	}
}

// The cookbook is Ruby that Ruby can read.
func TestChefCookbookParses(t *testing.T) {
	ruby := tool(t, "ruby")
	for _, pattern := range []string{"*.rb", "*/*.rb"} {
		files, err := filepath.Glob("../hcl-examples/chef/cookbooks/web/" + pattern)
		must(t, err)
		for _, file := range files {
			if out, err := exec.Command(ruby, "-wc", file).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", file, err, out)
			}
		}
	}
}
