package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// However orch dev ends, nothing that it started is left running; what runs beside it is not touched.
func TestDevLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			f := newField(t) // its Consul is the bystander
			dir := t.TempDir()
			dev := f.spawn([]string{"CONSUL_BIN=" + consulBin}, orchBin, "dev", "--nodes", "2", "--seconds", "0.1", "--dir", dir)
			eventually(t, "the playground to be open", patience, func() bool { return strings.Contains(dev.text(), "Ctrl-C ends") })
			address := between(dev.text(), "export CONSUL_HTTP_ADDR=", "\n")
			eventually(t, "its processes", patience, func() bool { return len(processes(dir)) >= 2 })
			apply := f.spawn([]string{"CONSUL_HTTP_ADDR=" + address}, orchBin, "apply", "--yes", "../hcl-examples/web")
			if code := f.wait(apply, patience); code != 0 {
				t.Fatalf("apply in the playground: exit code %d:\n%s", code, apply.text())
			}
			eventually(t, "the nodes to converge", patience, func() bool {
				states, _ := filepath.Glob(filepath.Join(dir, "nodes", "*", "state"))
				return len(states) == 2
			})
			dev.signal(signal)
			f.wait(dev, patience)
			eventually(t, "nothing to be left running", patience, func() bool {
				return len(processes(dir)) == 0 && len(processes(strings.TrimPrefix(address, "127.0.0.1:"))) == 0
			})
			if code, _ := f.consul.http("GET", "/v1/status/leader", ""); code != 200 {
				t.Error("another Consul was touched")
			}
		})
	}
}

// processes lists the command lines that have a text in them.
func processes(text string) []string {
	var found []string
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, proc := range procs {
		line, err := os.ReadFile(proc)
		if err == nil && strings.Contains(string(line), text) && !strings.Contains(string(line), "\x00dev\x00") {
			found = append(found, string(line))
		}
	}
	return found
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return strings.TrimSpace(found)
}
