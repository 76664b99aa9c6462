package consulkv_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"orch/states/consulkv"
)

// keeper is a Consul that takes one token only, and remembers which it saw last.
type keeper struct{ takes, seen atomic.Value }

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.seen.Store(r.Header.Get("X-Consul-Token"))
	if r.Header.Get("X-Consul-Token") != k.takes.Load() {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("ACL not found"))
		return
	}
	_, _ = w.Write([]byte(`{"Results":[{"KV":{"Key":"k"}}]}`))
}

func TestTokenFilesThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		text string
		mode os.FileMode
		says string // "": it is taken
	}{
		{"secret\n", 0o600, ""},
		{"secret", 0o400, ""},
		{"secret", 0o640, ""},
		{"secret", 0o440, ""},
		{"secret", 0o604, "others can get at it"},
		{"secret", 0o644, "chmod 600"},
		{"secret", 0o602, "others can get at it"},
		{"secret", 0o660, "its group can do more"},
		{"", 0o600, "nothing is in it"},
		{"\n \n", 0o600, "nothing is in it"},
		{"secret\nanother", 0o600, "more than one line"},
		{strings.Repeat("x", 1<<17), 0o600, "no secret"},
	} {
		path := filepath.Join(t.TempDir(), "token")
		must(t, os.WriteFile(path, []byte(row.text), 0o600))
		must(t, os.Chmod(path, row.mode))
		_, err := consulkv.Open(consulkv.Config{Address: "127.0.0.1:1", TokenFile: path})
		switch {
		case row.says == "" && err != nil:
			t.Errorf("%q with mode %s: %v", row.text, row.mode, err)
		case row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), path)):
			t.Errorf("mode %s: %v; want it to say %q and the path", row.mode, err, row.says)
		case err != nil && strings.Contains(err.Error(), "another"):
			t.Errorf("what is in the file is told: %v", err)
		}
	}
	if os.Getuid() == 0 {
		path := filepath.Join(t.TempDir(), "token")
		must(t, os.WriteFile(path, []byte("secret"), 0o600))
		must(t, os.Chown(path, 12345, -1))
		if _, err := consulkv.Open(consulkv.Config{TokenFile: path}); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("somebody else's file: %v", err)
		}
	}
}

// A file that is not fit for use changes nothing while the token works that was read before; when it
// does not any more, the denial says what is wrong with the file.
func TestTokenFileThatIsSpoilt(t *testing.T) {
	consul := &keeper{}
	consul.takes.Store("first")
	server := httptest.NewServer(consul)
	defer server.Close()
	path := filepath.Join(t.TempDir(), "token")
	put := func(text string, mode os.FileMode) {
		must(t, os.WriteFile(path+".new", []byte(text), 0o600))
		must(t, os.Chmod(path+".new", mode))
		must(t, os.Rename(path+".new", path))
	}
	put("first", 0o600)
	client, err := consulkv.Open(consulkv.Config{Address: server.URL, TokenFile: path})
	must(t, err)
	for name, spoil := range map[string]func(){
		"empty": func() { put("", 0o600) }, "for everybody": func() { put("second", 0o644) }, "gone": func() { _ = os.Remove(path) },
	} {
		spoil()
		if _, err = client.Txn(t.Context(), someRead); err != nil || consul.seen.Load() != "first" {
			t.Errorf("%s: %v, with token %v", name, err, consul.seen.Load())
		}
	}
	put("second", 0o644)
	consul.takes.Store("second")
	_, err = client.Txn(t.Context(), someRead)
	denied(t, "with a token that was rotated badly", err)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("it does not say what is wrong: %v", err)
	}
	must(t, os.Chmod(path, 0o600))
	_, err = client.Txn(t.Context(), someRead)
	must(t, err)
	must(t, os.WriteFile(path, []byte("third."), 0o600)) // in place, as long as before
	must(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)))
	consul.takes.Store("third.")
	_, err = client.Txn(t.Context(), someRead)
	must(t, err)
}
