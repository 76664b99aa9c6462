package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page of the agent has every variable that its help names, but those that it gives to a run.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	if _, code, out := runIt("man", dir); code != exitStopped {
		t.Fatalf("exit code %d: %s", code, out)
	}
	page, err := os.ReadFile(filepath.Join(dir, "convergeagent.8"))
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range regexp.MustCompile(`\b(ORCH_PREFIX|CONSUL_[A-Z_]+)\b`).FindAllString(newRoot(nil, nil).UsageString(), -1) {
		if !strings.Contains(string(page), ".B "+variable+"\n") {
			t.Errorf("the help names %s, and the page does not", variable)
		}
	}
	for _, code := range []string{"0", "1", "2", "6"} {
		if !strings.Contains(string(page), ".TP\n.B "+code+"\n") {
			t.Errorf("the page says nothing of exit code %s", code)
		}
	}
	for _, name := range []string{"disable", "enable", "version"} {
		if _, err := os.Stat(filepath.Join(dir, "convergeagent-"+name+".8")); err != nil {
			t.Error(err)
		}
	}
	if _, code, out := runIt("man"); code != exitUsage || !strings.Contains(out, "folder") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
