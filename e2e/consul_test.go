package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is a Consul of a test's own. It keeps its data, so that it can be killed and come back.
type server struct {
	t     testing.TB
	dir   string
	addr  string // of the HTTP API
	token string // of whoever the test is, where ACLs are on
	ports []string
	acl   bool
	extra string // of its configuration

	limits string // on requests, in its block of limits
	cmd    *exec.Cmd

	client *http.Client // of whoever cannot be reached as usual; nil: as usual
}

// startConsul starts a server that lets sessions be as short as a second.
func startConsul(t testing.TB, options ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), ports: freePorts(t, 4)}
	s.addr = "127.0.0.1:" + s.ports[0]
	for _, option := range options {
		s.acl = s.acl || option == "acl"
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	config := `session_ttl_min = "1s" limits { http_max_conns_per_client = 2000 ` + s.limits + ` }` + "\n" +
		`performance { raft_multiplier = 1 } leave_on_terminate = false skip_leave_on_interrupt = true` + "\n"
	if s.acl {
		s.token = "6f1b5e9a-0000-4000-8000-000000000001"
		config += `acl { enabled = true default_policy = "deny" enable_key_list_policy = true tokens { initial_management = "` + s.token + `" agent = "` + s.token + `" } }`
	}
	file := filepath.Join(s.dir, "consul.hcl")
	must(s.t, os.WriteFile(file, []byte(config+s.extra), 0o600))
	s.cmd = exec.Command(consulBin, "agent", "-server", "-bootstrap-expect=1", "-ui", "-node", "here",
		"-data-dir", filepath.Join(s.dir, "data"), "-config-file", file,
		"-bind", "127.0.0.1", "-client", "127.0.0.1", "-http-port", s.ports[0], "-server-port", s.ports[1],
		"-serf-lan-port", s.ports[2], "-serf-wan-port", s.ports[3], "-dns-port", "-1", "-grpc-port", "-1",
		"-grpc-tls-port", "-1", "-log-level", "warn")
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(s.t, err)
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	must(s.t, s.cmd.Start())
	eventually(s.t, "consul to have a leader; its log: "+filepath.Join(s.dir, "log"), 30*time.Second, func() bool {
		code, text := s.http("GET", "/v1/status/leader", "")
		if code != 200 || !strings.Contains(text, ":") {
			return false
		}
		code, _ = s.http("PUT", "/v1/kv/e2e/up", "yes")
		return code == 200
	})
}

// kill ends the server at once; start brings it back with its data.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(syscall.SIGKILL)
		_ = s.cmd.Wait()
	}
}

// http asks Consul's API as the test itself.
func (s *server) http(method, path, body string) (int, string) {
	base := s.addr
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	request, err := http.NewRequest(method, base+path, strings.NewReader(body))
	must(s.t, err)
	request.Header.Set("X-Consul-Token", s.token)
	client := cmp.Or(s.client, &http.Client{Timeout: 20 * time.Second})
	answer, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// get reads a key under orch/, raw; "" where there is none.
func (s *server) get(key string) string {
	code, text := s.http("GET", "/v1/kv/orch/"+key+"?raw&consistent", "")
	if code != 200 {
		return ""
	}
	return text
}

func (s *server) put(key, value string) {
	s.t.Helper()
	if code, text := s.http("PUT", "/v1/kv/orch/"+key, value); code != 200 || strings.TrimSpace(text) != "true" {
		s.t.Fatalf("put %s: %d %s", key, code, text)
	}
}

func (s *server) delete(key string) {
	s.t.Helper()
	if code, text := s.http("DELETE", "/v1/kv/orch/"+key, ""); code != 200 {
		s.t.Fatalf("delete %s: %d %s", key, code, text)
	}
}

// policy makes or replaces a policy.
func (s *server) policy(name, rules string) {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"Name": name, "Rules": rules})
	must(s.t, err)
	path := "/v1/acl/policy"
	if code, text := s.http("GET", "/v1/acl/policy/name/"+name, ""); code == 200 {
		var there struct{ ID string }
		must(s.t, json.Unmarshal([]byte(text), &there))
		path += "/" + there.ID
	}
	if code, text := s.http("PUT", path, string(body)); code != 200 {
		s.t.Fatalf("policy %s: %d %s", name, code, text)
	}
}

// newToken makes a token with one policy of that name.
func (s *server) newToken(name, rules string) string {
	s.t.Helper()
	s.policy(name, rules)
	code, text := s.http("PUT", "/v1/acl/token", `{"Policies": [{"Name": "`+name+`"}]}`)
	if code != 200 {
		s.t.Fatalf("token %s: %d %s", name, code, text)
	}
	var token struct{ SecretID string }
	must(s.t, json.Unmarshal([]byte(text), &token))
	return token.SecretID
}

// freePorts finds ports that nobody uses now. They are taken from below the range from which the
// kernel gives ports to connections, or one of those may have it before the server does.
func freePorts(t testing.TB, n int) []string {
	t.Helper()
	var ports []string
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000)))
		if err != nil {
			continue
		}
		defer l.Close()
		if ports = append(ports, fmt.Sprint(l.Addr().(*net.TCPAddr).Port)); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no free ports")
	return nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for something that happens in other processes.
func eventually(t testing.TB, what string, within time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", within, what)
		}
		time.Sleep(30 * time.Millisecond)
	}
}
