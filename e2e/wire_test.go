package e2e

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// wire stands between Consul and everybody else, and does to their requests what networks and proxies
// do. Each fault counts how often it struck.
type wire struct {
	server *http.Server
	addr   string
	next   *httputil.ReverseProxy
	fault  atomic.Pointer[fault]
	struck atomic.Int64
	nth    atomic.Int64
}

// fault spoils a request, or its answer; it tells whether it did.
type fault func(w http.ResponseWriter, r *http.Request, next http.Handler) bool

func newWire(t testing.TB, consul string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return newWireOn(t, consul, listener)
}

func newWireOn(t testing.TB, consul string, listener net.Listener) *wire {
	t.Helper()
	target, err := url.Parse("http://" + consul)
	must(t, err)
	w := &wire{next: httputil.NewSingleHostReverseProxy(target)}
	w.next.ErrorHandler = func(rw http.ResponseWriter, _ *http.Request, _ error) { reset(rw) }
	w.next.ErrorLog = log.New(io.Discard, "", 0) // connections end as they are told to
	w.addr = listener.Addr().String()
	w.server = &http.Server{Handler: w, ErrorLog: w.next.ErrorLog}
	go func() { _ = w.server.Serve(listener) }()
	t.Cleanup(func() { _ = w.server.Close() })
	return w
}

func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	// All of it is read first: where Consul answers before the proxy has seen the end of a body, the proxy
	// finds that closed, and cuts the answer off.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		reset(rw)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if f := w.fault.Load(); f != nil && (*f)(rw, r, w.next) {
		w.struck.Add(1)
		return
	}
	w.next.ServeHTTP(rw, r)
}

// does begins a fault; nil ends it.
func (w *wire) does(f fault) {
	if f == nil {
		w.fault.Store(nil)
		return
	}
	w.struck.Store(0)
	w.fault.Store(&f)
}

// reset ends a connection as a crash does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// nothing answers, and nobody says so.
func hangs(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
	<-r.Context().Done()
	return true
}

// stalls answers with headers, and stops in the middle of the body.
func stalls(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Consul-Index", "7")
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`[{"Key": "orch/`))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
	return true
}

// cuts ends the body in its middle.
func cuts(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	w.Header().Set("X-Consul-Index", "7")
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`[{"Key": "orch/`))
	_ = http.NewResponseController(w).Flush()
	reset(w)
	return true
}

func resets(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
	reset(w)
	return true
}

// pages answers as a login page does: 200, and nothing of what was asked for.
func pages(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("<html><body>please log in</body></html>"))
	return true
}

// empties answers a read with nothing: 200, an index and an empty list.
func empties(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
	if r.Method != http.MethodGet {
		return false
	}
	w.Header().Set("X-Consul-Index", "999999")
	_, _ = w.Write([]byte("[]"))
	return true
}

func limits(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
	w.WriteHeader(http.StatusTooManyRequests)
	return true
}

// strips takes Consul's own headers off every answer.
func strips(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	next.ServeHTTP(headless{w}, r)
	return true
}

type headless struct{ http.ResponseWriter }

func (h headless) WriteHeader(code int) {
	for name := range h.Header() {
		if strings.HasPrefix(name, "X-Consul") {
			h.Header().Del(name)
		}
	}
	h.ResponseWriter.WriteHeader(code)
}

func (h headless) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// swallows carries out every third write, and loses the answer: nobody can tell what became of it.
func (w *wire) swallows(rw http.ResponseWriter, r *http.Request, next http.Handler) bool {
	if r.Method != http.MethodPut || w.nth.Add(1)%3 != 0 {
		return false
	}
	next.ServeHTTP(&deaf{header: http.Header{}}, r)
	reset(rw)
	return true
}

type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) WriteHeader(int)             {}

// delays answers everything late.
func delays(by time.Duration) fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		select {
		case <-r.Context().Done():
		case <-time.After(by):
			next.ServeHTTP(w, r)
		}
		return true
	}
}
