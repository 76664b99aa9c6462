package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"orch/states/skiptest"
)

// Whatever a script, or somebody who pastes, puts where the agent expects a name: it is refused in a few
// words that a terminal can show, and nothing starts.
func TestHostileFlags(t *testing.T) {
	words := map[string]string{
		"empty": "", "blank": " ", "parent": "../web", "slash": "web/x", "dots": "..", "dash": "-", "option": "-rf", "newline": "web\nweb",
		"escape": "\x1b[2Jweb", "title": "\x1b]0;owned\a", "C1": "\u009b2J", "lookalike": "wеb", "bidi": "web\u202ebew", "nothing seen": "web\u200b",
		"percent": "web%2fx", "star": "*", "shell": "$(reboot)", "not UTF-8": "web\xff", "very long": strings.Repeat("w", 200_000),
	}
	for _, flag := range []string{"--cluster", "--node", "--log-level", "--session-ttl", "--meta", "--config"} {
		for name, word := range words {
			args := []string{"--cluster", "web", "--node", "n1", "--state-dir", t.TempDir(), flag + "=" + word, "--exec", "true"}
			if flag == "--config" {
				args = []string{flag + "=" + word}
			}
			if flag == "--node" && word == "" || flag == "--meta" && word == "" {
				continue // as if it was not there
			}
			_, code, out := runIt(args...)
			if code != exitUsage && code != exitError || len(out) > 3000 && len(word) < 1000 {
				t.Errorf("%s %s: exit code %d in %d bytes: %.300s", flag, name, code, len(out), out)
			}
			if i := strings.IndexFunc(out, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }); i >= 0 {
				t.Errorf("%s %s: a terminal may obey what is said: %q", flag, name, out[max(0, i-60):min(len(out), i+60)])
			}
		}
	}
}

// A configuration file is read to an end: a device has none, and is named.
func TestHostileConfigFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/zero", "/dev/null", dir, pipe, file("NUL", "\x00"), file("wide", "c\x00l\x00"), file("deep", strings.Repeat("[", 500_000)),
		file("escape", "cluster = \"\x1b[2J\""), file("huge", strings.Repeat("# no end\n", 300_000))} {
		begun := time.Now()
		_, code, out := runIt("--config", path)
		if code != exitUsage && code != exitError || time.Since(begun) > 20*time.Second {
			t.Errorf("%s: exit code %d after %s: %.300s", path, code, time.Since(begun), out)
		}
		if strings.ContainsAny(out, "\x1b\x00") {
			t.Errorf("%s: %q", path, out)
		}
	}
}

// The file says what root runs: who can write it, or put another in its place, is root.
func TestAConfigurationThatOthersCanWrite(t *testing.T) {
	const text = `cluster = "web"
state_dir = "/var/lib/convergeagent"
converge "exec" { command = ["/bin/true"] }`
	made := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "etc", "agent.hcl")
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, row := range map[string]struct {
		spoil func(path string) error
		says  string // "": it may be used
	}{
		"as it should be": {func(string) error { return nil }, ""},
		"others":          {func(path string) error { return os.Chmod(path, 0o646) }, "others may write it"},
		"group":           {func(path string) error { return os.Chmod(path, 0o664) }, "others may write it"},
		"its folder":      {func(path string) error { return os.Chmod(filepath.Dir(path), 0o777) }, "chmod go-w it"},
		"another's":       {func(path string) error { return os.Chown(path, 12345, -1) }, "belongs to user 12345"},
		"a link to it": {func(path string) error {
			return errors.Join(os.Rename(path, path+".real"), os.Chmod(path+".real", 0o666), os.Symlink(path+".real", path))
		}, "others may write it"},
	} {
		t.Run(name, func(t *testing.T) {
			path := made(t)
			if err := row.spoil(path); err != nil {
				skiptest.Denied(t, "only root gives files away: %v", err)
			}
			told, code, out := runIt("--config", path)
			if row.says == "" && (code != 0 || told.Cluster != "web") || row.says != "" && (code != exitUsage || !strings.Contains(out, row.says)) {
				t.Errorf("exit code %d, cluster %q: %s", code, told.Cluster, out)
			}
		})
	}
}
