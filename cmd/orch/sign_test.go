package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orch/states"
)

// keyed makes a key with the verb, and gives its file and what is public of it.
func keyed(t *testing.T, w *world, may ...string) (path string, trusted states.TrustedKey) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key")
	line := []string{"sign", "keygen", "--out", path, "--name", "ci", "-o", "json"}
	for _, name := range may {
		line = append(line, "--state", name)
	}
	var made keyJSON
	if err := json.Unmarshal([]byte(w.must(exitDone, line...)), &made); err != nil {
		t.Fatal(err)
	}
	public, err := base64.StdEncoding.DecodeString(made.Public)
	if err != nil {
		t.Fatal(err)
	}
	return path, states.TrustedKey{Name: made.Name, Public: public, States: made.States}
}

// trusting lets every agent of a world obey signed states only.
func (w *world) trusting(keys ...states.TrustedKey) {
	for i := range w.snapshot.Nodes {
		w.snapshot.Nodes[i].Status.Value.Trust = keys
	}
}

func TestKeygen(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "ci.key")
	says(t, w.must(exitUsage, "sign", "keygen", "--out", path), "name the states")
	says(t, w.must(exitUsage, "sign", "keygen", "--state", "version"), "--out")
	says(t, w.must(exitUsage, "sign", "keygen", "--out", path, "--state", "version 42"), "without an argument")
	block := w.must(exitDone, "sign", "keygen", "--out", path, "--state", "version,converged")
	says(t, block, `key "ci" {`, `states = ["version", "converged"]`, `public = "`)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if again := w.must(exitDone, "sign", "public", path, "--state", "version", "--state", "converged"); again != block {
		t.Errorf("%s\n%s", block, again)
	}
	before, _ := os.ReadFile(path)
	says(t, w.must(exitError, "sign", "keygen", "--out", path, "--state", "*"), "exists")
	if after, _ := os.ReadFile(path); string(after) != string(before) || strings.Contains(block, string(before)) {
		t.Error("the key was written over, or printed")
	}
}

// A key is kept like a token.
func TestKeysThatAreNotTaken(t *testing.T) {
	w := applied(t)
	path, _ := keyed(t, w, "*")
	text, _ := os.ReadFile(path)
	for name, row := range map[string]struct {
		spoil func() error
		why   string
	}{
		"others may read": {func() error { return os.Chmod(path, 0o644) }, "others can get at it"},
		"cut short":       {func() error { return os.WriteFile(path, text[:60], 0o600) }, "it is no key as orch sign keygen makes it"},
		"a certificate": {func() error {
			return os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "PRIVATE KEY", "CERTIFICATE")), 0o600)
		}, "it is no key"},
		"garbled": {func() error {
			return os.WriteFile(path, []byte(strings.Replace(string(text), "MC4C", "AAAA", 1)), 0o600)
		}, "it is no Ed25519 key"},
		"a folder":  {func() error { _ = os.Remove(path); return os.Mkdir(path, 0o700) }, "it must be a plain file"},
		"not there": {func() error { return os.Remove(path) }, "no such file"},
	} {
		_ = os.RemoveAll(path)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := row.spoil(); err != nil {
			t.Fatal(err)
		}
		if out := w.must(exitError, "transition", "web", "on", "--sign-key", path); !strings.Contains(out, row.why) {
			t.Errorf("%s: %s", name, out)
		}
	}
	if len(w.filed) > 0 {
		t.Error("something was asked all the same")
	}
}

func TestSignedMoves(t *testing.T) {
	w := newWorld(t)
	path, ci := keyed(t, w, "*")
	w.trusting(ci)
	definition := file(t, webFile)
	says(t, w.must(exitRefused, "apply", "--yes", definition), "web-1, web-2, web-3 would not follow: it is not signed", "--sign-key FILE")
	w.must(exitDone, "apply", "--yes", "--sign-key", path, definition)
	says(t, w.must(exitRefused, "transition", "web", "on"), "says nothing of on", "--sign-key FILE")
	says(t, w.must(exitDone, "plan", "web", "on"), "to be signed (--sign-key): web-1 web-2 web-3 obey signed states only")
	says(t, w.must(exitDone, "transition", "web", "version", "42", "--sign-key", path, "--valid", "12h", "--via", "on"),
		"signed for on, version 42, back to off, until 2026-03-14 15:00Z", "done: web is at version 42")
	if !everywhere(w.at(), "version 42") {
		t.Errorf("%v", w.at())
	}
	w.seconds++
	w.env["ORCH_SIGN_KEY"] = path
	says(t, w.must(exitDone, "transition", "web", "version", "42"), "nothing to do: web is at version 42.", "signed anew until 2026-04-13 03:00Z")
	if held := w.snapshot.Desired.Value.Warrants; len(held) != 1 || held[0].Request != w.filed[len(w.filed)-1].ID {
		t.Errorf("%+v", held)
	}
	w.seconds++
	w.must(exitDone, "transition", "web", "version", "43")
	delete(w.env, "ORCH_SIGN_KEY")
	w.must(exitDone, "rollback", "web")
	if !everywhere(w.at(), "version 42") {
		t.Errorf("%v", w.at())
	}
}

// With --definition nothing is signed that somebody else put into Consul.
func TestSignsWhatIsInTheFileAlone(t *testing.T) {
	w := newWorld(t)
	path, ci := keyed(t, w, "*")
	w.trusting(ci)
	ours := file(t, webFile)
	w.must(exitDone, "apply", "--yes", "--sign-key", path, ours)
	w.must(exitDone, "transition", "web", "on", "--sign-key", path, "--definition", ours)
	says(t, w.must(exitRefused, "transition", "web", "version", "42", "--sign-key", path, "--definition", file(t, strings.Replace(webFile, "5m", "6m", 1))),
		"the definition in Consul is not the one in")
	says(t, w.must(exitUsage, "transition", "web", "version", "42", "--definition", ours), "there is no --sign-key")
	says(t, w.must(exitUsage, "transition", "web", "version", "42", "--sign-key", path, "--valid", "0d"), "between 1m and 3650d")
	if !everywhere(w.at(), "on") {
		t.Errorf("%v", w.at())
	}
}

func TestRecoverIsSigned(t *testing.T) {
	w := newWorld(t)
	path, ci := keyed(t, w, "*")
	w.trusting(ci)
	w.must(exitDone, "apply", "--yes", "--sign-key", path, file(t, webFile))
	w.must(exitDone, "transition", "web", "on", "--sign-key", path)
	says(t, w.must(exitRefused, "recover", "web", "on", "--override", "healthy", "--yes"), "as far as its warrant goes", "--sign-key FILE")
	w.seconds++
	w.must(exitDone, "recover", "web", "on", "--override", "healthy", "--yes", "--sign-key", path)
	w.must(exitDone, "resume", "web")
	if w.snapshot.Desired.Value.Generation < 1000 || !everywhere(w.at(), "on") {
		t.Errorf("%+v", w.snapshot.Desired.Value)
	}
}
