package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"orch/states"
)

var version42 = states.State{Name: "version", Argument: "42"}

func TestWrongUsage(t *testing.T) {
	good := []string{"--cluster", "web", "--node", "n1", "--state-dir", "/var/lib/x"}
	for _, row := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "--exec"},
		{[]string{"start"}, exitUsage, `"start"`},
		{[]string{"version", "x"}, exitUsage, `"x"`},
		{append(good, "--exec"), exitUsage, "say what converges this node"},
		{append(good, "--exec="), exitUsage, "say what converges this node"},
		{append(good, "--exec", "/no/such/program"), exitError, "/no/such/program"},
		{append(good, "--", "true"), exitUsage, "behind --exec"},
		{append(good, "--nodes", "3", "--exec", "true"), exitUsage, "--nodes"},
		{append(good, "--token", "secret", "--exec", "true"), exitUsage, "--token"},
		{append(good, "-observe", "--exec", "true"), exitUsage, "--observe"},
		{append(good, "-http-addr=x", "--exec", "true"), exitUsage, "--http-addr"},
		{append(good, "--log-level", "loud", "--exec", "true"), exitUsage, `"loud"`},
		{append(good, "--meta", "rack", "--exec", "true"), exitUsage, "rack"},
		{append(good, "--session-ttl", "1ms", "--exec", "true"), exitUsage, "1ms"},
		{append(good, "--config", "/etc/x.hcl", "--exec", "true"), exitUsage, "with --config"},
		{[]string{"--config", "/no/such/file"}, exitUsage, "/no/such/file"},
		{[]string{"--cluster", "Web", "--state-dir", "/x", "--exec", "true"}, exitUsage, `"Web"`},
		{[]string{"--cluster", "web", "--node", "../x", "--state-dir", "/x", "--exec", "true"}, exitUsage, `"../x"`},
		{[]string{"--state-dir", "/x", "--exec", "true"}, exitUsage, "--cluster"},
		{[]string{"--cluster", "web", "--exec", "true"}, exitUsage, "--state-dir"},
	} {
		t.Run(strings.Join(row.args, " "), func(t *testing.T) {
			_, code, out := runIt(row.args...)
			if code != row.code || !strings.Contains(out, row.says) || !strings.HasPrefix(out, "convergeagent: ") && !strings.HasPrefix(out, "Error: ") {
				t.Errorf("want exit code %d and %q, got %d: %s", row.code, row.says, code, out)
			}
		})
	}
}

// Everything behind --exec is the command's, whatever it looks like.
func TestExec(t *testing.T) {
	for _, row := range []struct {
		args []string
		want []string
	}{
		{[]string{"--exec", "/bin/sh", "-c", "exit 0", "--cluster", "x"}, []string{"/bin/sh", "-c", "exit 0", "--cluster", "x"}},
		{[]string{"--exec=/bin/sh", "${state}", "${argument}"}, []string{"/bin/sh", "version", "42"}},
		{[]string{"--exec", "/bin/sh", "--to=${state}", "--exec", "-observe"}, []string{"/bin/sh", "--to=${state}", "--exec", "-observe"}},
	} {
		told, code, out := runIt(append([]string{"--cluster", "web", "--state-dir", "x"}, row.args...)...)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, out)
		}
		got, ok := told.Command(version42)
		if !ok || !reflect.DeepEqual(got, row.want) {
			t.Errorf("want %q, got %q", row.want, got)
		}
		if told.Observe || told.Cluster != "web" || !filepath.IsAbs(told.StateDir) {
			t.Errorf("observe %t, cluster %q, state dir %q", told.Observe, told.Cluster, told.StateDir)
		}
	}
}

// A program is found once: a run does not depend on the folder or the PATH that the agent has later.
func TestProgramIsFoundAtTheStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "converge"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	told, code, out := runIt("--cluster", "web", "--state-dir", "x", "--exec", "./converge")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if got, _ := told.Command(version42); !filepath.IsAbs(got[0]) || filepath.Base(got[0]) != "converge" {
		t.Errorf("it would run %q", got)
	}
}

func TestFile(t *testing.T) {
	t.Setenv("ORCH_PREFIX", "team/orch")
	path := filepath.Join(t.TempDir(), "agent.hcl")
	text := `
cluster   = "web"
node      = "n1"
state_dir = "/var/lib/convergeagent"
meta      = { rack = "r3" }
consul {
  address    = "10.0.0.1:8500"
  datacenter = "dc2"
  client_cert = "/etc/convergeagent/agent.pem"
  client_key  = "/etc/convergeagent/agent.key"
}
service "web" { id = "web-1" }
converge "exec" {
  command = ["/usr/local/sbin/converge", "$${state}"]
}
state "off" {
  converge "exec" {
    command = ["/usr/local/sbin/web-off", "now"]
  }
}
`
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "$$", "$")), 0o600); err != nil {
		t.Fatal(err)
	}
	told, code, out := runIt("--config", path, "--node", "n2", "--datacenter", "dc9", "--session-ttl", "10s", "--observe")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if told.Cluster != "web" || told.Node != "n2" || told.Consul.Address != "10.0.0.1:8500" || told.Consul.Datacenter != "dc9" || told.Consul.ClientKey != "/etc/convergeagent/agent.key" {
		t.Errorf("flags win over the file, and the file over nothing; got %+v", told)
	}
	if told.Meta["rack"] != "r3" || told.SessionTTL != 10*time.Second || !told.Observe || told.Prefix != "team/orch" || told.LogLevel != "info" || told.Services["web"] != "web-1" {
		t.Errorf("got %+v", told)
	}
	for state, want := range map[string]string{"version": "/usr/local/sbin/converge version", "off": "/usr/local/sbin/web-off now"} {
		if got, ok := told.Command(states.State{Name: state}); !ok || strings.Join(got, " ") != want {
			t.Errorf("%s: want %q, got %q", state, want, got)
		}
	}
}

// The mistakes of a file are a page, as orch shows them; not one line.
func TestFileWithMistakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.hcl")
	if err := os.WriteFile(path, []byte("cluster = \"Web\"\nsplay = \"3s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, code, out := runIt("--config", path)
	for _, want := range []string{"line 1:\n", "line 2:\n", "Nothing to spread", "mistakes\n"} {
		if code != exitUsage || !strings.Contains(out, want) {
			t.Errorf("want exit code 2 and %q, got %d:\n%s", want, code, out)
		}
	}
}
