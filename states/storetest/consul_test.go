package storetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orch/states"
	"orch/states/consulkv"
	"orch/states/store"
	"orch/states/storetest"
	"orch/states/storetest/consultest"
)

func TestConsul(t *testing.T) {
	shared := consultest.Start(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness { return onConsul(t, shared) })
}

var prefixes atomic.Int64

func onConsul(t *testing.T, server *consultest.Server) storetest.Harness {
	prefix := fmt.Sprintf("test%d/", prefixes.Add(1))
	kv := open(t, server, "")
	return storetest.Harness{
		KV:     kv,
		Client: func(denied ...string) store.KV { return open(t, server, rules(denied)) },
		Put:    func(key, value string) { server.Must(t, "PUT", "/v1/kv/"+key, value) },
		Delete: func(key string) { server.Must(t, "DELETE", "/v1/kv/"+key, "") },
		Save: func() func() {
			snapshot := server.Save(t)
			return func() { server.Restore(t, snapshot) }
		},
		Alone: func(t *testing.T) storetest.Harness { return onConsul(t, consultest.Start(t)) },
		Lasts: func(t *testing.T) storetest.Lasting {
			own := consultest.StartLasting(t)
			return storetest.Lasting{Harness: onConsul(t, own), Restart: func() { own.Restart(t) }, Delayed: func(delay time.Duration) string {
				return delayedSession(t, own, delay)
			}}
		},
		Lossy:  func() storetest.Lossy { return &lossy{KV: kv} },
		Prefix: prefix,
		TTL:    time.Second,
	}
}

// rules are those of a token with every right but below some prefixes.
func rules(denied []string) string {
	text := `key_prefix "" { policy = "write" } session_prefix "" { policy = "write" } agent_prefix "" { policy = "read" }`
	for _, prefix := range denied {
		text += fmt.Sprintf(" key_prefix %q { policy = \"deny\" }", prefix)
	}
	return text
}

func open(t *testing.T, server *consultest.Server, rules string) *consulkv.Client {
	t.Helper()
	client, err := consulkv.Open(consulkv.Config{Address: server.Address, TokenFile: server.TokenFile(t, rules)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// lossy stands between a caller and Consul, and loses an answer where it is told to.
type lossy struct {
	store.KV
	mu      sync.Mutex
	lose    bool
	applied bool
}

func (l *lossy) LoseNextWrite(applied bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose, l.applied = true, applied
}

func (l *lossy) Txn(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	writes := false
	for _, op := range ops {
		writes = writes || op.Verb != store.Get && op.Verb != store.GetOrEmpty && op.Verb != store.GetTree
	}
	if !l.lose || !writes {
		return l.KV.Txn(ctx, ops)
	}
	l.lose = false
	if l.applied {
		_, _ = l.KV.Txn(ctx, ops) // whatever came of it, nobody hears
	}
	return nil, fmt.Errorf("%w: the answer was lost", states.ErrUnknownOutcome)
}

// delayedSession makes a session with a lock delay that this project does not ask for.
func delayedSession(t *testing.T, server *consultest.Server, delay time.Duration) string {
	t.Helper()
	answer := server.Must(t, "PUT", "/v1/session/create", fmt.Sprintf(`{"LockDelay": %q, "NodeChecks": [], "TTL": "1h"}`, delay))
	var made struct{ ID string }
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}
