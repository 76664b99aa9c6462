package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Every verb of the help has a page, and the page of orch has every variable that any help names, and
// every exit code.
func TestManPages(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	w.must(exitDone, "man", dir)
	main, err := os.ReadFile(filepath.Join(dir, "orch.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range newRoot(realApp()).Commands() {
		_, err := os.Stat(filepath.Join(dir, "orch-"+cmd.Name()+".1"))
		if shown := cmd.IsAvailableCommand(); shown != (err == nil) {
			t.Errorf("%s is in the help: %t; its page: %v", cmd.Name(), shown, err)
		}
		for _, variable := range regexp.MustCompile(`\b(ORCH|CONSUL)_[A-Z_]+\b`).FindAllString(cmd.Long+cmd.LocalFlags().FlagUsages()+cmd.InheritedFlags().FlagUsages(), -1) {
			if !strings.Contains(string(main), ".B "+variable) {
				t.Errorf("the help of %s names %s, and orch.1 does not", cmd.Name(), variable)
			}
		}
	}
	for _, code := range []string{"0", "1", "2", "3", "4", "5", "6", "130"} {
		if !strings.Contains(string(main), ".TP\n.B "+code+"\n") {
			t.Errorf("orch.1 says nothing of exit code %s", code)
		}
	}
}

func TestManPagesHaveTheDateOfTheSource(t *testing.T) {
	a := realApp()
	a.env = func(name string) string { return map[string]string{"SOURCE_DATE_EPOCH": "86400"}[name] }
	a.now = func() time.Time { return time.Unix(1e9, 0) }
	dir := t.TempDir()
	if code := run(a, []string{"man", dir}); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "orch-why.1")); err != nil || !strings.Contains(string(page), `"1970-01-02"`) {
		t.Errorf("%v: %s", err, page)
	}
}
