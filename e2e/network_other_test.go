//go:build !linux

package e2e

import (
	"context"
	"net"
)

// dial connects as everybody does: there are no namespaces.
func (n *network) dial(ctx context.Context, _, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}
