package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lab is a datacenter of a test's own: three Consul servers and the hosts that nodes and operators
// work on, each with a Consul client agent of its own. ACLs deny by default, everything speaks TLS.
// Each host has a network namespace where that is allowed, so that networks can be cut for real;
// elsewhere they are addresses of loopback, and what needs a cut is skipped.
type lab struct {
	*field
	net     *network
	ca      *authority
	hosts   map[string]*host
	servers []string
	joins   string // addresses of the servers, for configurations
	secret  string // the management token
}

// host is a machine of the lab: a Consul agent on an address of its own.
type host struct {
	lab    *lab
	name   string
	ip     string
	server bool
	extra  string // of its configuration
	limits string // on requests, in its block of limits
	dir    string
	cmd    *exec.Cmd
}

// oneLab lets one lab be at a time: each is seven Consul agents.
var oneLab = make(chan struct{}, 1)

// newLab starts the servers s1, s2 and s3, and a client agent on each of these hosts. Commands of orch
// run on the first.
func newLab(t *testing.T, hosts ...string) *lab {
	t.Helper()
	t.Parallel()
	oneLab <- struct{}{}
	t.Cleanup(func() { <-oneLab })
	l := &lab{hosts: map[string]*host{}, servers: []string{"s1", "s2", "s3"}, ca: newAuthority(t, "lab"), secret: "6f1b5e9a-0000-4000-8000-000000000001"}
	l.field = emptyField(t)
	all := append([]string{"s1", "s2", "s3"}, hosts...)
	l.net = newNetwork(t, all)
	for i, name := range all {
		l.hosts[name] = &host{lab: l, name: name, ip: l.net.ip(i), server: i < 3, dir: t.TempDir()}
		l.ca.signFor(name, []string{"server.dc1.consul", "localhost"}, net.ParseIP(l.net.ip(i)), net.IPv4(127, 0, 0, 1))
	}
	l.joins = fmt.Sprintf("%q, %q, %q", l.hosts["s1"].ip, l.hosts["s2"].ip, l.hosts["s3"].ip)
	for _, name := range all {
		l.hosts[name].start()
	}
	l.sit(hosts[0])
	l.up()
	return l
}

// sit has orch run on a host from now on, and the test itself look from there.
func (l *lab) sit(host string) {
	l.seat = l.net.enter(host)
	l.consul = l.from(host)
	l.env = []string{"CONSUL_CACERT=" + l.ca.path("ca.pem"), "CONSUL_HTTP_SSL_VERIFY=true"}
}

// from is Consul as it looks from a host.
func (l *lab) from(name string) *server {
	h := l.hosts[name]
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		return l.net.dial(ctx, name, network, address)
	}
	return &server{t: l.t, addr: "https://" + h.ip + ":8501", token: l.secret,
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dial, TLSClientConfig: l.ca.trust(), DisableKeepAlives: true}}}
}

// up waits until writes go through.
func (l *lab) up() {
	l.t.Helper()
	eventually(l.t, "Consul to take a write", patience, func() bool {
		code, _ := l.consul.http("PUT", "/v1/kv/e2e/up", "yes")
		return code == 200
	})
}

// start begins the host's Consul agent, with the data that it had.
func (h *host) start() {
	l := h.lab
	l.t.Helper()
	role := `server = false`
	if h.server {
		role = `server = true bootstrap_expect = 3 performance { raft_multiplier = 1 } session_ttl_min = "1s"`
	}
	config := fmt.Sprintf(`
node_name = %q  data_dir = %q  bind_addr = %q  client_addr = %q  retry_join = [%s]  retry_interval = "1s"  %s
log_level = "warn"  leave_on_terminate = false  skip_leave_on_interrupt = true  disable_update_check = true
ports { http = -1  https = 8501  dns = -1  grpc = -1  grpc_tls = -1  serf_wan = -1 }
limits { http_max_conns_per_client = 2000  %[11]s }
encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
tls {
  defaults { ca_file = %[7]q  cert_file = %[8]q  key_file = %[9]q  verify_outgoing = true }
  internal_rpc { verify_incoming = true  verify_server_hostname = true }
}
acl { enabled = true  default_policy = "deny"  down_policy = "extend-cache"  enable_key_list_policy = true
  tokens { initial_management = %[10]q  agent = %[10]q } }
`, h.name, filepath.Join(h.dir, "data"), h.ip, h.ip, l.joins, role, l.ca.path("ca.pem"), l.ca.path(h.name+".pem"), l.ca.path(h.name+".key"), l.secret, h.limits)
	file := filepath.Join(h.dir, "consul.hcl")
	must(l.t, os.WriteFile(file, []byte(config+h.extra), 0o600))
	log, err := os.OpenFile(filepath.Join(h.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(l.t, err)
	defer log.Close()
	command := append(l.net.enter(h.name), consulBin, "agent", "-config-file", file)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	must(l.t, cmd.Start())
	h.cmd = cmd
	l.t.Cleanup(func() { end(cmd) })
}

// kill is what a power cut does to the host's Consul agent.
func (h *host) kill() { end(h.cmd) }

func (h *host) signal(s syscall.Signal) { _ = h.cmd.Process.Signal(s) }

func end(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
	}
}

// raftLeader is the server that leads the others now.
func (l *lab) raftLeader() *host {
	l.t.Helper()
	var found *host
	eventually(l.t, "the servers to have a leader", patience, func() bool {
		_, text := l.consul.http("GET", "/v1/status/leader", "")
		address, _, _ := strings.Cut(strings.Trim(strings.TrimSpace(text), `"`), ":")
		for _, name := range l.servers {
			if l.hosts[name].ip == address {
				found = l.hosts[name]
			}
		}
		return found != nil
	})
	return found
}

// role makes a token of what orch acl says, and a file of it.
func (l *lab) role(name string, args ...string) string {
	l.t.Helper()
	return l.file("token."+name, l.consul.newToken(name, l.ok(append([]string{"acl"}, args...)...))+"\n")
}

// boot starts a node's agent on a host, with its own token.
func (l *lab) boot(node, host string) *process {
	l.t.Helper()
	path := filepath.Join(l.dir, "token."+node)
	if _, err := os.Stat(path); err != nil {
		l.role(node, "agent", "--cluster", "web", "--node", node, "--consul-node", host)
	}
	at := *l.field
	at.seat, at.consul = l.net.enter(host), l.from(host)
	return at.agent(node, "--token-file", path)
}

// born makes the cluster web, with nodes spread over hosts, and brings it to converged. Orders have
// time to outlive what happens to Consul: an election, and queries that wait on a server which is gone.
func (l *lab) born(policy string, hosts ...string) {
	l.t.Helper()
	l.web(policy + "\nconverge_timeout = \"90s\"")
	for i := range 2 * len(hosts) {
		l.boot(fmt.Sprintf("web-%02d", i+1), hosts[i%len(hosts)])
	}
	l.alive(2 * len(hosts))
	l.ok("transition", "web", "converged", "--yes")
}

// serves has every node at a version, and nothing of what must always hold broken.
func (l *lab) serves(version string, bound int) {
	l.t.Helper()
	l.settledAt("version "+version, len(l.agents))
	l.atMost(bound, l.to("version "+version))
	l.once(l.runs())
	l.neverBackwards()
	l.clean()
}

// inBatch waits until so many runs towards a state have begun. A move that ends before that makes the
// fault pointless.
func (l *lab) inBatch(move *process, state string, runs int) {
	l.t.Helper()
	defer func() {
		if l.t.Failed() && move != nil {
			l.t.Logf("the move says:\n%s", move.text())
			for node, agent := range l.agents {
				l.t.Logf("%s says:\n%s", node, agent.text())
			}
		}
	}()
	eventually(l.t, fmt.Sprintf("%d runs to %s", runs, state), patience, func() bool {
		if len(l.to(state)) >= runs {
			return true
		}
		if move != nil && !move.running() {
			l.t.Fatalf("the move is over already:\n%s", move.text())
		}
		return false
	})
}

// quiet fails when a run begins within a while, but for one that was claimed before it.
func (l *lab) quiet(during time.Duration) {
	l.t.Helper()
	time.Sleep(time.Second) // what was claimed begins
	before := len(l.runs())
	time.Sleep(during)
	if now := len(l.runs()); now != before {
		l.t.Fatalf("%d runs began while nobody could allow it", now-before)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// everything skips a fault of the longer half, unless all are to be shown: make faults.
func everything(t *testing.T) {
	t.Helper()
	if os.Getenv("ORCH_FAULTS") != "all" {
		t.Skip("a fault of the longer half: make faults shows all")
	}
}
