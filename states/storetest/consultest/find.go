package consultest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"orch/states/skiptest"
)

// Find gives the path of a Consul program: $CONSUL_BIN, the one in $PATH, or bin/consul of this
// repository. Without one the test is skipped, and fails where CI says that nothing may be skipped.
func Find(t testing.TB) string {
	t.Helper()
	if path := find(); path != "" {
		return path
	}
	skiptest.Lacks(t, "there is no Consul to test with: make consul")
	return ""
}

func find() string {
	if path := os.Getenv("CONSUL_BIN"); path != "" {
		return path
	}
	if path, err := exec.LookPath("consul"); err == nil {
		return path
	}
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			path := filepath.Join(dir, "bin", "consul")
			if _, missing := os.Stat(path); missing == nil {
				return path
			}
			return ""
		}
		dir = filepath.Dir(dir)
	}
	return ""
}
