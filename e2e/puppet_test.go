package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// puppetAgent starts an agent that puppet apply converges, with a manifest and a vardir of the test's own; to off, and
// to some states more, it has nothing to do.
func (f *field) puppetAgent(manifest string, idles ...string) (vardir string) {
	f.t.Helper()
	vardir = filepath.Join(f.dir, "puppet")
	site := f.file("site.pp", manifest)
	f.driven(`
converge "puppet" {
  binary   = "` + tool(f.t, "puppet") + `"
  manifest = "` + site + `"
  vardir   = "` + vardir + `"
}
` + idle(append(idles, "off")...))
	f.alive(1)
	return vardir
}

// The module of the examples, through all its states, with the real puppet apply.
func TestPuppetExample(t *testing.T) {
	tool(t, "puppet")
	f := newField(t)
	modules, err := filepath.Abs("../hcl-examples/puppet/modules")
	must(t, err)
	example, err := os.ReadFile("../hcl-examples/puppet/agent/convergeagent.hcl")
	must(t, err)
	webctl := f.webctl()
	site := f.file("site.pp", `class { 'web': root => '`+f.dir+`/srv', systemctl => '`+webctl+`' }`)
	f.configured(strings.NewReplacer("/etc/puppet/code/modules", modules, "/etc/puppet/code/site.pp", site, "/var/lib/convergeagent", f.dir+"/agents/web-01",
		"  modulepath", `  vardir = "`+f.dir+`/puppet"`+"\n  modulepath").Replace(f.looking(string(example), webctl)))
	f.alive(1)
	f.story()
}

// What lies in Consul comes to a manifest as it is, whatever it looks like, and as nothing else.
func TestPuppetFacts(t *testing.T) {
	tool(t, "puppet")
	f := newField(t)
	f.puppetAgent(`
file { '`+f.dir+`/told-by-puppet':
  content => "${orch['cluster']} ${orch['node']} ${orch['state']} ${orch['argument']} ${orch['from']} ${facts['orch']['attributes']['text']}",
}
unless $orch['argument'] =~ String and $orch['generation'] =~ Integer and $orch['run'] =~ /^r-/ { fail('of another type') }
`, "waiting", "converged")
	f.hostile()
	f.ok("transition", "web", "version", "42", "--yes")
	text, err := os.ReadFile(filepath.Join(f.dir, "told-by-puppet"))
	must(t, err)
	if want := "web web-01 version 42 converged " + hostile; string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "PWNED")); err == nil {
		t.Error("a value was run")
	}
	left, _ := filepath.Glob(filepath.Join(f.dir, "agents/web-01/runs/*.run"))
	if len(left) > 0 {
		t.Errorf("the facts are still there: %s", left)
	}
}

func TestPuppetFailures(t *testing.T) {
	t.Parallel()
	tool(t, "puppet")
	for name, row := range map[string]struct {
		manifest string
		exit     int
		says     string
	}{
		"a resource fails":                     {`exec { '/bin/false': }`, 4, "exit 4: resources failed, and nothing was changed"},
		"a resource fails, another is changed": {`exec { '/bin/false': } notify { 'x': }`, 6, "exit 6: resources failed, and others were changed"},
		"it does not compile":                  {`include nowhere`, 1, "exit 1: puppet made no run"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newField(t)
			f.puppetAgent(row.manifest)
			f.web("")
			if run := f.fails(); run.Outcome != "failed" || run.Exit != row.exit || !strings.Contains(run.Error, row.says) || run.Change != "" {
				t.Errorf("%+v", run)
			}
		})
	}
}

// Whoever disabled puppet on a node is obeyed, and named; when that is taken back the next try goes.
func TestPuppetDisabledByHand(t *testing.T) {
	puppet := tool(t, "puppet")
	f := newField(t)
	vardir := f.puppetAgent(`notify { 'it runs': }`)
	if out, err := exec.Command(puppet, "agent", "--vardir", vardir, "--disable", "ada: disk swap").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f.web("")
	run := f.fails()
	if run.Outcome != "failed" || !strings.HasPrefix(run.Error, "blocked: puppet was disabled by hand") || !strings.Contains(run.Error, `"ada: disk swap"`) {
		t.Errorf("%+v", run)
	}
	if out, err := exec.Command(puppet, "agent", "--vardir", vardir, "--enable").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(vardir, "state", "agent_disabled.lock")); err == nil {
		t.Fatal("puppet agent --enable left it disabled")
	}
	f.ok("retry", "web")

	if run := f.ended(); run.Outcome != "ok" || run.Change != "changed" || run.Exit != 2 {
		t.Errorf("%+v", run)
	}
}

// puppet agent takes the options that it is given, and says itself that it is disabled.
func TestPuppetAgentDisabled(t *testing.T) {
	puppet := tool(t, "puppet")
	f := newField(t)
	vardir := filepath.Join(f.dir, "puppet")
	f.driven(`
converge "puppet" {
  binary = "` + puppet + `"
  agent  = true
  args   = ["--statedir", "` + f.dir + `/elsewhere", "--vardir", "` + vardir + `", "--server", "127.0.0.1"]
}
` + idle("off"))
	f.alive(1)
	if out, err := exec.Command(puppet, "agent", "--vardir", vardir, "--statedir", f.dir+"/elsewhere", "--disable", "ada: disk swap").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f.web("")
	run := f.fails()
	if run.Outcome != "failed" || run.Exit != 1 || !strings.HasPrefix(run.Error, `blocked: puppet was disabled by hand, saying "ada: disk swap"`) {
		t.Errorf("%+v", run)
	}
}

// Puppet gives each exec a session of its own: at the timeout that is ended too.
func TestPuppetExecDoesNotOutliveItsRun(t *testing.T) {
	tool(t, "puppet")
	f := newField(t)
	f.puppetAgent(`exec { 'hang': command => "/bin/sh -c 'echo \$\$ > ` + f.dir + `/child; exec sleep 300'", timeout => 0 }`)
	f.web(`converge_timeout = "60s"`) // puppet takes seconds to begin, and on a machine under load many
	run := f.fails()
	if run.Outcome != "timeout" {
		t.Errorf("%+v", run)
	}
	text, err := os.ReadFile(filepath.Join(f.dir, "child"))
	must(t, err)
	pid := strings.TrimSpace(string(text))
	eventually(t, "what puppet had started to be gone", 5*time.Second, func() bool {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}
