package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/states/storetest/consultest"
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
	ended  chan struct{}

	client *http.Client // of whoever cannot be reached as usual; nil: as usual
}

// startConsul starts a server that lets sessions be as short as a second. One that ends by itself, as it
// does when somebody took its port, is started again on other ports: nobody was told its address yet.
func startConsul(t testing.TB, options ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	for _, option := range options {
		s.acl = s.acl || option == "acl"
	}
	var err error
	for range 2 {
		s.ports = freePorts(t, 4)
		s.addr = "127.0.0.1:" + s.ports[0]
		if err = s.try(); err == nil {
			t.Cleanup(func() { s.kill() })
			return s
		}
		if s.kill() {
			break // it was there, and did not get to lead: that is to be seen
		}
	}
	t.Fatal(err)
	return nil
}

// start brings the server up with the data that it has.
func (s *server) start() {
	s.t.Helper()
	must(s.t, s.try())
}

func (s *server) try() error {
	config := `session_ttl_min = "1s" limits { http_max_conns_per_client = 10000 ` + s.limits + ` }` + "\n" +
		`performance { raft_multiplier = 1 } leave_on_terminate = false skip_leave_on_interrupt = true` + "\n"
	if s.acl {
		s.token = "6f1b5e9a-0000-4000-8000-000000000001"
		config += `acl { enabled = true default_policy = "deny" enable_key_list_policy = true tokens { initial_management = "` + s.token + `" agent = "` + s.token + `" } }`
	}
	file := filepath.Join(s.dir, "consul.hcl")
	must(s.t, os.WriteFile(file, []byte(config+s.extra), 0o600))
	s.begin("-server", "-bootstrap-expect=1", "-ui", "-node", "here",
		"-data-dir", filepath.Join(s.dir, "data"), "-config-file", file,
		"-bind", "127.0.0.1", "-client", "127.0.0.1", "-http-port", s.ports[0], "-server-port", s.ports[1],
		"-serf-lan-port", s.ports[2], "-serf-wan-port", s.ports[3], "-dns-port", "-1", "-grpc-port", "-1",
		"-grpc-tls-port", "-1", "-log-level", "warn")
	return s.awaits("a leader", func() bool {
		code, text := s.http("GET", "/v1/status/leader", "")
		if code != 200 || !strings.Contains(text, ":") {
			return false
		}
		code, _ = s.http("PUT", "/v1/kv/e2e/up", "yes")
		return code == 200
	})
}

// begin starts the process.
func (s *server) begin(args ...string) {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(s.t, err)
	defer log.Close()
	cmd, ended := exec.Command(consulBin, append([]string{"agent"}, args...)...), make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	must(s.t, cmd.Start())
	go func() { _ = cmd.Wait(); close(ended) }()
	s.cmd, s.ended = cmd, ended
}

// awaits waits for what the process should come to, a minute at most on a machine under load, and tells
// the end of its log if it does not.
func (s *server) awaits(what string, ok func() bool) error {
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		select {
		case <-s.ended:
			return fmt.Errorf("consul ended before it had %s: %s; the end of its log:\n%s", what, s.cmd.ProcessState, s.tail())
		case <-time.After(30 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("consul does not come to have %s in a minute; the end of its log:\n%s", what, s.tail())
		}
	}
	return nil
}

func (s *server) tail() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// kill ends the server at once, and tells whether it ran; start brings it back with its data.
func (s *server) kill() bool {
	select {
	case <-s.ended:
		return false
	default:
		_ = s.cmd.Process.Signal(syscall.SIGKILL)
		<-s.ended
		return true
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

// freePorts are ports that nobody has while this process lives.
func freePorts(t testing.TB, n int) []string {
	t.Helper()
	ports, err := consultest.Ports(n)
	must(t, err)
	return ports
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
		time.Sleep(50 * time.Millisecond)
	}
}
