package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orch/states"
)

// Agent is what one node's agent sees and writes. It implements the agent's Inbox and Presence.
// Its methods may be called from several goroutines.
type Agent struct {
	KV      KV
	Keys    Keys
	Cluster string
	Node    string
	Memo    *Memo         // nil: an agent is small, and reads little
	TTL     time.Duration // of the session
	Wait    time.Duration // of one blocking query
	Again   time.Duration // freezes, and the id, are looked at this often

	mu      sync.Mutex
	session string
	index   uint64 // of our status as we last saw or wrote it
	id      string // of the tree of keys, once seen
	deaf    bool   // the last renewal failed
	said    spelled

	peek chan struct{} // the freezes are to be looked at now
}

// NewAgent makes an Agent with the usual times.
func NewAgent(kv KV, keys Keys, cluster, node string) *Agent {
	return &Agent{KV: kv, Keys: keys, Cluster: cluster, Node: node, TTL: 30 * time.Second, Wait: time.Minute, Again: 30 * time.Second,
		peek: make(chan struct{}, 1)}
}

func (a *Agent) key() string { return a.Keys.Status(a.Cluster, a.Node) }

// Enlist takes the node's status key with a new session. A session that an earlier process of this
// very instance left behind is ended first; another instance is left alone.
func (a *Agent) Enlist(ctx context.Context, earlier string, status states.Status) (string, error) {
	if earlier != "" {
		if err := a.KV.DestroySession(ctx, earlier); err != nil {
			return "", fmt.Errorf("end the earlier session: %w", err)
		}
	}
	pair, err := a.read(ctx, a.key())
	if err != nil {
		return "", fmt.Errorf("read the status of %q: %w", a.Node, err)
	}
	if err := a.evict(ctx, pair, status.Instance); err != nil {
		return "", err
	}
	session, err := a.KV.NewSession(ctx, SessionSpec{Name: "convergeagent " + a.Cluster + "/" + a.Node, TTL: a.TTL})
	if err != nil {
		return "", fmt.Errorf("make a session for %q: %w", a.Node, err)
	}
	if err := a.take(ctx, session, status); err != nil {
		_ = a.KV.DestroySession(context.WithoutCancel(ctx), session) // else it ends by itself
		return "", err
	}
	return session, nil
}

// Last gives the status that lies at the node's key, and whether a session holds it.
func (a *Agent) Last(ctx context.Context) (status states.Doc[states.Status], held bool, err error) {
	pair, err := a.read(ctx, a.key())
	if err != nil {
		return status, false, fmt.Errorf("read the status of %q: %w", a.Node, err)
	}
	return decode[states.Status](a.Memo, pair), pair.Session != "", nil
}

// evict ends a session of our own instance that we have forgotten, and refuses another instance. A
// session that nobody can tell whose it is may belong to an agent that is alive: it is waited out.
func (a *Agent) evict(ctx context.Context, pair Pair, instance string) error {
	if pair.Session == "" {
		return nil
	}
	other := decode[states.Status](a.Memo, pair)
	if !other.OK() {
		return fmt.Errorf("enlist %q: a session holds its status, and whose cannot be read: %s; wait until it ends, or end it: %w",
			a.Node, other.Problem, states.ErrConflict)
	}
	if other.Value.Instance != instance {
		return &states.TakenError{Node: a.Node, Instance: other.Value.Instance}
	}
	if err := a.KV.DestroySession(ctx, pair.Session); err != nil {
		return fmt.Errorf("end the session that holds %q: %w", a.key(), err)
	}
	return nil
}

// take locks the status key in the state in which it lies there now.
func (a *Agent) take(ctx context.Context, session string, status states.Status) error {
	pair, err := a.read(ctx, a.key())
	if err != nil {
		return err
	}
	check := Op{Verb: CheckNotExists, Key: a.key()}
	if pair.Index != 0 {
		check = Op{Verb: CheckIndex, Key: a.key(), Index: pair.Index}
	}
	err = a.lock(ctx, check, Op{Verb: Lock, Key: a.key(), Value: encode(status), Session: session})
	if err != nil {
		return fmt.Errorf("enlist %q: %w", a.Node, conflict(err))
	}
	pair, err = a.read(ctx, a.key())
	if err != nil {
		return fmt.Errorf("enlist %q: %w", a.Node, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.session, a.index = session, pair.Index
	return nil
}

// lock locks, and waits for the lock delay that the end of an earlier session leaves behind.
func (a *Agent) lock(ctx context.Context, ops ...Op) error {
	for pause := 5 * time.Millisecond; ; pause *= 2 {
		_, err := a.KV.Txn(ctx, ops)
		var failed *TxnError
		if delayed := errors.As(err, &failed) && failed.Op == len(ops)-1; !delayed || pause > 50*time.Millisecond {
			return err
		}
		rest(ctx, pause)
	}
}

func (a *Agent) read(ctx context.Context, key string) (Pair, error) {
	pairs, err := a.KV.Txn(ctx, []Op{{Verb: GetOrEmpty, Key: key}})
	if err != nil || len(pairs) == 0 {
		return Pair{}, err
	}
	return pairs[0], nil
}

// conflict turns a failed check into the verdict that loops know.
func conflict(err error) error {
	var failed *TxnError
	if errors.As(err, &failed) {
		return fmt.Errorf("%w: %w", states.ErrConflict, err)
	}
	return err
}

// Report writes the status, as long as our session holds it.
func (a *Agent) Report(ctx context.Context, status states.Status) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.report(ctx, status)
}

// report compares with what lies there only where it must: nobody else writes this key, but a
// restore of the store does.
func (a *Agent) report(ctx context.Context, status states.Status) error {
	if a.session == "" {
		return fmt.Errorf("report %q: %w", a.Node, states.ErrSessionGone)
	}
	for range 3 {
		pairs, err := a.KV.Txn(ctx, []Op{
			{Verb: CheckSession, Key: a.key(), Session: a.session},
			{Verb: CAS, Key: a.key(), Index: a.index, Value: a.spell(status)},
		})
		var failed *TxnError
		switch {
		case err == nil:
			a.note(pairs)
			return nil
		case errors.As(err, &failed) && failed.Op == 0:
			return fmt.Errorf("report %q: %w", a.Node, states.ErrSessionGone)
		case !errors.As(err, &failed):
			return fmt.Errorf("report %q: %w", a.Node, err)
		}
		pair, err := a.read(ctx, a.key())
		if err != nil {
			return fmt.Errorf("report %q: %w", a.Node, err)
		}
		a.index = pair.Index
	}
	return fmt.Errorf("report %q: %w", a.Node, states.ErrConflict)
}

// note keeps the index of our status from the answer to a write.
func (a *Agent) note(pairs []Pair) {
	for _, pair := range pairs {
		if pair.Key == a.key() && pair.Index != 0 {
			a.index = pair.Index
		}
	}
}

// Renew keeps the session alive, and puts the status back where a restore has rolled it back.
func (a *Agent) Renew(ctx context.Context, status states.Status) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session == "" {
		return fmt.Errorf("renew %q: %w", a.Node, states.ErrSessionGone)
	}
	pair, err := a.renew(ctx)
	if err != nil {
		a.deaf = true
		return fmt.Errorf("renew %q: %w", a.Node, err)
	}
	if a.deaf { // whatever was wrong with Consul, the queries may still wait for it
		a.deaf = false
		a.lookSoon()
	}
	if pair.Session != a.session {
		return fmt.Errorf("renew %q: its status is not ours any more: %w", a.Node, states.ErrSessionGone)
	}
	a.index = pair.Index
	if bytes.Equal(pair.Value, a.spell(status)) {
		return nil
	}
	return a.report(ctx, status)
}

func (a *Agent) renew(ctx context.Context) (Pair, error) {
	if err := a.KV.RenewSession(ctx, a.session); err != nil {
		return Pair{}, err
	}
	return a.read(ctx, a.key())
}

// spelled is a status and its bytes: what was reported is compared at each renewal.
type spelled struct {
	status states.Status
	text   []byte
}

func (a *Agent) spell(status states.Status) []byte {
	if a.said.text == nil || !a.said.status.Equal(&status) {
		a.said = spelled{status, encode(status)}
	}
	return a.said.text
}

// Leave ends the session; the status stays and tells where the node is.
func (a *Agent) Leave(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.session == "" {
		return nil
	}
	session := a.session
	a.session = ""
	if err := a.KV.DestroySession(ctx, session); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}
