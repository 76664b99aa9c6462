package consulkv

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/consul/api"

	"orch/states"
	"orch/states/store"
)

var _ store.KV = (*Client)(nil)

// Txn does all operations or none.
func (c *Client) Txn(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if reads(ops) {
		return c.readTxn(ctx, ops)
	}
	var answer api.TxnResponse
	if _, err := c.calls.Raw().Write("/v1/txn", txnOps(ops), &answer, c.write(ctx)); err != nil {
		return nil, c.writing(err)
	}
	return pairs(answer), nil
}

// readTxn reads at one instant. Consul leaves out of the answer what the token may not read, where
// a key that is missing comes back empty: fewer answers than questions mean a denial, never absence.
func (c *Client) readTxn(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
	ok, answer, meta, err := c.calls.Txn().Txn(txnOps(ops), c.query(ctx, true))
	switch {
	case err != nil:
		return nil, c.reading(err)
	case !ok && len(answer.Errors) > 0:
		if forbidden(answer.Errors[0].What) {
			c.token.refresh()
			return nil, fmt.Errorf("%w: operation %d: %s", states.ErrDenied, answer.Errors[0].OpIndex, answer.Errors[0].What)
		}
		return nil, &store.TxnError{Op: answer.Errors[0].OpIndex, What: answer.Errors[0].What}
	case meta.ResultsFilteredByACLs:
		c.token.refresh()
		return nil, fmt.Errorf("%w: the token may not read all that was asked for", states.ErrDenied)
	}
	found := pairs(*answer)
	seen := make(map[string]bool, len(found))
	for _, pair := range found {
		seen[pair.Key] = true
	}
	for _, op := range ops {
		if op.Verb == store.GetOrEmpty && !seen[op.Key] {
			c.token.refresh()
			return nil, fmt.Errorf("%w: the token may not read %q", states.ErrDenied, op.Key)
		}
	}
	return found, nil
}

func reads(ops []store.Op) bool {
	for _, op := range ops {
		switch op.Verb {
		case store.Get, store.GetOrEmpty, store.GetTree:
		default:
			return false
		}
	}
	return true
}

func txnOps(ops []store.Op) api.TxnOps {
	out := make(api.TxnOps, 0, len(ops))
	for _, op := range ops {
		out = append(out, &api.TxnOp{KV: &api.KVTxnOp{Verb: api.KVOp(op.Verb), Key: op.Key, Value: op.Value, Index: op.Index, Session: op.Session}})
	}
	return out
}

func pairs(answer api.TxnResponse) []store.Pair {
	var found []store.Pair
	for _, result := range answer.Results {
		if result != nil && result.KV != nil {
			found = append(found, pairOf(result.KV))
		}
	}
	return found
}

func pairOf(kv *api.KVPair) store.Pair {
	return store.Pair{Key: kv.Key, Value: kv.Value, Created: kv.CreateIndex, Index: kv.ModifyIndex, Session: kv.Session}
}

// Watch is one blocking query; without an index to wait after, a consistent read.
func (c *Client) Watch(ctx context.Context, q store.Query) (store.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, q.Wait+q.Wait/16+pollSlack)
	defer cancel()
	options := c.query(ctx, q.After == 0)
	options.WaitIndex, options.WaitTime = q.After, q.Wait
	var answer store.Answer
	var meta *api.QueryMeta
	var err error
	if q.Prefix {
		answer.Keys, meta, err = c.polls.KV().Keys(q.Key, "/", options)
	} else {
		var pair *api.KVPair
		if pair, meta, err = c.polls.KV().Get(q.Key, options); pair != nil {
			answer.Pair = pairOf(pair)
		}
	}
	if err != nil {
		return store.Answer{}, c.reading(err)
	}
	answer.Index = meta.LastIndex
	return answer, nil
}

// NewSession makes a session that only its own time limit ends: no health check of the node does.
func (c *Client) NewSession(ctx context.Context, spec store.SessionSpec) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	id, _, err := c.calls.Session().CreateNoChecks(&api.SessionEntry{
		Name: spec.Name, TTL: spec.TTL.String(), LockDelay: time.Millisecond, Behavior: api.SessionBehaviorRelease}, c.write(ctx))
	if err != nil {
		return "", c.writing(err)
	}
	return id, nil
}

// RenewSession keeps a session alive.
func (c *Client) RenewSession(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	entry, _, err := c.calls.Session().Renew(id, c.write(ctx))
	switch {
	case err != nil:
		return c.reading(err) // a renewal may be repeated
	case entry == nil:
		return states.ErrSessionGone
	}
	return nil
}

// DestroySession ends a session.
func (c *Client) DestroySession(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := c.calls.Session().Destroy(id, c.write(ctx)); err != nil {
		return c.writing(err)
	}
	return nil
}
