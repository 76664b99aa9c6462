package consulkv_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"orch/states/consulkv"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &authority{t, cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// pair makes a certificate for the loopback interface, and its key.
func (a *authority) pair() (cert, key []byte) {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "here"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	must(a.t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(own)
	must(a.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// guarded is a Consul that takes clients of one authority only, whichever that is now.
func guarded(t *testing.T, first *tls.Config) (*httptest.Server, *atomic.Pointer[tls.Config]) {
	now := &atomic.Pointer[tls.Config]{}
	now.Store(first)
	server := httptest.NewUnstartedServer(&recorder{})
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return now.Load(), nil }}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, now
}

func (a *authority) guard(clients *authority) *tls.Config {
	cert, err := tls.X509KeyPair(a.pair())
	must(a.t, err)
	return &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.pool(), NextProtos: []string{"h2", "http/1.1"}}
}

// Certificates and authorities are replaced while the client lives: it goes on with the new ones, and
// with the old ones while a pair is half there.
func TestCertificatesAreReadAgain(t *testing.T) {
	ours, theirs, newer, newerTheirs := newAuthority(t, "ours"), newAuthority(t, "theirs"), newAuthority(t, "newer"), newAuthority(t, "newer theirs")
	server, now := guarded(t, theirs.guard(ours))
	dir := t.TempDir()
	config := consulkv.Config{Address: server.URL, CAFile: filepath.Join(dir, "ca.pem"), ClientCert: filepath.Join(dir, "cert.pem"), ClientKey: filepath.Join(dir, "key.pem")}
	put := func(path string, text []byte) {
		must(t, os.WriteFile(path+".new", text, 0o600))
		must(t, os.Rename(path+".new", path))
	}
	cert, key := ours.pair()
	put(config.CAFile, theirs.pem)
	put(config.ClientCert, cert)
	put(config.ClientKey, key)
	client, err := consulkv.Open(config)
	must(t, err)
	ask := func() (err error) { // more than once: a connection that was just cut may be used
		for range 3 {
			if _, err = client.Txn(t.Context(), someRead); err == nil || strings.Contains(err.Error(), "certificate") {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		return err
	}
	must(t, ask())

	cert, key = newer.pair()
	put(config.ClientCert, cert)
	must(t, ask()) // half of it: the old pair is good still
	put(config.ClientKey, key)
	now.Store(theirs.guard(newer))
	server.CloseClientConnections()
	must(t, ask())

	now.Store(newerTheirs.guard(newer))
	server.CloseClientConnections()
	if err := ask(); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server of an unknown authority: %v", err)
	}
	put(config.CAFile, newerTheirs.pem)
	must(t, ask())

	must(t, os.Chmod(config.ClientKey, 0o644))
	if _, err := consulkv.Open(config); err == nil || !strings.Contains(err.Error(), config.ClientKey) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that everybody can read: %v", err)
	}
}
