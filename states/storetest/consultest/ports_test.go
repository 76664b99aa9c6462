package consultest_test

import (
	"net"
	"slices"
	"testing"

	"orch/states/storetest/consultest"
)

// No port is given twice, and none that somebody has: not even one that only UDP has.
func TestPorts(t *testing.T) {
	had := map[string]bool{}
	take := func(n int) []string {
		ports, err := consultest.Ports(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range ports {
			if had[port] {
				t.Errorf("port %s is given twice", port)
			}
			had[port] = true
		}
		return ports
	}
	first := take(3)
	following := follow(t, first[2])
	if slices.Contains(take(90), following) {
		t.Errorf("port %s is given, and somebody has it", following)
	}
}

// follow takes the port after one.
func follow(t *testing.T, port string) string {
	at, err := net.ResolveUDPAddr("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	at.Port++
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		t.Skipf("somebody else has it: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, following, _ := net.SplitHostPort(conn.LocalAddr().String())
	return following
}
