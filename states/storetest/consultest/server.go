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
}

const config = `
session_ttl_min = "1s"
limits { http_max_conns_per_client = 2000 }
acl {
  enabled        = true
  default_policy = "deny"
  tokens { initial_management = %[1]q, agent = %[1]q }
}
`

const management = "6f1b5e9a-0000-4000-8000-000000000001"

// Start runs a server in memory until the test ends. Its sessions may be as short as a second.
func Start(t testing.TB) *Server {
	t.Helper()
	path := Find(t)
	var err error
	for range 3 { // somebody else may take a port that was free
		var s *Server
		if s, err = start(t, path); err == nil {
			return s
		}
	}
	t.Fatalf("start consul: %v", err)
	return nil
}

func start(t testing.TB, path string) (*Server, error) {
	ports, err := Ports(6)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(t.TempDir(), "consul.hcl")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, management), 0o600); err != nil {
		return nil, err
	}
	s := &Server{Address: "127.0.0.1:" + ports[0], Token: management}
	cmd := exec.Command(path, "agent", "-dev", "-node", "here", "-config-file", file, "-log-level", "error",
		"-bind", "127.0.0.1", "-client", "127.0.0.1", "-http-port", ports[0], "-server-port", ports[1],
		"-serf-lan-port", ports[2], "-serf-wan-port", ports[3], "-grpc-port", ports[4], "-grpc-tls-port", ports[5], "-dns-port", "-1")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop := func() {
		_ = cmd.Process.Kill() // this process only, by its id
		<-ended
	}
	if err := s.await(ended); err != nil {
		stop()
		return nil, fmt.Errorf("%w: %s", err, tail(log.String()))
	}
	t.Cleanup(stop)
	return s, nil
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
