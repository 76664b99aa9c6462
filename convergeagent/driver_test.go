package convergeagent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/states"
)

// hostile is what somebody could write into Consul to be taken for an option, a template or code.
var hostile = map[string]string{
	"quotes":   `it's "so" \`,
	"newline":  "a\n--version\nb",
	"--option": "--noop",
	"jinja":    "{{ lookup('pipe', 'id') }}{% raw %}",
	"hiera":    "%{facts.os} ${facts} $(id) `id`",
}

func driverTask() Task {
	return Task{Cluster: "web", Node: "web-01", From: states.State{Name: "version", Argument: "41"},
		Run: states.Run{ID: "r-1", State: states.State{Name: "version", Argument: "--help {{ 7*7 }}", Attributes: hostile}, Generation: 7,
			Attempt: 1, Tries: 1, Timeout: states.Duration(time.Minute)}}
}

func TestArgv(t *testing.T) {
	t.Parallel()
	const dir = "/state/runs/r-1.tool"
	for name, row := range map[string]struct{ got, want []string }{
		"puppet apply": {
			Puppet{Binary: "/bin/puppet", Manifest: "/etc/puppet/site.pp"}.argv("30"),
			[]string{"/bin/puppet", "apply", "--logdest", "console", "--color=false", "--no-noop", "--detailed-exitcodes", "/etc/puppet/site.pp"},
		},
		"puppet apply, all told": {
			Puppet{Binary: "/bin/puppet", Manifest: "/m", Environment: "live", ModulePath: []string{"/a", "/b"}, VarDir: "/v", Args: []string{"--debug"}}.argv("30"),
			[]string{"/bin/puppet", "apply", "--debug", "--environment", "live", "--modulepath", "/a:/b", "--vardir", "/v",
				"--logdest", "console", "--color=false", "--no-noop", "--detailed-exitcodes", "/m"},
		},
		"puppet agent": {
			Puppet{Binary: "/bin/puppet", Agent: true}.argv("30"),
			[]string{"/bin/puppet", "agent", "--onetime", "--no-daemonize", "--no-splay", "--no-usecacheonfailure", "--no-use_cached_catalog",
				"--waitforcert", "0", "--waitforlock", "1", "--maxwaitforlock", "30",
				"--logdest", "console", "--color=false", "--no-noop", "--detailed-exitcodes"},
		},
		"chef": {
			Chef{Binary: "/bin/cinc-client"}.argv(dir+"/attributes.json", "30"),
			[]string{"/bin/cinc-client", "--once", "--no-color", "--run-lock-timeout", "30", "--json-attributes", dir + "/attributes.json"},
		},
		"chef, all told": {
			Chef{Binary: "/bin/chef-client", Config: "/c.rb", RunList: []string{"role[a]", "b"}, Override: []string{"recipe[c]"}, Args: []string{"--local-mode"}}.argv("/a", "30"),
			[]string{"/bin/chef-client", "--local-mode", "--config", "/c.rb", "--runlist", "role[a],b", "--override-runlist", "recipe[c]",
				"--once", "--no-color", "--run-lock-timeout", "30", "--json-attributes", "/a"},
		},
		"ansible": {
			Ansible{Binary: "/bin/ansible-playbook", Playbook: "/p.yml"}.argv("/v.json"),
			[]string{"/bin/ansible-playbook", "--connection", "local", "--inventory", "localhost,", "--extra-vars", "@/v.json", "/p.yml"},
		},
		"ansible, all told": {
			Ansible{Binary: "/bin/ansible-playbook", Playbook: "/p.yml", Inventory: "/hosts", Tags: []string{"a", "b"}, Args: []string{"-vv"}}.argv("/v.json"),
			[]string{"/bin/ansible-playbook", "-vv", "--connection", "local", "--inventory", "/hosts", "--tags", "a,b", "--extra-vars", "@/v.json", "/p.yml"},
		},
	} {
		if diff := cmp.Diff(row.want, row.got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// No word of what lies in Consul stands in a command line or in the environment of a driver.
func TestNothingOfConsulIsAnOption(t *testing.T) {
	t.Parallel()
	for _, driver := range []Driver{Puppet{Manifest: "/m"}, Puppet{Agent: true}, Chef{}, Ansible{Playbook: "/p"}} {
		task := driverTask()
		with, err := driver.plan(task, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		task.Run.State, task.From = states.State{Name: "off"}, states.State{}
		without, err := driver.plan(task, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		for i := range with.argv {
			if a, b := with.argv[i], without.argv[i]; a != b && filepath.Base(a) != filepath.Base(b) {
				t.Errorf("%T: argument %d is %q, and %q for another state", driver, i, a, b)
			}
		}
		if len(with.argv) != len(without.argv) || len(with.env) != len(without.env) {
			t.Errorf("%T: %q %q, and for another state %q %q", driver, with.argv, with.env, without.argv, without.env)
		}
	}
}

func TestFactsFile(t *testing.T) {
	t.Parallel()
	task := driverTask()
	task.Run.State.Attributes = map[string]string{"a": "it's \"so\"\n{{ x }}"}
	for name, row := range map[string]struct {
		driver Driver
		file   string
		want   string
	}{
		"puppet": {Puppet{}, "facts.json", plainFacts},
		"chef":   {Chef{}, "attributes.json", plainFacts},
		"ansible": {Ansible{}, "vars.json", `{
  "orch": {
    "argument": {
      "__ansible_unsafe": "--help {{ 7*7 }}"
    },
    "attributes": {
      "a": {
        "__ansible_unsafe": "it's \"so\"\n{{ x }}"
      }
    },
    "cluster": {
      "__ansible_unsafe": "web"
    },
    "from": {
      "__ansible_unsafe": "version 41"
    },
    "generation": 7,
    "node": {
      "__ansible_unsafe": "web-01"
    },
    "run": {
      "__ansible_unsafe": "r-1"
    },
    "state": {
      "__ansible_unsafe": "version"
    }
  }
}
`},
	} {
		dir := t.TempDir()
		if _, err := row.driver.plan(task, dir); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, row.file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, string(got)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if info, _ := os.Stat(filepath.Join(dir, row.file)); info.Mode() != 0o600 {
			t.Errorf("%s: its mode is %s", name, info.Mode())
		}
	}
}

const plainFacts = `{
  "orch": {
    "cluster": "web",
    "node": "web-01",
    "state": "version",
    "argument": "--help {{ 7*7 }}",
    "from": "version 41",
    "generation": 7,
    "run": "r-1",
    "attributes": {
      "a": "it's \"so\"\n{{ x }}"
    }
  }
}
`

func TestNamesThatAnsibleGivesAMeaning(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"__ansible_unsafe", "__ansible_vault", "{{ x }}", "{% x %}"} {
		task := driverTask()
		task.Run.State.Attributes = map[string]string{name: "x"}
		if _, err := (Ansible{}).plan(task, t.TempDir()); err == nil || !strings.Contains(err.Error(), "hand attribute") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := (Puppet{}).plan(driverTask(), "/a:b"); err == nil || !strings.Contains(err.Error(), "colon") {
		t.Errorf("a folder that FACTERLIB cannot name: %v", err)
	}
}

func TestLockWait(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]string{time.Second: "1", 30 * time.Second: "15", time.Hour: "300"} {
		if got := lockWait(states.Duration(timeout)); got != want {
			t.Errorf("%s: %s, want %s", timeout, got, want)
		}
	}
}
