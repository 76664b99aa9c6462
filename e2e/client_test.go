package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// client is a node's own Consul agent: no server, as it runs beside a service in the field.
type client struct {
	*server
	node string
	args []string
	hub  *server // that it joined
}

// startClient starts a node's own Consul agent and waits until the server knows the node.
func startClient(t testing.TB, s *server, node string) *client {
	t.Helper()
	c := &client{server: &server{t: t, dir: t.TempDir(), ports: freePorts(t, 2), token: s.token, acl: s.acl}, node: node, hub: s}
	c.addr = "127.0.0.1:" + c.ports[0]
	config := ""
	if s.acl {
		config = `acl { enabled = true default_policy = "deny" token_ttl = "1s" policy_ttl = "1s" tokens { agent = "` + s.token + `" } }`
	}
	file := filepath.Join(c.dir, "client.hcl")
	must(t, os.WriteFile(file, []byte(config), 0o600))
	c.args = []string{"-node", node, "-data-dir", filepath.Join(c.dir, "data"), "-config-file", file,
		"-bind", "127.0.0.1", "-client", "127.0.0.1", "-http-port", c.ports[0], "-serf-lan-port", c.ports[1],
		"-retry-join", "127.0.0.1:" + s.ports[2], "-retry-interval", "1s",
		"-dns-port", "-1", "-grpc-port", "-1", "-grpc-tls-port", "-1", "-log-level", "warn"}
	c.again()
	return c
}

// again starts the Consul agent, with the data that it has.
func (c *client) again() {
	c.t.Helper()
	c.begin(c.args...)
	c.t.Cleanup(func() { c.kill() })
	must(c.t, c.awaits("a place in the catalog", func() bool {
		code, text := c.hub.http("GET", "/v1/catalog/node/"+c.node, "")
		if code != 200 || strings.TrimSpace(text) == "null" {
			return false
		}
		code, _ = c.http("GET", "/v1/status/leader", "")
		return code == 200
	}))
}

// register puts an instance of the service web on the node.
func (c *client) register(id string) {
	c.t.Helper()
	if code, text := c.http("PUT", "/v1/agent/service/register", `{"ID": "`+id+`", "Name": "web"}`); code != 200 {
		c.t.Fatalf("register %s on %s: %d %s", id, c.node, code, text)
	}
}

// maintain puts an instance into maintenance as a person does, or takes it out with no reason.
func (c *client) maintain(id, reason string) {
	c.t.Helper()
	query := "?enable=false"
	if reason != "" {
		query = "?enable=true&reason=" + strings.ReplaceAll(reason, " ", "+")
	}
	if code, text := c.http("PUT", "/v1/agent/service/maintenance/"+id+query, ""); code != 200 {
		c.t.Fatalf("maintenance of %s on %s: %d %s", id, c.node, code, text)
	}
}

// maintenance tells why an instance is in maintenance; "": it is not.
func (c *client) maintenance(id string) string {
	code, text := c.http("GET", "/v1/agent/checks", "")
	var checks map[string]struct{ Notes string }
	if code != 200 || json.Unmarshal([]byte(text), &checks) != nil {
		return "cannot be told: " + text
	}
	return checks["_service_maintenance:"+id].Notes
}

// serves tells whether the server's catalog, where everybody looks, hands an instance out.
func (s *server) serves(node string) bool {
	_, text := s.http("GET", "/v1/health/service/web?passing", "")
	return strings.Contains(text, `"Node":"`+node+`"`)
}
