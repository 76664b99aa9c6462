package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What ORCH_CONFIG names is read to an end, or refused with its name: a gate that nobody can answer pauses a move.
func TestHostileLeaderFiles(t *testing.T) {
	dir := t.TempDir()
	pipe, huge, deep, binary, ours := dir+"/pipe", dir+"/huge", dir+"/deep", dir+"/binary", dir+"/ours"
	must(t, syscall.Mkfifo(pipe, 0o600))
	must(t, os.WriteFile(huge, nil, 0o600))
	must(t, os.Truncate(huge, 1<<40))
	must(t, os.WriteFile(deep, []byte(strings.Repeat("{", 200_000)), 0o600))
	must(t, os.WriteFile(binary, []byte("gate \"\x1b[2J\" {\x00\xff}"), 0o600))
	must(t, os.WriteFile(ours, []byte(`gate "smoke" { command = ["/bin/true"] }`), 0o600))
	for _, path := range []string{dir, dir + "/none", dir + "/\x1b[2J", strings.Repeat("w", 5000), "../../../etc/passwd", "/dev/zero", "/dev/null/x", pipe, huge, deep, binary} {
		gates, err := programs(path)()
		if err == nil || len(gates) > 0 {
			t.Errorf("%.80q: %v, %v", path, gates, err)
			continue
		}
		shownSafely(t, path, visible(message(err)))
	}
	if gates, err := programs(ours)(); err != nil || len(gates) != 1 {
		t.Errorf("%v, %v", gates, err)
	}
}

// A variable of the environment is a text and nothing else: it is refused in words that can be shown, or
// stands in the definition, quoted.
func TestHostileVariables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.hcl")
	must(t, os.WriteFile(path, []byte(`variable "color" { description = "of it" }
cluster "web" {
  initial = "off"
  state "off" { serving = false }
  state "on" { attributes = { color = var.color } }
  transition "on" { from = ["off"] }
}
`), 0o600))
	words := map[string]string{"code": `"} } cluster "db" {`, "template": "${argument} %{ if true }", "huge": strings.Repeat("w", 1<<20), "lines": "a\nb\r\n", "foul": evil[:len(evil)-12]}
	for name, word := range hostileWords {
		words[name] = word
	}
	for name, word := range words {
		if strings.ContainsRune(word, 0) {
			continue // cannot be in an environment
		}
		t.Run(name, func(t *testing.T) {
			t.Setenv("ORCH_VAR_color", word)
			w := applied(t)
			before := w.writes
			code := w.run("apply", "--yes", path)
			said := w.err.String() + w.out.String()
			if code == exitDone == (w.writes == before) || code != exitDone && !strings.Contains(said, "color") && !strings.Contains(said, "Too much to read") {
				t.Errorf("exit code %d, %d writes: %.300s", code, w.writes-before, said)
			}
			shownSafely(t, name, said)
		})
	}
}
