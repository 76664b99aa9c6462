package e2e

import (
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// guard stands before Consul and speaks TLS, as whoever it is told to be. It counts the connections that
// were begun.
type guard struct {
	net.Listener
	port  string
	is    atomic.Pointer[tls.Config]
	begun atomic.Int64

	mu   sync.Mutex
	open []net.Conn
}

func newGuard(t *testing.T, consul string) *guard {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	g := &guard{Listener: listener}
	_, g.port, _ = net.SplitHostPort(listener.Addr().String())
	newWireOn(t, consul, tls.NewListener(g, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return g.is.Load(), nil }}))
	return g
}

// Accept is for those who connect.
func (g *guard) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g.begun.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = append(g.open, conn)
	return conn, nil
}

// shows has the guard show a certificate from now on and ask for one of the clients' authority, also from
// who is connected already.
func (g *guard) shows(t *testing.T, server *authority, name string, clients *authority) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(server.path(name+".pem"), server.path(name+".key"))
	must(t, err)
	g.is.Store(&tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.trust().RootCAs})
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range g.open {
		_ = conn.Close()
	}
	g.open = nil
}

// Certificates with which nobody may be talked to: commands end with 1 and say why, agents start nothing,
// say why, and do not knock all the time. With good ones they go on as they are.
func TestFaultsOfTLS(t *testing.T) {
	f := newField(t)
	server, clients := newAuthority(t, "server"), newAuthority(t, "clients")
	server.sign("good")
	server.signFor("elsewhere", []string{"consul.example.com"})
	clients.sign("node")
	g := newGuard(t, f.consul.addr)
	g.shows(t, server, "good", clients)
	f.serving(0, "batches = [\"100%\"]\nconverge_timeout = \"60s\"")
	for _, node := range []string{"web-01", "web-02"} {
		f.agent(node, "--http-addr", "https://127.0.0.1:"+g.port, "--ca-file", server.path("ca.pem"), "--client-cert", clients.path("node.pem"), "--client-key", clients.path("node.key"))
	}
	f.alive(2)
	eventually(t, "both to be there", patience, func() bool { return len(f.phase("settled")) == 2 })
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	version := 1
	for _, row := range []struct {
		name, says  string
		quick       bool // also in the shorter half
		fault, mend func(t *testing.T)
	}{
		{"the server's certificate has expired", "certificate has expired", true, func(t *testing.T) {
			server.ends = past
			server.sign("expired")
			server.ends = future
			g.shows(t, server, "expired", clients)
		}, func(t *testing.T) { g.shows(t, server, "good", clients) }},
		{"the authority has expired", "certificate has expired", false, func(t *testing.T) {
			server.ends = past
			server.signItself("server")
			g.shows(t, server, "good", clients)
		}, func(*testing.T) {
			server.ends = future
			server.signItself("server")
		}},
		{"the server's certificate is for another name", "127.0.0.1", false, func(t *testing.T) { g.shows(t, server, "elsewhere", clients) },
			func(t *testing.T) { g.shows(t, server, "good", clients) }},
		{"a client's certificate has expired", "tls: ", true, func(t *testing.T) {
			clients.ends = past
			clients.sign("node")
			g.shows(t, server, "good", clients)
		}, func(*testing.T) {
			clients.ends = future
			clients.sign("node")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if !row.quick {
				everything(t)
			}
			version++
			said := f.agents["web-01"].text()
			row.fault(t)
			f.says(f.mutual(1, g.port, server, clients.path("node"), "status", "web"), row.says)
			eventually(t, "the agent to say why", patience, func() bool {
				return strings.Contains(strings.TrimPrefix(f.agents["web-01"].text(), said), row.says)
			})
			before, runs := g.begun.Load(), len(f.runs())
			time.Sleep(2 * time.Second)
			if begun := g.begun.Load() - before; begun == 0 || begun > 60 { // most of them for sessions of 2 s
				t.Errorf("two agents tried %d times in 2 s", begun)
			}
			if now := len(f.runs()); now != runs {
				t.Errorf("%d runs began meanwhile", now-runs)
			}
			row.mend(t)
			f.alive(2)
			f.ok("transition", "web", "version", itoa(version))
			f.once(f.runs())
		})
	}
	for node, agent := range f.agents {
		if !agent.running() {
			t.Errorf("%s ended:\n%s", node, agent.text())
		}
	}
	t.Run("plain HTTP where HTTPS is spoken", func(t *testing.T) {
		port := freePorts(t, 1)[0]
		server.sign("consul")
		f.https(port, server, clients)
		p := f.spawn([]string{"CONSUL_HTTP_ADDR=http://127.0.0.1:" + port}, orchBin, "status", "web")
		if code := f.wait(p, patience); code != 1 || !strings.Contains(p.text(), "HTTPS") {
			t.Errorf("exit code %d:\n%s", code, p.text())
		}
	})
	t.Run("HTTPS where plain HTTP is spoken", func(t *testing.T) {
		f.says(f.mutual(1, f.consul.ports[0], server, clients.path("node"), "status", "web"), "HTTP")
	})
}
