package consultest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports come in blocks from below the range from which the kernel gives ports to connections: one of
// those may have a port of that range before the server does.
const (
	firstPort = 10000
	blockSize = 40
	blocks    = 500
)

// mine is the block that this process takes ports from. The first port of a block is listened on for as
// long as the process lives, which is how the tests of other processes know that it is taken.
var mine struct {
	sync.Mutex
	next, end int
	held      []net.Listener
}

// Ports gives ports of loopback that are free, for TCP and for UDP, and that no other test is given
// while this process lives: a server that is down for a while finds its own again.
func Ports(n int) ([]string, error) {
	mine.Lock()
	defer mine.Unlock()
	var ports []string
	for len(ports) < n {
		if mine.next == mine.end && !takeBlock() {
			return nil, errors.New("find free ports: every block of them is taken")
		}
		if free(mine.next) {
			ports = append(ports, fmt.Sprint(mine.next))
		}
		mine.next++
	}
	return ports, nil
}

func takeBlock() bool {
	for _, block := range rand.Perm(blocks) {
		first := firstPort + block*blockSize
		if lock, err := net.Listen("tcp", address(first)); err == nil {
			mine.held = append(mine.held, lock)
			mine.next, mine.end = first+1, first+blockSize
			return true
		}
	}
	return false
}

func free(port int) bool {
	tcp, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", address(port))
	if err != nil {
		return false
	}
	defer udp.Close()
	return true
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
