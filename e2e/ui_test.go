//go:build ui

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What people see in the Consul UI: a service per cluster, an instance per node, tagged with the
// state it reached, passing, warning or critical as it is. Run by `make ui-check`.
func TestConsulUI(t *testing.T) {
	f := newField(t)
	f.web("batches = [1]\nmax_failures = 3\nretries = 0")
	f.nodes(3)
	f.ctl("web-03", "echo no space left; exit 1")
	f.orch("transition", "web", "version", "42", "--yes")
	eventually(t, "web-03 to have failed", patience, func() bool { return f.node("web-03").Phase == "failed" })
	f.agent("web-04", "--observe")
	eventually(t, "web-04 to observe", patience, func() bool { return f.node("web-04").Phase != "" })

	services := f.page("services", "/ui/dc1/services", "orch-web")
	for _, want := range []string{"orch-web", "version-42"} {
		if !strings.Contains(services, want) {
			t.Errorf("the Services page does not show %q", want)
		}
	}
	instances := f.page("instances", "/ui/dc1/services/orch-web/instances", "orch-web-web-03")
	for _, want := range []string{"orch-web-web-01", "orch-web-web-02", "orch-web-web-03", "orch-web-web-04", "version-42", "passing", "critical", "warning"} {
		if !strings.Contains(instances, want) {
			t.Errorf("the instances page does not show %q", want)
		}
	}
	one := f.page("instance", "/ui/dc1/services/orch-web/instances/here/orch-web-web-03/health-checks", "orch state")
	for _, want := range []string{"orch state", "its order to version 42 failed: exit 1"} {
		if !strings.Contains(strings.ToLower(one), want) {
			t.Errorf("the instance's page does not show %q", want)
		}
	}
	f.page("key", "/ui/dc1/kv/orch/clusters/web/desired/edit", "desired")
}

// page opens one page of the UI, waits until some text is on it, and leaves a screenshot in bin/.
func (f *field) page(name, path, until string) string {
	f.t.Helper()
	picture, err := filepath.Abs("../bin/ui-" + name + ".png")
	must(f.t, err)
	out, err := exec.Command(f.browser(), "http://"+f.consul.addr+path, until, picture).CombinedOutput()
	if err != nil {
		f.t.Fatalf("%v: %s (Debian: apt-get install chromium)", err, out)
	}
	return string(out)
}

// browser builds the program that drives Chromium; it is a module of its own.
func (f *field) browser() string {
	f.t.Helper()
	bin := filepath.Join(f.dir, "ui")
	if _, err := os.Stat(bin); err == nil {
		return bin
	}
	if out, err := exec.Command("go", "build", "-C", "ui", "-o", bin, ".").CombinedOutput(); err != nil {
		f.t.Fatalf("build the browser's driver: %v: %s", err, out)
	}
	return bin
}
