package consulkv

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
			return nil, c.denial(answer.Errors[0].What)
		}
		return nil, &store.TxnError{Op: answer.Errors[0].OpIndex, What: answer.Errors[0].What}
	}
	found := pairs(*answer)
	if hidden := unanswered(ops, found, meta.ResultsFilteredByACLs); hidden != "" {
		return nil, c.hidden(ctx, hidden)
	}
	return found, nil
}

// unanswered names the right without which something was left out of an answer, or "". A key that
// is missing comes back empty, so one that does not come back is hidden; a list from which all was
// left out looks like one of nothing, so where no key is hidden it is one of those that were empty.
func unanswered(ops []store.Op, found []store.Pair, filtered bool) string {
	var lists []string
	for _, op := range ops {
		there := slices.ContainsFunc(found, func(p store.Pair) bool {
			return p.Key == op.Key || op.Verb == store.GetTree && strings.HasPrefix(p.Key, op.Key)
		})
		switch {
		case there:
		case op.Verb == store.GetOrEmpty:
			return fmt.Sprintf("key:read on %q", op.Key)
		case op.Verb == store.GetTree:
			lists = append(lists, strconv.Quote(op.Key))
		}
	}
	switch {
	case !filtered:
		return ""
	case len(lists) == 0:
		return "key:read on a part of what it lists"
	}
	return "key:list on " + strings.Join(lists, " or ")
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
