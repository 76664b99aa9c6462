package consulkv_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orch/states"
	"orch/states/consulkv"
)

// recorder is no Consul, but knows what it was asked.
type recorder struct{ token, dc, path string }

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.token, r.dc, r.path = q.Header.Get("X-Consul-Token"), q.URL.Query().Get("dc"), q.URL.Path
	_, _ = w.Write([]byte(`{"Results":[{"KV":{"Key":"k"}}]}`))
}

func TestOpenTakesConsulsEnvironment(t *testing.T) {
	seen := &recorder{}
	server := httptest.NewServer(seen)
	defer server.Close()
	t.Setenv("CONSUL_HTTP_ADDR", server.URL)
	t.Setenv("CONSUL_HTTP_TOKEN", "from the environment")
	t.Setenv("CONSUL_DATACENTER", "east")
	t.Setenv("http_proxy", "http://127.0.0.1:1") // never for the loopback interface
	ask := func(config consulkv.Config) {
		t.Helper()
		client, err := consulkv.Open(config)
		must(t, err)
		_, err = client.Txn(t.Context(), someRead)
		must(t, err)
	}
	ask(consulkv.Config{})
	if *seen != (recorder{"from the environment", "east", "/v1/txn"}) {
		t.Errorf("Consul was asked with %+v", *seen)
	}
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte("from a file\n"), 0o600))
	t.Setenv("CONSUL_HTTP_TOKEN_FILE", file)
	ask(consulkv.Config{Datacenter: "west"})
	if *seen != (recorder{"from a file", "west", "/v1/txn"}) {
		t.Errorf("Consul was asked with %+v", *seen)
	}
	t.Setenv("CONSUL_HTTP_ADDR", "127.0.0.1:1")
	ask(consulkv.Config{Address: server.URL})
}

func TestOpenWithTLS(t *testing.T) {
	server := httptest.NewTLSServer(&recorder{})
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	client, err := consulkv.Open(consulkv.Config{Address: server.URL, CAFile: file})
	must(t, err)
	_, err = client.Txn(t.Context(), someRead)
	must(t, err)
	client, err = consulkv.Open(consulkv.Config{Address: server.URL})
	must(t, err)
	_, err = client.Txn(t.Context(), someRead)
	wants(t, "without the authority", err, states.ErrUnavailable)
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("it does not say why: %v", err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for name, config := range map[string]consulkv.Config{
		"a token file that is not there": {TokenFile: filepath.Join(t.TempDir(), "none")},
		"a token file that is a folder":  {TokenFile: t.TempDir()},
		"an authority that is not there": {Address: "https://127.0.0.1:1", CAFile: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := consulkv.Open(config); err == nil || !strings.Contains(err.Error(), t.Name()) { // the path has the name
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is neither on nor off, and what is no address, is refused by its name: a Consul that is asked in the
// clear because somebody wrote yes, or one that is looked for for ever, helps nobody.
func TestOpenRefusesAHostileEnvironment(t *testing.T) {
	for _, name := range []string{"CONSUL_HTTP_SSL", "CONSUL_HTTP_SSL_VERIFY", "CONSUL_HTTP_ADDR"} {
		for _, value := range []string{"yes ", "\x1b[2J", "a\nb", "not UTF-8 \xff", strings.Repeat("w", 100_000)} {
			t.Run(name, func(t *testing.T) {
				t.Setenv(name, value)
				if _, err := consulkv.Open(consulkv.Config{}); err == nil || !strings.Contains(err.Error(), name) || len(err.Error()) > 700 || strings.ContainsAny(err.Error(), "\x1b\n\xff") {
					t.Errorf("%.40q: %v", value, err)
				}
			})
		}
	}
}
