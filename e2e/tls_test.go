package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates; those that it signs lie in a folder of its own.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ends time.Time // of what it signs from now on
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	a := &authority{t: t, dir: t.TempDir(), key: key, ends: time.Now().Add(time.Hour)}
	a.signItself(name)
	return a
}

// signItself makes ca.pem, or makes it anew.
func (a *authority) signItself(name string) {
	a.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: a.ends,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	must(a.t, err)
	a.cert, err = x509.ParseCertificate(der)
	must(a.t, err)
	a.write("ca.pem", "CERTIFICATE", der)
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	must(a.t, os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// sign makes name.pem and name.key, for loopback.
func (a *authority) sign(name string) {
	a.t.Helper()
	a.signFor(name, nil, net.IPv4(127, 0, 0, 1))
}

// trust takes what this authority signed, and nothing else.
func (a *authority) trust() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{RootCAs: pool}
}

func (a *authority) signFor(name string, names []string, ips ...net.IP) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: a.ends,
		DNSNames: names, IPAddresses: ips, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(a.t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", raw)
}

// https has Consul ask for a certificate of one authority, and show one of another, on a port of its
// own. The other port stays for the test.
func (f *field) https(port string, shows, wants *authority) {
	f.t.Helper()
	f.consul.kill()
	f.consul.extra = fmt.Sprintf("\nports { https = %s }\ntls { https { ca_file = %q cert_file = %q key_file = %q verify_incoming = true } }",
		port, wants.path("ca.pem"), shows.path("consul.pem"), shows.path("consul.key"))
	f.consul.start()
}

// mutual runs orch as Consul's own programs are told about TLS: by the environment.
func (f *field) mutual(code int, port string, ca *authority, pair string, args ...string) string {
	f.t.Helper()
	env := []string{"CONSUL_HTTP_ADDR=https://127.0.0.1:" + port, "CONSUL_CACERT=" + ca.path("ca.pem")}
	if pair != "" {
		env = append(env, "CONSUL_CLIENT_CERT="+pair+".pem", "CONSUL_CLIENT_KEY="+pair+".key")
	}
	p := f.spawn(env, orchBin, append(args, "--lease-ttl", ttl.String())...)
	if got := f.wait(p, patience); got != code {
		f.t.Fatalf("orch %s: want exit code %d, got %d:\n%s", strings.Join(args, " "), code, got, p.text())
	}
	return p.text()
}

// Everything over HTTPS with certificates on both sides: by flags and by Consul's environment. The
// agents' certificate is replaced, and Consul takes the old one no longer: they go on as they are.
func TestCertificatesAreRotatedUnderAgents(t *testing.T) {
	f := newField(t)
	server, before, after := newAuthority(t, "server"), newAuthority(t, "clients"), newAuthority(t, "clients of tomorrow")
	server.sign("consul")
	before.sign("node")
	after.sign("node")
	port := freePorts(t, 1)[0]
	f.https(port, server, before)
	pair := filepath.Join(f.dir, "pair")
	put := func(from *authority) {
		for _, end := range []string{".key", ".pem"} {
			text, err := os.ReadFile(from.path("node" + end))
			must(t, err)
			must(t, os.WriteFile(pair+end+".new", text, 0o600))
			must(t, os.Rename(pair+end+".new", pair+end))
		}
	}
	put(before)
	f.mutual(0, port, server, pair, "apply", "--yes", f.file("web.hcl", webHCL("batches = [1]")))
	for _, node := range []string{"web-01", "web-02"} {
		f.agent(node, "--http-addr", "https://127.0.0.1:"+port, "--ca-file", server.path("ca.pem"), "--client-cert", pair+".pem", "--client-key", pair+".key")
	}
	f.alive(2)
	f.mutual(0, port, server, pair, "transition", "web", "converged")
	f.says(f.mutual(1, port, server, "", "status", "web"), "certificate")
	f.says(f.mutual(1, port, after, pair, "status", "web"), "certificate signed by unknown authority")

	put(after)
	f.https(port, server, after)
	f.says(f.mutual(1, port, server, before.path("node"), "status", "web"), "tls:")
	f.alive(2)
	f.mutual(0, port, server, pair, "transition", "web", "version", "1")
	if runs := f.to("version 1"); len(runs) != 2 {
		t.Errorf("want 2 runs, got %+v", runs)
	}
	for node, agent := range f.agents {
		if !agent.running() {
			t.Errorf("%s ended:\n%s", node, agent.text())
		}
	}
	must(t, os.Chmod(pair+".key", 0o644))
	f.says(f.mutual(1, port, server, pair, "status", "web"), "chmod 600", pair+".key")
}

// A token is replaced in its file and the old one deleted: the agent goes on, also on Consul's page
// of services, and is not restarted. A file that everybody can read is taken by neither program.
func TestTokensAreRotatedUnderAnAgent(t *testing.T) {
	c := newCast(t)
	c.born("batches = [1]")
	old := c.accessor("web-01")
	c.secret["web-01 new"] = c.consul.newToken("web-01", c.ok("acl", "agent", "--cluster", "web", "--node", "web-01", "--consul-node", "here", "--service", "web"))
	c.file("token.new", c.secret["web-01 new"])
	must(t, os.Rename(c.dir+"/token.new", c.files["web-01"]))
	if code, text := c.consul.http("DELETE", "/v1/acl/token/"+old, ""); code != 200 {
		t.Fatalf("delete a token: %d %s", code, text)
	}
	c.as("operator", 0, "hold", "web", "web-01", "--reason", "disk swap")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agent says:\n%s", c.agents["web-01"].text())
		}
	})
	eventually(t, "everybody to see that web-01 is held", 90*time.Second, func() bool { // a query under the old token may go on for 30 s
		_, text := c.consul.http("GET", "/v1/health/state/warning", "") // what it says there may be older: a warning after a denial
		return strings.Contains(text, "orch-web-web-01-state") && c.node("web-01").Phase == "held"
	})
	c.as("operator", 0, "unhold", "web", "web-01")
	c.as("operator", 0, "transition", "web", "version", "1")
	eventually(t, "the catalog to say where web-01 is", patience, func() bool {
		_, text := c.consul.http("GET", "/v1/catalog/service/orch-web", "")
		return strings.Count(text, `"version-1"`) == 3
	})
	if !c.agents["web-01"].running() {
		t.Errorf("the agent ended:\n%s", c.agents["web-01"].text())
	}
	c.nowhere()
	must(t, os.Chmod(c.files["web-02"], 0o644))
	must(t, os.Chmod(c.files["viewer"], 0o604))
	c.agents["web-02"].kill()
	c.boot("web-02")
	if code := c.wait(c.agents["web-02"], patience); code != 1 {
		t.Errorf("an agent took a token that everybody can read: exit code %d", code)
	}
	c.says(c.agents["web-02"].text(), c.files["web-02"], "others can get at it", "chmod 600")
	c.says(c.as("viewer", 1, "status"), c.files["viewer"], "others can get at it", "chmod 600")
}
