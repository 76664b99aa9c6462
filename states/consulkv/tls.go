package consulkv

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/hashicorp/consul/api"
)

// renewed is a transport whose certificates are read again when their files change: those of an
// agent are replaced every few days, and nobody restarts it for that. Consul's own client reads them
// once.
type renewed struct {
	tls api.TLSConfig

	mu   sync.Mutex
	now  *http.Transport
	seen []os.FileInfo // the files that it was made of
}

// newRenewed takes over a transport that was just made; one without files stays what it is.
func newRenewed(config api.TLSConfig, made *http.Transport) (*renewed, error) {
	r := &renewed{tls: config, now: made}
	// With HTTP/2 all polls and writes would share one connection, and one that is cut off would be
	// the end of all of them.
	made.ForceAttemptHTTP2, made.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
	var err error
	if r.seen, err = r.files(); err != nil {
		return nil, err
	}
	if config.KeyFile != "" {
		if _, err := readSecret(config.KeyFile); err != nil {
			return nil, fmt.Errorf("read the key of the client certificate %q: %w", config.KeyFile, err)
		}
	}
	return r, nil
}

// RoundTrip sends a request with the certificates as they are now.
func (r *renewed) RoundTrip(request *http.Request) (*http.Response, error) {
	return r.transport().RoundTrip(request)
}

// transport makes another transport where the files have changed. A pair of which one half was
// replaced is looked at again with the next request.
func (r *renewed) transport() *http.Transport {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, err := r.files()
	if err != nil || same(found, r.seen) {
		return r.now
	}
	next, err := r.make()
	if err != nil {
		return r.now
	}
	r.now.CloseIdleConnections() // requests on their way end by themselves
	r.now, r.seen = next, found
	return next
}

func (r *renewed) make() (*http.Transport, error) {
	if r.tls.KeyFile != "" {
		if _, err := readSecret(r.tls.KeyFile); err != nil {
			return nil, err
		}
	}
	config, err := api.SetupTLSConfig(&r.tls)
	if err != nil {
		return nil, err
	}
	next := r.now.Clone()
	next.TLSClientConfig = config
	return next, nil
}

// files looks at all that the certificates are read from.
func (r *renewed) files() ([]os.FileInfo, error) {
	var found []os.FileInfo
	for _, path := range []string{r.tls.CAFile, r.tls.CAPath, r.tls.CertFile, r.tls.KeyFile} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		found = append(found, info)
	}
	return found, nil
}

func same(now, then []os.FileInfo) bool {
	for i := range now {
		if !unchanged(now[i], then[i]) {
			return false
		}
	}
	return true
}
