package consultest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is a Consul server of a test's own.
type Server struct {
	Address string // of its HTTP API
	Token   string // that may do everything
	command []string
	kill    func() // the process, and waits for its end
}

const config = `
session_ttl_min = "1s"
limits { http_max_conns_per_client = 2000 }
acl {
  enabled        = true
  default_policy = "deny"
  tokens { initial_management = %[1]q, agent = %[1]q }
}
performance { raft_multiplier = 1 }
`

const management = "6f1b5e9a-0000-4000-8000-000000000001"

// Start runs a server in memory until the test ends. Its sessions may be as short as a second.
func Start(t testing.TB) *Server { return begin(t, "-dev") }

// StartLasting runs one that keeps what it knows on disk, for Restart.
func StartLasting(t testing.TB) *Server {
	return begin(t, "-server", "-bootstrap-expect", "1", "-data-dir", t.TempDir())
}

// Restart kills the server and starts it anew on what it has on disk, at the same address.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.kill()
	if err := s.launch(); err != nil {
		t.Fatalf("restart consul: %v", err)
	}
}

func begin(t testing.TB, mode ...string) *Server {
	t.Helper()
	path := Find(t)
	var err error
	for range 3 { // somebody else may take a port that was free
		var s *Server
		if s, err = start(t, path, mode); err == nil {
			t.Cleanup(func() { s.kill() })
			return s
		}
	}
	t.Fatalf("start consul: %v", err)
	return nil
}

func start(t testing.TB, path string, mode []string) (*Server, error) {
	ports, err := Ports(6)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(t.TempDir(), "consul.hcl")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, management), 0o600); err != nil {
		return nil, err
	}
	s := &Server{Address: "127.0.0.1:" + ports[0], Token: management}
	s.command = append([]string{path, "agent", "-node", "here", "-config-file", file, "-log-level", "error",
		"-bind", "127.0.0.1", "-client", "127.0.0.1", "-http-port", ports[0], "-server-port", ports[1],
		"-serf-lan-port", ports[2], "-serf-wan-port", ports[3], "-grpc-port", ports[4], "-grpc-tls-port", ports[5], "-dns-port", "-1"}, mode...)
	return s, s.launch()
}

// launch starts the process and waits until it leads and writes.
func (s *Server) launch() error {
	cmd := exec.Command(s.command[0], s.command[1:]...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	s.kill = func() {
		_ = cmd.Process.Kill() // this process only, by its id
		<-ended
	}
	if err := s.await(ended); err != nil {
		s.kill()
		return fmt.Errorf("%w: %s", err, tail(log.String()))
	}
	return nil
}

// await waits until the server leads and writes.
func (s *Server) await(ended <-chan struct{}) error {
	deadline := time.After(time.Minute)
	for {
		if _, err := s.Do("PUT", "/v1/kv/consultest", strings.NewReader("up")); err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("it ended by itself")
		case <-deadline:
			return fmt.Errorf("it did not begin to lead within a minute")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func tail(log string) string {
	return log[max(0, len(log)-1000):]
}
