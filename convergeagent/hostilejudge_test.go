package convergeagent

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"orch/states"
)

// judge looks at everything that was executed.
func judge(t *testing.T, tool, program, dir, calls string) (ran int) {
	t.Helper()
	found, err := filepath.Glob(calls + "/*.argv")
	do(t, err)
	for _, path := range found {
		argv := zeros(t, path)[1:] // the shell that reads the program
		if len(argv) == 0 || argv[0] != program {
			t.Fatalf("executed was %q", argv)
		}
		for i, arg := range argv[1:] {
			if !expected(tool, dir, i, arg) {
				t.Errorf("argument %d of %q is %.200q", i, tool, arg)
			}
		}
		for _, pair := range zeros(t, strings.TrimSuffix(path, "argv")+"env") {
			checkPair(t, dir, pair)
		}
		ran++
	}
	return ran
}

func expected(tool, dir string, i int, arg string) bool {
	if tool == "exec" {
		return i == 0 && arg == "--to" || i == 1 && states.ValidState(arg) || i == 2 && states.ValidArgument(arg)
	}
	path, is := strings.CutPrefix(strings.TrimPrefix(arg, "@"), dir+"/runs/")
	if is { // of a run's own folder, by a valid id
		run, _, _ := strings.Cut(path, "/")
		return states.ValidID(strings.TrimSuffix(run, ".run")) && !strings.Contains(path, "..")
	}
	task := driverTask()
	var argv []string
	switch tool {
	case "puppet":
		argv = Puppet{Binary: "x", Manifest: "/etc/site.pp"}.argv(lockWait(task.Run.Timeout))
	case "chef":
		argv = Chef{Binary: "x"}.argv("", lockWait(task.Run.Timeout))
	case "ansible":
		argv = Ansible{Binary: "x", Playbook: "/etc/site.yml"}.argv("")
	}
	return slices.Contains(argv, arg)
}

// checkPair looks at one variable of a run's environment.
func checkPair(t *testing.T, dir, pair string) {
	t.Helper()
	name, value, _ := strings.Cut(pair, "=")
	ok := true
	switch name {
	case "ORCH_CLUSTER":
		ok = value == "web"
	case "ORCH_NODE":
		ok = value == "web-01"
	case "ORCH_STATE":
		ok = states.ValidState(value)
	case "ORCH_ARGUMENT":
		ok = states.ValidArgument(value)
	case "ORCH_FROM":
		_, err := states.ParseRef(value)
		ok = value == "" || err == nil
	case "ORCH_RUN":
		ok = states.ValidID(value)
	case "ORCH_GENERATION":
		ok = strings.Trim(value, "0123456789") == ""
	case "ORCH_ATTRIBUTES", "FACTERLIB":
		ok = strings.HasPrefix(value, dir+"/runs/") && !strings.Contains(value, "..")
	case "PATH", "HOME", "LANG", "TMPDIR", "PWD", "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_NOCOLOR", "ANSIBLE_FORCE_COLOR":
		ok = os.Getenv(name) == "" || name == "PWD" || strings.HasPrefix(name, "ANSIBLE") || value == os.Getenv(name)
	default:
		ok = false
	}
	if !ok {
		t.Errorf("its environment has %.200q", pair)
	}
}

func zeros(t *testing.T, path string) (parts []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	do(t, err)
	for _, part := range bytes.Split(bytes.TrimSuffix(text, []byte{0}), []byte{0}) {
		parts = append(parts, string(part))
	}
	return parts
}
