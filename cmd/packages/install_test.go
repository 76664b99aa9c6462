//go:build linux

package packages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"orch/states/skiptest"
	"orch/states/storetest/consultest"
)

// converge is what the machine's agent runs. It says that it began, does what the state is about, and
// says what the machine is now.
const converge = `#!/bin/sh
echo "$1 $2" >> /srv/runs
case $1 in
slow) touch /srv/up; while ! [ -e /srv/go ]; do sleep 0.1; done ;;
deb) dpkg -i /srv/convergeagent_$2_*.deb || exit 1 ;;
sandboxed) ! touch /etc/outside || exit 1 ;;
rpm) rpm --upgrade --nodeps /srv/convergeagent-$2-1.*.rpm || exit 1 ;;
esac
echo "$1 $2" > /srv/state
`

const definition = `
cluster "web" {
  initial = "off"
  policy { converge_timeout = "90s" }
  state "off" { serving = false }
  state "on" {}
  state "slow" {}
  state "sandboxed" {}
  state "deb" {
    argument {}
  }
  state "rpm" {
    argument {}
  }
  transition "on" { from = ["*"] }
  transition "slow" { from = ["*"] }
  transition "sandboxed" { from = ["*"] }
  transition "deb" { from = ["*"] }
  transition "rpm" { from = ["*"] }
}
`

const configuration = `
cluster   = "web"
state_dir = "/var/lib/convergeagent"
consul {
  address    = "%s"
  token_file = "/etc/convergeagent/token"
}
converge "exec" { command = ["/usr/local/sbin/converge", "${state}", "${argument}"] }
`

// The packages on a machine that has seen nothing else: installed in an image, installed where systemd
// runs, configured, converging, restarted and upgraded in the middle of a run and by a run, removed.
func TestCleanMachine(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 || runtime.GOOS != "linux" {
		skiptest.Lacks(t, "only root on Linux can install packages in a machine of a test's own")
	}
	tool(t, "mmdebstrap")
	consul := consultest.Start(t)
	packages := t.TempDir()
	var built sync.WaitGroup
	built.Go(func() {
		build(t, packages, "v1.0.0", "orch convergeagent")
		build(t, packages, "v1.1.0", "convergeagent") // upgrades itself
	})
	m := newMachine(t)
	if built.Wait(); t.Failed() {
		return
	}
	if out, err := exec.Command("cp", "-r", packages+"/.", filepath.Join(m.root, "srv")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.inAnImage()
	m.boot()
	m.fresh()
	m.configure(consul)
	m.born()
	m.moves("on")
	m.sandboxed()
	m.outlives()
	m.upgradesItself("deb", "1.1.0")
	m.removed("dpkg", "--remove")
	m.purged()
	m.rpm()
	m.configure(consul)
	m.moves("slow") // a new instance, as the old one was purged
	m.upgradesItself("rpm", "1.1.0")
	m.removed("rpm", "--erase")
}

// build packs programs for this machine.
func build(t *testing.T, dir, version, programs string) {
	cmd := exec.Command("./build.sh")
	cmd.Env = append(os.Environ(), "OUT="+dir, "ARCHES="+runtime.GOARCH, "VERSION="+version, "PROGRAMS="+programs)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("build the packages: %v: %s", err, out)
	}
}

// inAnImage installs where no systemd runs, as whoever builds images does: the agent is enabled then, and
// a purge leaves nothing.
func (m *machine) inAnImage() {
	m.t.Helper()
	m.install("1.0.0")
	wanted := filepath.Join(m.root, "etc/systemd/system/multi-user.target.wants/convergeagent.service")
	if _, err := os.Lstat(wanted); err != nil {
		m.t.Errorf("the agent is not enabled in an image: %v", err)
	}
	m.run("dpkg", "--purge", "convergeagent", "orch")
	m.nothingLeft()
}

// install has apt look at what the packages depend on.
func (m *machine) install(version string) {
	m.t.Helper()
	m.run("sh", "-c", "apt-get install -y --no-install-recommends /srv/orch_"+version+"_*.deb /srv/convergeagent_"+version+"_*.deb")
}

// fresh installs where systemd runs. Nothing is configured, so nothing runs, and nothing has failed.
func (m *machine) fresh() {
	m.t.Helper()
	m.install("1.0.0")
	if got := m.show("ActiveState,ConditionResult,UnitFileState,Result"); got != "success inactive enabled no" {
		m.t.Errorf("without a configuration the agent is %q", got)
	}
	if out := m.run("dpkg", "--verify", "convergeagent", "orch"); out != "" {
		m.t.Errorf("dpkg finds its files changed: %s", out)
	}
	for _, name := range []string{"orch", "convergeagent"} {
		if out := m.run(name, "version"); !strings.HasPrefix(out, name+" v1.0.0, ") {
			m.t.Errorf("%s version says %s", name, out)
		}
	}
	for path, mode := range map[string]fs.FileMode{
		"/etc/convergeagent": 0o750, "/etc/convergeagent/convergeagent.hcl.example": 0o644, "/var/lib/convergeagent": 0o700,
		"/etc/orch": 0o755, "/etc/orch/orch.hcl": 0o644, "/usr/bin/orch": 0o755, "/usr/bin/convergeagent": 0o755,
		"/usr/share/man/man1/orch-transition.1.gz": 0o644, "/usr/share/man/man8/convergeagent.8.gz": 0o644, "/usr/share/doc/orch/copyright": 0o644,
		"/usr/share/bash-completion/completions/orch": 0o644, "/usr/share/fish/vendor_completions.d/orch.fish": 0o644, "/usr/share/zsh/vendor-completions/_orch": 0o644,
	} {
		if info, err := os.Stat(filepath.Join(m.root, path)); err != nil || info.Mode().Perm() != mode {
			m.t.Errorf("%s is %v, %v; want mode %o", path, info, err, mode)
		}
	}
	if got := strings.Fields(m.run("dpkg-query", "--show", "--showformat=${Conffiles}\n", "convergeagent", "orch")); !slices.Equal(every(got, 2), []string{
		"/etc/convergeagent/convergeagent.env", "/etc/convergeagent/convergeagent.hcl.example", "/etc/orch/orch.hcl"}) {
		m.t.Errorf("the configuration files are %q", got)
	}
	if out := m.run("systemd-analyze", "verify", "--man=no", "convergeagent.service", "convergeagent@web.service"); out != "" {
		m.t.Errorf("systemd-analyze verify: %s", out)
	}
}

// every gives each nth of a list.
func every(list []string, n int) (some []string) {
	for i := 0; i < len(list); i += n {
		some = append(some, list[i])
	}
	return some
}

// show gives properties of the agent's unit, in the order of systemd.
func (m *machine) show(properties string) string {
	m.t.Helper()
	return strings.Join(strings.Fields(m.run("systemctl", "show", "--value", "--property="+properties, "convergeagent")), " ")
}

// configure does by hand what the README says, with a token that has an agent's rights and no more.
func (m *machine) configure(consul *consultest.Server) {
	m.t.Helper()
	rules := m.run("orch", "acl", "agent", "--cluster", "web", "--node", "here")
	token, err := os.ReadFile(consul.TokenFile(m.t, rules))
	must(m.t, err)
	m.write("/etc/convergeagent/token", string(token), 0o600)
	m.write("/etc/convergeagent/convergeagent.hcl", fmt.Sprintf(configuration, consul.Address), 0o644)
	m.write("/etc/convergeagent/convergeagent.env", m.text("/etc/convergeagent/convergeagent.env")+"# edited\n", 0o644)
	m.write("/usr/local/sbin/converge", converge, 0o755)
	m.write("/srv/web.hcl", definition, 0o644)
	m.write("/srv/operator", consul.Token, 0o600)
	m.write("/srv/orch.env", "CONSUL_HTTP_ADDR="+consul.Address+"\nCONSUL_HTTP_TOKEN_FILE=/srv/operator\n", 0o600)
	m.run("systemctl", "enable", "--now", "convergeagent")
	if got := m.show("ActiveState"); got != "active" {
		m.t.Fatalf("the agent is %s: %s", got, m.run("journalctl", "--unit=convergeagent"))
	}
}

// born has the cluster come to be, and with it the first run.
func (m *machine) born() {
	m.t.Helper()
	if out := m.orch("apply", "/srv/web.hcl", "--yes"); !strings.Contains(out, "web: born at off") {
		m.t.Errorf("%s", out)
	}
	eventually(m.t, "the machine to be off", func() bool { return m.text("/srv/state") == "off \n" })
}

// orch runs the installed command line against the test's Consul.
func (m *machine) orch(args ...string) string {
	m.t.Helper()
	return m.run(m.orchCommand(args...)...)
}

func (m *machine) orchCommand(args ...string) []string {
	settings := strings.Fields(m.text("/srv/orch.env"))
	return slices.Concat([]string{"env"}, settings, []string{"orch"}, args)
}

// moves has the cluster, which is this machine, go to a state.
func (m *machine) moves(state ...string) {
	m.t.Helper()
	m.alive()
	m.orch(slices.Concat([]string{"transition", "web", "--yes"}, state)...)
	if got := strings.TrimSpace(m.text("/srv/state")); got != strings.Join(state, " ") {
		m.t.Errorf("the machine is %q, want %q", got, state)
	}
}

// alive waits for an agent that has just been started to say so.
func (m *machine) alive() {
	m.t.Helper()
	eventually(m.t, "the agent to be alive", func() bool {
		var web struct{ Nodes []struct{ Alive bool } }
		return json.Unmarshal([]byte(m.orch("status", "web", "-o", "json")), &web) == nil && len(web.Nodes) == 1 && web.Nodes[0].Alive
	})
}

var exposure = regexp.MustCompile(`Overall exposure level.*`)

// sandboxed has the agent converge within the drop-in, and shows what that is worth.
func (m *machine) sandboxed() {
	m.t.Helper()
	score := func() string {
		return exposure.FindString(m.run("systemd-analyze", "security", "convergeagent.service"))
	}
	open, folder := score(), "/etc/systemd/system/convergeagent.service.d"
	m.run("install", "-D", "-m", "0644", "/usr/share/convergeagent/sandbox.conf", folder+"/sandbox.conf")
	m.write(folder+"/srv.conf", "[Service]\nReadWritePaths=/srv\n", 0o644)
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "convergeagent")
	m.t.Logf("systemd-analyze security\n%s\nwith sandbox.conf:\n%s", open, score())
	m.moves("sandboxed")
	m.run("rm", "-r", folder)
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "convergeagent")
}

// outlives restarts the agent, and kills it, in the middle of a run: there is one run all the same.
func (m *machine) outlives() {
	m.t.Helper()
	m.alive()
	move := m.command(m.orchCommand("transition", "web", "slow", "--yes")...)
	var said bytes.Buffer
	move.Stdout, move.Stderr = &said, &said
	must(m.t, move.Start())
	eventually(m.t, "the run to be in its middle", func() bool { return exists(filepath.Join(m.root, "srv/up")) })
	first := m.show("MainPID")
	m.run("systemctl", "restart", "convergeagent")
	second := m.show("MainPID")
	m.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", "convergeagent")
	eventually(m.t, "systemd to start the agent again", func() bool {
		return !slices.Contains([]string{"0", first, second}, m.show("MainPID"))
	})
	m.write("/srv/go", "", 0o644)
	if err := move.Wait(); err != nil {
		m.t.Errorf("the move: %v: %s", err, &said)
	}
	m.ranOnce("slow ")
}

func (m *machine) ranOnce(what string) {
	m.t.Helper()
	if runs := strings.Count(m.text("/srv/runs"), what+"\n"); runs != 1 || m.text("/srv/state") != what+"\n" {
		m.t.Errorf("there were %d runs to %q, and the machine is %q: %s", runs, what, m.text("/srv/state"), m.run("journalctl", "--unit=convergeagent", "--lines=50"))
	}
}

// upgradesItself has a converge install another version of the agent that runs it.
func (m *machine) upgradesItself(kind, version string) {
	m.t.Helper()
	before, memory := m.show("MainPID"), m.instance()
	m.moves(kind, version)
	m.ranOnce(kind + " " + version)
	eventually(m.t, "the new agent to run", func() bool { pid := m.show("MainPID"); return pid != before && pid != "0" })
	if out := m.run("convergeagent", "version"); !strings.HasPrefix(out, "convergeagent v"+version+", ") {
		m.t.Errorf("after the upgrade it is %s", out)
	}
	if !strings.Contains(m.text("/etc/convergeagent/convergeagent.env"), "# edited\n") || m.instance() != memory {
		m.t.Errorf("the upgrade lost what was configured or known: instance %s, before %s", m.instance(), memory)
	}
	m.moves("on")
}

var instance = regexp.MustCompile(`"instance": *"[^"]+"`)

// instance is what the agent knows itself by; it changes where its state directory was lost.
func (m *machine) instance() string {
	m.t.Helper()
	return instance.FindString(m.text("/var/lib/convergeagent/agent.json"))
}

// removed stops the agent, and keeps what it must not forget.
func (m *machine) removed(remove ...string) {
	m.t.Helper()
	known := m.instance()
	m.run(append(remove, "convergeagent")...)
	if out, err := m.try("pgrep", "convergeagent"); err == nil {
		m.t.Errorf("it still runs: %s", out)
	}
	if known == "" || m.instance() != known || m.text("/etc/convergeagent/token") == "" {
		m.t.Errorf("the agent's memory was %q and is %q", known, m.instance())
	}
}

// purged forgets everything.
func (m *machine) purged() {
	m.t.Helper()
	m.run("dpkg", "--purge", "convergeagent", "orch")
	m.nothingLeft()
}

// rpm installs the other kind of package. What it depends on only an rpm database could tell.
func (m *machine) rpm() {
	m.t.Helper()
	m.run("sh", "-c", "rpm --install --nodeps /srv/orch-1.0.0-1.*.rpm /srv/convergeagent-1.0.0-1.*.rpm")
	if got := m.show("ActiveState,ConditionResult,UnitFileState,Result"); got != "success inactive enabled no" { // Debian's presets enable
		m.t.Errorf("without a configuration the agent is %q", got)
	}
	if out, err := m.try("rpm", "--verify", "--nodeps", "orch", "convergeagent"); err != nil {
		m.t.Errorf("rpm finds its files changed: %s", out)
	}
	if out := m.run("rpm", "--query", "--queryformat=[%{FILEFLAGS:fflags} %{FILENAMES}\n]", "orch", "convergeagent"); !strings.Contains(out, "cn /etc/orch/orch.hcl\n") ||
		!strings.Contains(out, "cn /etc/convergeagent/convergeagent.env\ncn /etc/convergeagent/convergeagent.hcl.example\n") {
		m.t.Errorf("the configuration is not kept at an upgrade: %s", out)
	}
}

var ours = regexp.MustCompile(`(^|/)\.?_?(orch|convergeagent)[^/]*$`)

// nothingLeft looks for anything that has one of the two names, but logs and what dpkg keeps for itself.
func (m *machine) nothingLeft() {
	m.t.Helper()
	elsewhere := []string{"proc", "sys", "srv", "root", "var/log", "var/lib/dpkg", "var/cache"}
	_ = filepath.WalkDir(m.root, func(path string, entry fs.DirEntry, err error) error {
		inside, _ := filepath.Rel(m.root, path)
		if slices.Contains(elsewhere, inside) {
			return fs.SkipDir
		}
		if ours.MatchString(inside) {
			m.t.Errorf("/%s is left", inside)
		}
		return nil
	})
	if m.init != nil {
		if out, err := m.try("sh", "-c", "ls -d /run/convergeagent*"); err == nil {
			m.t.Errorf("it is left: %s", out)
		}
	}
}
