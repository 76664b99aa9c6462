package consulkv

import (
	"context"
	"time"

	"orch/states"
)

// Session tells about a session. How its node is stays empty where that cannot be read.
func (c *Client) Session(ctx context.Context, id string) (states.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	entry, _, err := c.calls.Session().Info(id, c.query(ctx, true))
	if err != nil {
		return states.Session{}, c.reading(err)
	}
	if entry == nil {
		return states.Session{ID: id}, nil
	}
	session := states.Session{ID: id, Lives: true, Name: entry.Name, Node: entry.Node}
	if ttl, err := time.ParseDuration(entry.TTL); err == nil {
		session.TTL = states.Duration(ttl)
	}
	checks, _, err := c.calls.Health().Node(entry.Node, c.query(ctx, false))
	if err != nil {
		return session, nil
	}
	for _, check := range checks {
		if check.CheckID == "serfHealth" {
			session.Health = check.Status
		}
	}
	return session, nil
}
