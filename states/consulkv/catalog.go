package consulkv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/consul/api"

	"orch/states"
)

// What Consul knows of nodes and services beside its KV: health checks, and who holds a role. All
// of it is read consistently. Consul leaves out what the token may not read, so an answer that was
// cut is an error: an instance that is hidden must never look like one that is not there.

// ServiceChecks gives one check for every instance of a service: the worst of those of the service
// and of its node. An instance without any check is passing, as Consul itself has it.
func (c *Client) ServiceChecks(ctx context.Context, service string) ([]states.Check, error) {
	entries, err := c.instances(ctx, service, "")
	if err != nil {
		return nil, fmt.Errorf("read the checks of service %q: %w", service, err)
	}
	checks := make([]states.Check, 0, len(entries))
	for _, entry := range entries {
		check := worst(entry.Checks)
		check.Node, check.ID = entry.Node.Node, entry.Service.ID
		checks = append(checks, check)
	}
	return checks, nil
}

// ChecksByID gives every check that has one of the ids, on whatever node. The token has to be one
// that may read all nodes and services: Consul does not say which it left out.
func (c *Client) ChecksByID(ctx context.Context, ids []string) ([]states.Check, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	options := c.query(ctx, true)
	options.Filter = anyID(ids)
	found, meta, err := c.calls.Health().State(api.HealthAny, options)
	if err = c.whole(ctx, meta, len(found), err); err != nil {
		return nil, fmt.Errorf("read the checks %s: %w", strings.Join(ids, ", "), err)
	}
	var checks []states.Check
	for _, check := range found {
		if slices.Contains(ids, check.CheckID) {
			checks = append(checks, states.Check{Node: check.Node, ID: check.CheckID, Status: statusOf(check), Output: saying(check)})
		}
	}
	return checks, nil
}

// Tagged gives the nodes with an instance of a service that carries a tag, passing or not.
func (c *Client) Tagged(ctx context.Context, service, tag string) ([]string, error) {
	entries, err := c.instances(ctx, service, tag)
	if err != nil {
		return nil, fmt.Errorf("read who carries tag %q of service %q: %w", tag, service, err)
	}
	var nodes []string
	for _, entry := range entries {
		nodes = append(nodes, entry.Node.Node)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes), nil
}

func (c *Client) instances(ctx context.Context, service, tag string) ([]*api.ServiceEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	entries, meta, err := c.calls.Health().Service(service, tag, false, c.query(ctx, true))
	return entries, c.whole(ctx, meta, len(entries), err)
}

// Holder gives the node whose session holds a lock, or "" where nobody does. A session can end
// between the two reads; then the lock is looked at again.
func (c *Client) Holder(ctx context.Context, lock string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for last := ""; ; {
		pair, _, err := c.calls.KV().Get(lock, c.query(ctx, true))
		if err != nil {
			return "", fmt.Errorf("read lock %q: %w", lock, c.reading(err))
		}
		switch {
		case pair == nil || pair.Session == "":
			return "", nil
		case pair.Session == last: // it holds the lock, so it is there
			return "", fmt.Errorf("read the session that holds lock %q: %w", lock, c.hidden(ctx, "session:read on its node"))
		}
		session, _, err := c.calls.Session().Info(pair.Session, c.query(ctx, true))
		if err != nil {
			return "", fmt.Errorf("read the session that holds lock %q: %w", lock, c.reading(err))
		}
		if session != nil {
			return session.Node, nil
		}
		last = pair.Session
	}
}

// whole makes an error of an answer from which something was left out. To a client without a token
// Consul never says that it did, so there nothing at all is as good as hidden.
func (c *Client) whole(ctx context.Context, meta *api.QueryMeta, found int, err error) error {
	switch {
	case err != nil:
		return c.reading(err)
	case meta.ResultsFilteredByACLs:
		return c.hidden(ctx, "service:read or node:read on a part of what was asked for")
	case found == 0 && c.token.value() == "" && c.guarded(ctx):
		return c.hidden(ctx, "every right: nothing is to be seen without a token")
	}
	return nil
}

// hidden is the error for what Consul left out of an answer without a word. It says which token it
// was, as Consul does where it denies.
func (c *Client) hidden(ctx context.Context, right string) error {
	who := c.Accessor(ctx)
	if who == "" {
		who = "in use"
	}
	return fmt.Errorf("%w: token %s lacks %s%s", states.ErrDenied, who, right, c.token.refresh())
}

// guarded tells whether Consul asks for tokens at all; where it cannot be told, it does.
func (c *Client) guarded(ctx context.Context) bool {
	_, _, err := c.calls.ACL().TokenReadSelf(c.query(ctx, false))
	var status api.StatusError
	return !errors.As(err, &status) || status.Code != http.StatusUnauthorized // "ACL support disabled"
}

// anyID writes the filter for some check ids. Consul's grammar ends a text at the next quote,
// whatever stands before it.
func anyID(ids []string) string {
	var terms []string
	for _, id := range ids {
		parts := strings.Split(id, `"`)
		for i, part := range parts {
			quoted := strconv.Quote(part)
			parts[i] = quoted[1 : len(quoted)-1]
		}
		terms = append(terms, `CheckID == "`+strings.Join(parts, `\x22`)+`"`)
	}
	return strings.Join(terms, " or ")
}

// statusOf gives a check's status; the one that stands for maintenance counts as that, not as the
// critical check that Consul makes of it.
func statusOf(check *api.HealthCheck) string {
	if check.CheckID == api.NodeMaint || strings.HasPrefix(check.CheckID, api.ServiceMaintPrefix) {
		return api.HealthMaint
	}
	return check.Status
}

// worst gives status and output of the worst of some checks.
func worst(checks api.HealthChecks) states.Check {
	result := states.Check{Status: api.HealthPassing}
	for i, check := range checks {
		if status := statusOf(check); i == 0 || rank(status) > rank(result.Status) {
			result.Status, result.Output = status, saying(check)
		}
	}
	return result
}

// rank orders statuses; one that nobody knows is as bad as critical.
func rank(status string) int {
	switch status {
	case api.HealthPassing:
		return 0
	case api.HealthWarning:
		return 1
	case api.HealthMaint:
		return 3
	}
	return 2
}

// saying gives the first line of what a check wrote; whoever shows it makes it fit to be shown. Why
// there is maintenance lies in the notes.
func saying(check *api.HealthCheck) string {
	text := check.Output
	if statusOf(check) == api.HealthMaint {
		text = check.Notes
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
