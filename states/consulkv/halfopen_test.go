package consulkv_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"orch/states"
	"orch/states/storetest/consultest"
)

// wire is a way to Consul on which everything can stand still while the connections stay open, as
// behind a firewall that forgot them, or with a Consul agent that is frozen.
type wire struct {
	address string
	mu      sync.Mutex // held while everything stands still
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{address: listener.Addr().String()}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			t.Cleanup(func() { _, _ = near.Close(), far.Close() })
			open.Go(func() { w.copy(far, near) })
			open.Go(func() { w.copy(near, far) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	return w
}

func (w *wire) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 64*1024)
	for {
		n, err := from.Read(buffer)
		w.mu.Lock()
		_, failed := to.Write(buffer[:n])
		w.mu.Unlock()
		if err != nil || failed != nil {
			if !errors.Is(err, io.EOF) {
				_ = from.Close()
			}
			return
		}
	}
}

func TestLeaseOverAWireThatStandsStill(t *testing.T) {
	server := consultest.Start(t)
	w := newWire(t, server.Address)
	through := *server
	through.Address = w.address
	near, far := storeOn(t, dial(t, &through, "")), storeOn(t, dial(t, server, ""))
	const ttl = 2 * time.Second
	near.TTL = ttl
	lease, err := near.Campaign(t.Context(), "web", "ada@bastion", "")
	must(t, err)
	select {
	case <-lease.Context.Done():
		t.Fatalf("the lease was lost on a wire that works: %v", context.Cause(lease.Context))
	case <-time.After(ttl * 3 / 2): // several renewals
	}
	w.mu.Lock()
	still := time.Now()
	<-lease.Context.Done()
	if took := time.Since(still); took > ttl*5/4 {
		t.Errorf("its holder believed in it for %s more; a session of %s may end after %s", took, ttl, ttl)
	}
	var held *states.HeldError
	if _, err := far.Campaign(t.Context(), "web", "grace@laptop", ""); !errors.As(err, &held) {
		t.Errorf("its holder let go only after Consul did: %v", err)
	}
	w.mu.Unlock()
	must(t, lease.Release(t.Context()))
	next, err := far.Campaign(t.Context(), "web", "grace@laptop", "")
	must(t, err)
	must(t, next.Release(t.Context()))
}
