package main

import (
	"context"
	"fmt"
)

// identify gives the id of this Consul, and writes one where there is none. After a wipe that is the
// one which agents know, or they would take this Consul for another datacenter's.
func (c *consul) identify(ctx context.Context, clusters ...string) (string, error) {
	known := ""
	for _, cluster := range clusters {
		snapshot, err := c.Snapshot(ctx, cluster)
		if err != nil {
			return "", fmt.Errorf("read cluster %q: %w", cluster, err)
		}
		for _, node := range snapshot.Nodes {
			if node.Alive {
				known = first(known, node.Status.Value.Tree)
			}
		}
	}
	id, err := c.MakeID(ctx, first(known, freshID()))
	if err != nil {
		return "", fmt.Errorf("write the id of this Consul: %w", err)
	}
	return id, nil
}
