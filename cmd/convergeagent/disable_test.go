package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDisableAndEnable(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(t.TempDir(), "agent.hcl")
	text := "cluster = \"web\"\nstate_dir = \"" + dir + "\"\nconverge \"exec\" {\n  command = [\"/bin/true\"]\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ORCH_OPERATOR", "ada@web-01")
	for _, row := range []struct {
		args string
		code int
		says string
	}{
		{"disable", exitUsage, "--state-dir"},
		{"disable --state-dir " + dir, exitUsage, "--reason"},
		{"disable --state-dir " + dir + " x", exitUsage, `"x"`},
		{"disable --state-dir " + dir + "/none --reason x", exitError, dir + "/none"},
		{"enable", exitUsage, "--config"},
		{"enable --config /no/such/file", exitUsage, "/no/such/file"},
		{"enable --state-dir " + dir + "/none", exitError, dir + "/none"},
		{"enable --state-dir " + dir, exitStopped, "nothing to do"},
		{"disable --config " + config + " --reason swap", exitStopped, "disabled by ada@web-01 since"},
		{"disable --state-dir " + dir + " --reason again", exitStopped, ": swap;"},
		{"enable --config " + config, exitStopped, "enabled"},
		{"enable --config " + config, exitStopped, "nothing to do"},
	} {
		if _, code, out := runIt(strings.Fields(row.args)...); code != row.code || !strings.Contains(out, row.says) {
			t.Errorf("convergeagent %s: want exit code %d and %q, got %d: %s", row.args, row.code, row.says, code, out)
		}
	}
}
