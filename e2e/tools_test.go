package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"orch/states/skiptest"
)

// tools are the real ones that tests run, and what of Debian brings them; make tools installs them.
var tools = map[string]string{"puppet": "puppet-agent", "ansible-playbook": "ansible-core", "ruby": "puppet-agent", "strace": "strace", "nft": "nftables", "tc": "iproute2"}

// tool finds one, or skips the test. In CI that is a failure.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		skiptest.Lacks(t, "%s is not here: make tools installs Debian's %s", name, tools[name])
	}
	return path
}

// missingTools is a line for each tool that is not here, so that skipped tests are seen without -v.
func missingTools() (lines []string) {
	for _, name := range []string{"puppet", "ansible-playbook", "strace"} {
		if _, err := exec.LookPath(name); err != nil {
			lines = append(lines, fmt.Sprintf("SKIP: tests need %s: make tools installs Debian's %s", name, tools[name]))
		}
	}
	return lines
}

// driven starts the agent of web-01 with a file of its own, which says what converges it.
func (f *field) driven(converge string) *process {
	f.t.Helper()
	return f.configured(`
cluster   = "web"
state_dir = "` + f.dir + `/agents/web-01"
` + converge)
}

// idle has a node do nothing at some states.
func idle(states ...string) (text string) {
	for _, state := range states {
		text += fmt.Sprintf("state %q {\n  converge \"exec\" { command = [\"/bin/true\"] }\n}\n", state)
	}
	return text
}

// configured starts the agent of web-01 with a configuration file.
func (f *field) configured(text string) *process {
	f.t.Helper()
	config := f.file("convergeagent.hcl", text)
	f.agents["web-01"] = f.spawn(nil, agentBin, "--config", config, "--node", "web-01", "--session-ttl", ttl.String(), "--lock-dir", f.dir+"/host")
	return f.agents["web-01"]
}

// hostile applies the cluster web, with what could be taken for something else in an attribute.
func (f *field) hostile() {
	f.t.Helper()
	text := strings.Replace(webHCL(""), `    argument { pattern = "[0-9]+" }`, `    attributes = { text = `+hostileHCL+` }
    argument { pattern = "[0-9]+" }`, 1)
	f.ok("apply", f.file("web.hcl", text), "--yes")
}

// hostile is what could be taken for an option, a template or code, and hostileHCL is it in HCL.
const (
	hostile    = "--noop 'a' \"b\" \\ {{ lookup('pipe', 'touch PWNED') }} %{facts.os} ${facts} $(id)\n- end"
	hostileHCL = `"--noop 'a' \"b\" \\ {{ lookup('pipe', 'touch PWNED') }} %%{facts.os} $${facts} $(id)\n- end"`
)

// init stands in for the first process of a machine: what is to outlive a run is its child, and not the run's.
func (f *field) init() {
	f.t.Helper()
	fifo := filepath.Join(f.dir, "init.fifo")
	must(f.t, syscall.Mkfifo(fifo, 0o600))
	cmd := exec.Command("/bin/sh", "-c", `exec 3<> init.fifo; while read -r verb <&3; do setsid sh -c 'echo $$ > web.pid; exec sleep 300' 3>&- & done`)
	cmd.Dir = f.dir
	must(f.t, cmd.Start())
	f.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// webctl stands in for systemctl: start, stop, restart and is-active of a process that stays when the
// converge is over, and that says which release it began with.
func (f *field) webctl() string {
	f.t.Helper()
	path := filepath.Join(f.dir, "webctl")
	must(f.t, os.WriteFile(path, []byte(`#!/bin/sh
cd `+f.dir+` || exit 1
echo "$1" >> webctl.log
alive() { [ -s web.pid ] && kill -0 "$(cat web.pid)" 2>/dev/null; }
stop() { alive && kill "$(cat web.pid)"; rm -f web.pid serves; }
start() {
	[ -s srv/web.conf ] || exit 1
	cp srv/web.conf serves
	echo start > init.fifo
	while ! [ -s web.pid ]; do sleep 0.05; done
}
case "$1" in
is-active) alive ;;
start) alive || start ;;
stop) stop ;;
restart) stop; start ;;
esac
`), 0o755))
	f.init()
	f.t.Cleanup(func() { _ = exec.Command(path, "stop").Run() })
	return path
}

// serves tells what web serves; "": it does not.
func (f *field) servesRelease() string {
	f.t.Helper()
	if exec.Command(filepath.Join(f.dir, "webctl"), "is-active", "web").Run() != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(f.dir, "serves"))
	must(f.t, err)
	return string(text)
}

// story moves one node that an example converges through every state of hcl-examples/web.
func (f *field) story() {
	f.t.Helper()
	text, err := os.ReadFile("../hcl-examples/web/web.hcl")
	must(f.t, err)
	f.ok("apply", f.file("web.hcl", string(text)), "--yes")
	for _, move := range []struct{ state, serves string }{
		{"waiting", ""},
		{"converged", "release = 40\nartifact = \n"},
		{"version 42", "release = 42\nartifact = https://repo.example/web/42.tgz\n"},
		{"off", ""},
	} {
		f.ok(append([]string{"transition", "web", "--yes"}, strings.Fields(move.state)...)...)
		if got := f.servesRelease(); got != move.serves {
			f.t.Errorf("at %s it serves %q, want %q", move.state, got, move.serves)
		}
		_, err := os.Stat(filepath.Join(f.dir, "srv/web.conf"))
		if laid := err == nil; laid != (move.state != "off") {
			f.t.Errorf("at %s web is laid down: %t", move.state, laid)
		}
		f.change("changed")
		if move.state == "version 42" {
			f.fallsOver(move.serves)
		}
	}
	f.ok("reconverge", "web")
	f.change("unchanged")
}

// looking has an example's checks look every second, at what stands in for systemctl.
func (f *field) looking(config, webctl string) string {
	config = strings.ReplaceAll(config, "/usr/bin/systemctl", webctl)
	return strings.NewReplacer(`    every    = "1m"`+"\n", "", "check {\n", "check {\n    every = \"1s\"\n").Replace(config)
}

// fallsOver has the service of an example stop by itself: its check finds that, and the tool mends it as
// soon as somebody gives it its turn.
func (f *field) fallsOver(serves string) {
	f.t.Helper()
	must(f.t, exec.Command(filepath.Join(f.dir, "webctl"), "stop").Run())
	eventually(f.t, "the node to say that it drifted", patience, func() bool { return f.node("web-01").Phase == "drifted" })
	f.ok("reconverge", "web", "--drifted")
	f.change("changed")
	eventually(f.t, "the node to be as it should", patience, func() bool { return f.node("web-01").Phase == "settled" })
	if got := f.servesRelease(); got != serves {
		f.t.Errorf("after its repair it serves %q, want %q", got, serves)
	}
}

// change checks what the tool said of the last run.
func (f *field) change(want string) {
	f.t.Helper()
	if s := f.ended(); s.Change != want {
		f.t.Errorf("the run to %s was %q, want %q: %+v", s.State.Name, s.Change, want, s)
	}
}

// toolRun is of the last run what tools have a say in.
type toolRun struct {
	State    struct{ Name string }
	Outcome  string
	Exit     int
	Error    string
	Change   string
	Terminal bool
	Tail     []string
}

// ended waits for the end of the run that web-01 says something of, and gives it.
func (f *field) ended() toolRun {
	f.t.Helper()
	var s struct{ Run toolRun }
	eventually(f.t, "the run of web-01 to end", patience, func() bool {
		s.Run = toolRun{}
		return json.Unmarshal([]byte(f.consul.get("clusters/web/status/web-01")), &s) == nil && s.Run.Outcome != ""
	})
	return s.Run
}

// fails moves the node to waiting, where it does not get, and gives the run that failed.
func (f *field) fails() toolRun {
	f.t.Helper()
	f.exits(4, "transition", "web", "waiting")
	return f.ended()
}
