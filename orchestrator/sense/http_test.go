package sense

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// endpoint answers as its path says.
func endpoint(w http.ResponseWriter, q *http.Request) {
	var n int
	switch {
	case scans(q.URL.Path, "/status/%d", &n):
		w.WriteHeader(n)
		fmt.Fprint(w, q.URL.Query().Get("say"))
	case scans(q.URL.Path, "/hops/%d", &n) && n > 0:
		http.Redirect(w, q, fmt.Sprintf("/hops/%d", n-1), http.StatusFound)
	case scans(q.URL.Path, "/hops/%d", &n):
		fmt.Fprint(w, "there")
	case q.URL.Path == "/elsewhere":
		http.Redirect(w, q, "http://login.invalid/?next=secret", http.StatusFound)
	case q.URL.Path == "/endless":
		for q.Context().Err() == nil {
			_, _ = w.Write([]byte("0.2%\n" + strings.Repeat("x", 4096)))
		}
	case q.URL.Path == "/broken":
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "0.2%")
	case q.URL.Path == "/silent":
		<-q.Context().Done()
	case q.URL.Path == "/trickle":
		fmt.Fprint(w, "0.2%\n")
		w.(http.Flusher).Flush()
		<-q.Context().Done()
	}
}

func scans(path, format string, n *int) bool {
	count, err := fmt.Sscanf(path, format, n)
	return count == 1 && err == nil
}

func httpGate(url string, timeout time.Duration) states.Gate {
	return states.Gate{Kind: states.GateHTTP, Name: "errors", URL: states.Template{url}, Timeout: states.Duration(timeout)}
}

func TestHTTPGate(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(endpoint))
	defer server.Close()
	w := world(t)
	for path, want := range map[string][2]string{
		"/status/200":                          {states.GatePass, "200 OK"},
		"/status/200?say=%0A%20%0A0.2%25%0Aof": {states.GatePass, "200 OK: 0.2%"},
		"/status/204":                          {states.GatePass, "204 No Content"},
		"/status/500?say=%1B[31mno%1B[0m":      {states.GateFail, "500 Internal Server Error: no"},
		"/status/503":                          {states.GateFail, "503 Service Unavailable"},
		"/status/429":                          {states.GateFail, "429 Too Many Requests"},
		"/status/404?say=who":                  {states.GateUnknown, "404 Not Found: who"},
		"/status/401":                          {states.GateUnknown, "401 Unauthorized"},
		"/status/502":                          {states.GateUnknown, "502 Bad Gateway"},
		"/status/304":                          {states.GateUnknown, "304 Not Modified"},
		"/hops/3":                              {states.GatePass, "200 OK: there"},
		"/hops/4":                              {states.GateUnknown, "it redirects more than 3 times"},
		"/elsewhere":                           {states.GateUnknown, "it redirects to another place, http://login.invalid"},
		"/endless":                             {states.GatePass, "200 OK: 0.2%"},
		"/broken":                              {states.GateUnknown, "200 OK, and its answer broke off: unexpected EOF"},
		"/status/200?say=" + strings.Repeat("%C3%A9", 100): {states.GatePass, "200 OK: " + strings.Repeat("é", 54) + "…"},
	} {
		got := w.get(t.Context(), httpGate(server.URL+path, time.Minute))
		if (got != states.Reading{Outcome: want[0], Text: want[1]}) {
			t.Errorf("%s: %+v", path, got)
		}
		if len(got.Text) > maxText {
			t.Errorf("%s: %d bytes", path, len(got.Text))
		}
	}
}

func TestHTTPGateWithoutAnAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(endpoint))
	defer server.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(endpoint))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains that nobody trusts it
	secure.StartTLS()
	defer secure.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	w := world(t)
	for url, want := range map[string]string{
		server.URL + "/silent":       "no answer in time",
		server.URL + "/trickle":      "200 OK, and its answer broke off: no answer in time",
		secure.URL + "/status/200":   "certificate",
		gone.URL:                     "connection refused",
		"":                           "unsupported protocol scheme",
		"http://a b/":                "invalid character",
		"http://me:secret@127.0.0.1": "refused",
	} {
		timeout := 20 * time.Second
		if strings.Contains(want, "in time") {
			timeout = time.Second
		}
		got := w.get(t.Context(), httpGate(url, timeout))
		if got.Outcome != states.GateUnknown || !strings.Contains(got.Text, want) || strings.Contains(got.Text, "secret") {
			t.Errorf("%q: %+v", url, got)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("not asked for any more"))
	if got := w.get(ctx, httpGate(server.URL+"/silent", 0)); got.Outcome != states.GateUnknown {
		t.Errorf("given up: %+v", got)
	}
}

func TestRedirects(t *testing.T) {
	for move, goes := range map[[2]string]bool{
		{"http://a/x", "http://a:8080/y"}: true,
		{"http://a/x", "https://A/x"}:     true,
		{"https://a/x", "http://a/x"}:     false,
		{"https://a/x", "https://b/x"}:    false,
	} {
		from, _ := http.NewRequest(http.MethodGet, move[0], nil)
		to, _ := http.NewRequest(http.MethodGet, move[1], nil)
		if err := follow(to, []*http.Request{from}); (err == nil) != goes {
			t.Errorf("from %s to %s: %v", move[0], move[1], err)
		}
	}
}
