package consulkv_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"orch/states"
	"orch/states/consulkv"
	"orch/states/store"
)

func open(t *testing.T, address string) *consulkv.Client {
	t.Helper()
	client, err := consulkv.Open(consulkv.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// stand gives a client of something that is no Consul, and answers as it is told.
func stand(t *testing.T, answer http.HandlerFunc) *consulkv.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return open(t, server.URL)
}

var (
	someRead  = []store.Op{{Verb: store.GetOrEmpty, Key: "k"}}
	someWrite = []store.Op{{Verb: store.CAS, Key: "k"}}
)

// Whether something may have been written is decided here, and nowhere else.
func TestWhatErrorsMean(t *testing.T) {
	refused := errors.New("refused for good") // none of the verdicts
	for name, row := range map[string]struct {
		code        int
		body        string
		read, write error
	}{
		"no leader":             {500, "No cluster leader", states.ErrUnavailable, states.ErrUnknownOutcome},
		"leadership lost":       {500, "leadership lost while committing log", states.ErrUnavailable, states.ErrUnknownOutcome},
		"a server that is gone": {500, "rpc error making call: EOF", states.ErrUnavailable, states.ErrUnknownOutcome},
		"a proxy's 502":         {502, "<html>Bad Gateway</html>", states.ErrUnavailable, states.ErrUnknownOutcome},
		"a proxy's 504":         {504, "", states.ErrUnavailable, states.ErrUnknownOutcome},
		"too many requests":     {429, "Your IP is issuing too many concurrent connections", states.ErrUnavailable, states.ErrUnavailable},
		"too many writes":       {503, "rate limit reached, try again later", states.ErrUnavailable, states.ErrUnavailable},
		"denied":                {403, "Permission denied: token lacks permission 'key:write'", states.ErrDenied, states.ErrDenied},
		"a token that is gone":  {403, "rpc error making call: ACL not found", states.ErrDenied, states.ErrDenied},
		"denied behind a 500":   {500, "rpc error making call: Permission denied", states.ErrDenied, states.ErrDenied},
		"too large":             {413, "Request body(536234 bytes) too large", refused, states.ErrTooLarge},
		"malformed":             {400, "Bad request: Failed to parse body", refused, refused},
		"a conflict":            {409, `{"Results":null,"Errors":[{"OpIndex":0,"What":"stale"}]}`, nil, nil}, // of its own: see below
		"a denied operation":    {409, `{"Errors":[{"OpIndex":0,"What":"Permission denied: token lacks"}]}`, states.ErrDenied, states.ErrDenied},
		"a conflict of nothing": {409, `so sorry`, nil, states.ErrConflict},
	} {
		client := stand(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(row.code)
			_, _ = w.Write([]byte(row.body))
		})
		_, read := client.Txn(t.Context(), someRead)
		_, write := client.Txn(t.Context(), someWrite)
		verdict(t, name+", reading", read, row.read, refused)
		verdict(t, name+", writing", write, row.write, refused)
	}
}

func verdict(t *testing.T, name string, err, want, refused error) {
	t.Helper()
	verdicts := []error{states.ErrUnavailable, states.ErrUnknownOutcome, states.ErrDenied, states.ErrTooLarge, states.ErrConflict}
	switch {
	case err == nil:
		t.Errorf("%s: it went well", name)
	case errors.Is(want, refused):
		for _, one := range verdicts {
			if errors.Is(err, one) {
				t.Errorf("%s: %v; want it refused for good", name, err)
			}
		}
	case want != nil && !errors.Is(err, want):
		t.Errorf("%s: %v; want: %v", name, err, want)
	}
}

func TestConflictsCarryTheOperation(t *testing.T) {
	client := stand(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"Results":null,"Errors":[{"OpIndex":2,"What":"index is stale"},{"OpIndex":0,"What":"later"}]}`))
	})
	for _, ops := range [][]store.Op{someRead, someWrite} {
		_, err := client.Txn(t.Context(), ops)
		var failed *store.TxnError
		if !errors.As(err, &failed) || failed.Op != 2 || failed.What != "index is stale" {
			t.Errorf("%v", err)
		}
	}
}

// breaks takes a request and cuts the connection.
func breaks(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

func TestBrokenConnections(t *testing.T) {
	cut := stand(t, breaks)
	_, err := cut.Txn(t.Context(), someRead)
	wants(t, "a read that was cut", err, states.ErrUnavailable)
	_, err = cut.Txn(t.Context(), someWrite)
	wants(t, "a write that was cut", err, states.ErrUnknownOutcome)
	_, err = cut.Watch(t.Context(), store.Query{Key: "k"})
	wants(t, "a watch that was cut", err, states.ErrUnavailable)
	wants(t, "a renewal that was cut", cut.RenewSession(t.Context(), "s"), states.ErrUnavailable)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close())
	nobody := open(t, listener.Addr().String())
	_, err = nobody.Txn(t.Context(), someWrite)
	wants(t, "a write that was never sent", err, states.ErrUnavailable)

	half := stand(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"Results":[`))
	})
	_, err = half.Txn(t.Context(), someWrite)
	wants(t, "a write whose answer breaks off", err, states.ErrUnknownOutcome)
}

func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want: %v", what, err, want)
	}
}

// A Consul that takes requests and never answers must hold nobody up for longer than told.
func TestHangingConsul(t *testing.T) {
	done := make(chan struct{})
	client := stand(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	})
	defer close(done)
	call := func(what string, want error, do func(context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begun := time.Now()
		err := do(ctx)
		wants(t, what, err, want)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s took %s", what, took)
		}
	}
	call("a read", states.ErrUnavailable, func(ctx context.Context) error { _, err := client.Txn(ctx, someRead); return err })
	call("a write", states.ErrUnknownOutcome, func(ctx context.Context) error { _, err := client.Txn(ctx, someWrite); return err })
	call("a renewal", states.ErrUnavailable, func(ctx context.Context) error { return client.RenewSession(ctx, "s") })
	call("the end of a session", states.ErrUnknownOutcome, func(ctx context.Context) error { return client.DestroySession(ctx, "s") })
	call("a watch", states.ErrUnavailable, func(ctx context.Context) error {
		_, err := client.Watch(ctx, store.Query{Key: "k", After: 7, Wait: time.Minute})
		return err
	})
}

// What is not Consul's, or was stripped on the way, is never taken for an empty store.
func TestAnswersThatAreNone(t *testing.T) {
	for name, body := range map[string]string{"a proxy's page": "<html>welcome</html>", "nothing": "", "null": "null", "an empty object": "{}"} {
		client := stand(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		if pairs, err := client.Txn(t.Context(), someRead); err == nil {
			t.Errorf("%s was read as %v", name, pairs)
		}
	}
	stripped := stand(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"Key":"k","Value":"eA==","ModifyIndex":7}]`))
	})
	if answer, err := stripped.Watch(t.Context(), store.Query{Key: "k"}); err == nil && answer.Index != 0 {
		t.Errorf("without an index it is %d", answer.Index) // 0 is an error to whoever follows
	}
}
