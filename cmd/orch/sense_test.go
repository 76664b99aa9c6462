package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProgramsOfThisMachine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orch.hcl")
	read := programs(path)
	if _, err := read(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a named file that is missing: %v", err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`gate "lag" { command = "/bin/lag" }`)
	if _, err := read(); err == nil || !strings.Contains(err.Error(), path+" line 1: Not a command") {
		t.Errorf("a file with a mistake: %v", err)
	}
	write(`gate "lag" { command = ["/bin/lag", "--max", "5"] }`)
	if gates, err := read(); err != nil || strings.Join(gates["lag"], " ") != "/bin/lag --max 5" {
		t.Errorf("a file that was mended: %v, %v", gates, err)
	}
	if _, err := os.Lstat(leaderFile); err == nil {
		t.Skip("this machine has a file of its own")
	}
	if gates, err := programs("")(); len(gates) != 0 || err != nil {
		t.Errorf("no file at all: %v, %v", gates, err)
	}
}
