package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ansibleAgent starts an agent that a playbook converges; to off, and to some states more, it has nothing to do.
func (f *field) ansibleAgent(playbook string, idles ...string) {
	f.t.Helper()
	f.driven(`
converge "ansible" {
  binary   = "` + tool(f.t, "ansible-playbook") + `"
  playbook = "` + f.file("play.yml", playbook) + `"
}
` + idle(append(idles, "off")...))
	f.alive(1)
}

// The role of the examples, through all its states, with the real ansible-playbook.
func TestAnsibleExample(t *testing.T) {
	tool(t, "ansible-playbook")
	f := newField(t)
	roles, err := filepath.Abs("../hcl-examples/ansible/roles")
	must(t, err)
	example, err := os.ReadFile("../hcl-examples/ansible/agent/convergeagent.hcl")
	must(t, err)
	webctl := f.webctl()
	play := f.file("web.yml", `
- hosts: all
  gather_facts: false
  roles:
    - role: `+roles+`/web
      vars: { web_root: "`+f.dir+`/srv", web_systemctl: "`+webctl+`" }
`)
	f.configured(strings.NewReplacer("/etc/ansible/web.yml", play, "/var/lib/convergeagent", f.dir+"/agents/web-01").Replace(f.looking(string(example), webctl)))
	f.alive(1)
	f.story()
}

// What lies in Consul comes to a playbook as it is: ansible fills in templates in variables that it
// is handed, and runs what they say, where they are not marked.
func TestAnsibleVars(t *testing.T) {
	tool(t, "ansible-playbook")
	f := newField(t)
	f.ansibleAgent(`
- hosts: all
  gather_facts: false
  vars:
    told: "{{ orch.cluster }} {{ orch.node }} {{ orch.state }} {{ orch.argument }} {{ orch.from }} {{ orch.attributes.text }}"
  tasks:
    - copy:
        content: "{{ told }}"
        dest: `+f.dir+`/told-by-ansible
    - command: { argv: [/bin/echo, "{{ orch.attributes.text }}"] }
    - assert: { that: orch.generation is number and orch.argument is string }
`, "waiting", "converged")
	f.hostile()
	f.ok("transition", "web", "version", "42", "--yes")
	text, err := os.ReadFile(filepath.Join(f.dir, "told-by-ansible"))
	must(t, err)
	if want := "web web-01 version 42 converged " + hostile; string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	for _, where := range []string{"PWNED", filepath.Join(f.dir, "PWNED")} {
		if _, err := os.Stat(where); err == nil {
			t.Error("a value was run")
		}
	}
}

func TestAnsibleFailures(t *testing.T) {
	t.Parallel()
	tool(t, "ansible-playbook")
	quick := map[string]bool{"a task fails": true, "no host is meant": true} // the codes are those of TestHowToolsEnd
	for name, row := range map[string]struct {
		playbook string
		exit     int
		says     string
	}{
		"a task fails":          {"- hosts: all\n  gather_facts: false\n  tasks: [{command: /bin/false}]", 2, "exit 2: tasks failed"},
		"it cannot be read":     {"- hosts: all\n  tasks: [", 4, "exit 4: the playbook could not be read"},
		"no host is meant":      {"- hosts: web\n  tasks: [{command: /bin/true}]", 0, "ansible did nothing"},
		"a role is not there":   {"- hosts: all\n  roles: [nowhere]", 1, "exit 1: ansible failed"},
		"a host is not reached": {"- hosts: all\n  gather_facts: false\n  connection: ssh\n  vars: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}\n  tasks: [{command: /bin/true}]", 4, "hosts could not be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			if !quick[name] {
				everything(t)
			}
			f := newField(t)
			f.ansibleAgent(row.playbook)
			f.web("")
			if run := f.fails(); run.Outcome != "failed" || run.Exit != row.exit || !strings.Contains(run.Error, row.says) || run.Change != "" {
				t.Errorf("%+v", run)
			}
		})
	}
}
