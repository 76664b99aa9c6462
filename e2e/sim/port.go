package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

// callTimeout is a real client's.
const callTimeout = 15 * time.Second

// wire is the way between one host and the store, and what is wrong with it.
type wire struct {
	cutOut, cutIn bool          // nothing gets through in this direction
	refuse        bool          // whoever calls is told so at once
	lose          float64       // chance that the answer to a write is lost
	drop          float64       // chance that a call is lost on its way
	late          float64       // chance that a write comes in much later than it was sent
	slow          time.Duration // each way takes up to so long more
}

// port is one process's client of the store: memkv behind a wire on which everything can happen.
type port struct {
	w    *world
	host string
	life *life
	kv   *memkv.Caller

	mu    sync.Mutex
	lanes map[string]uint64
}

func (w *world) port(host string, l *life) *port {
	return &port{w: w, host: host, life: l, kv: w.client(host).As(l.name), lanes: map[string]uint64{}}
}

// throw gives the chances of this process's next call of a kind.
func (p *port) throw(lane string) *rand.Rand {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lanes[lane]++
	return p.w.dice.throw(p.life.name+" "+lane, p.lanes[lane])
}

func (p *port) wire() wire { return p.w.wire(p.host) }

// way is how long a call takes in one direction.
func way(r *rand.Rand, wire wire) time.Duration {
	return between(r, 100*time.Microsecond, 3*time.Millisecond) + between(r, 0, wire.slow)
}

// Txn implements store.KV.
func (p *port) Txn(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
	what, writes := classify(ops)
	failed := states.ErrUnavailable
	if writes {
		failed = states.ErrUnknownOutcome
	}
	r := p.throw(what + " " + ops[0].Key) // what goes on side by side in one process throws for itself
	if err := p.life.pass(); err != nil {
		return nil, err
	}
	p.w.moment("before "+what, p.life.name)
	wire := p.wire()
	if wire.refuse {
		return nil, p.refused(ctx, r)
	}
	if wire.cutOut || r.Float64() < wire.drop {
		p.w.count("call lost")
		return nil, p.silence(ctx, failed)
	}
	call := p.w.call(p.life.name, ops, writes)
	if writes && r.Float64() < wire.late {
		return nil, p.late(ctx, r, ops, call)
	}
	switch err := p.life.sleep(ctx, way(r, wire)); err {
	case nil:
	case errCut: // it is in the air
		go p.land(r, ops, call)
		return nil, fmt.Errorf("%w: nobody waited for the answer", failed)
	default:
		if writes && r.IntN(2) == 0 { // the process died with the call in the air
			go p.land(r, ops, call)
		}
		return nil, err
	}
	pairs, err := p.kv.Txn(context.Background(), p.w.landed(ops))
	call.done(ops, pairs, err)
	if err == nil && writes {
		p.w.moment("after "+what, p.life.name)
	}
	pairs, heard := p.answer(ctx, r, writes, failed, pairs, err)
	if heard == err {
		p.w.answered(call)
	} else {
		p.w.keep(call)
	}
	return pairs, heard
}

// answer brings an answer back, if it comes back.
func (p *port) answer(ctx context.Context, r *rand.Rand, writes bool, failed error, pairs []store.Pair, err error) ([]store.Pair, error) {
	wire := p.wire()
	if wire.cutIn || writes && r.Float64() < wire.lose {
		p.w.count("answer lost")
		return nil, p.silence(ctx, failed)
	}
	switch slept := p.life.sleep(ctx, way(r, wire)); slept {
	case nil:
		return pairs, err
	case errCut:
		return nil, fmt.Errorf("%w: nobody waited for the answer", failed)
	default:
		return nil, slept
	}
}

// refused is the answer of a host that is not reached at all.
func (p *port) refused(ctx context.Context, r *rand.Rand) error {
	if err := p.life.sleep(ctx, between(r, time.Millisecond, 20*time.Millisecond)); err != nil && err != errCut {
		return err
	}
	return fmt.Errorf("%w: connection refused", states.ErrUnavailable)
}

// silence waits for an answer that does not come.
func (p *port) silence(ctx context.Context, failed error) error {
	if err := p.life.sleep(ctx, callTimeout); err != nil && err != errCut {
		return err
	}
	return fmt.Errorf("%w: no answer", failed)
}

// late sends a write that comes in long after its sender gave it up.
func (p *port) late(ctx context.Context, r *rand.Rand, ops []store.Op, call *Call) error {
	wait := between(r, time.Second, 90*time.Second)
	time.AfterFunc(wait, func() {
		p.w.count("write landed late")
		p.come(ops, call)
	})
	return p.silence(ctx, states.ErrUnknownOutcome)
}

// land lets a write that is in the air come in.
func (p *port) land(r *rand.Rand, ops []store.Op, call *Call) {
	time.Sleep(between(r, 0, 3*time.Millisecond))
	p.come(ops, call)
}

// come is what comes in when nobody waits for the answer any more.
func (p *port) come(ops []store.Op, call *Call) {
	pairs, err := p.kv.Txn(context.Background(), p.w.landed(ops))
	call.done(ops, pairs, err)
	p.w.keep(call)
}

// Watch implements store.KV.
func (p *port) Watch(ctx context.Context, q store.Query) (store.Answer, error) {
	r := p.throw("watch " + q.Key)
	if err := p.life.pass(); err != nil {
		return store.Answer{}, err
	}
	wire := p.wire()
	if wire.refuse {
		return store.Answer{}, p.refused(ctx, r)
	}
	if wire.cutOut || r.Float64() < wire.drop {
		return store.Answer{}, p.silence(ctx, states.ErrUnavailable)
	}
	if err := p.life.sleep(ctx, way(r, wire)); err != nil {
		return store.Answer{}, cutOff(err)
	}
	answer, err := p.kv.Watch(ctx, q)
	if wire = p.wire(); wire.cutIn || wire.cutOut || wire.refuse {
		return store.Answer{}, p.silence(ctx, states.ErrUnavailable)
	}
	if err := p.life.sleep(ctx, way(r, wire)); err != nil {
		return store.Answer{}, cutOff(err)
	}
	return answer, err
}

func cutOff(err error) error {
	if err == errCut {
		return fmt.Errorf("%w: nobody waited for the answer", states.ErrUnavailable)
	}
	return err
}

// call is a call of a session's, which may be repeated.
func (p *port) call(ctx context.Context, what string, do func() error) error {
	r := p.throw(what)
	if err := p.life.pass(); err != nil {
		return err
	}
	wire := p.wire()
	if wire.refuse {
		return p.refused(ctx, r)
	}
	if wire.cutOut || r.Float64() < wire.drop {
		return p.silence(ctx, states.ErrUnavailable)
	}
	if err := p.life.sleep(ctx, way(r, wire)); err != nil {
		return cutOff(err)
	}
	err := do()
	_, err = p.answer(ctx, r, true, states.ErrUnknownOutcome, nil, err)
	return err
}

// NewSession implements store.KV.
func (p *port) NewSession(ctx context.Context, spec store.SessionSpec) (id string, err error) {
	err = p.call(ctx, "new session", func() (err error) {
		id, err = p.kv.NewSession(context.Background(), spec)
		p.w.owns(id, p.life.name)
		return err
	})
	return id, err
}

// RenewSession implements store.KV.
func (p *port) RenewSession(ctx context.Context, id string) error {
	return p.call(ctx, "renew", func() error { return p.kv.RenewSession(context.Background(), id) })
}

// DestroySession implements store.KV.
func (p *port) DestroySession(ctx context.Context, id string) error {
	return p.call(ctx, "destroy", func() error { return p.kv.DestroySession(context.Background(), id) })
}

// Session implements store.Teller.
func (p *port) Session(ctx context.Context, id string) (found states.Session, err error) {
	err = p.call(ctx, "session", func() (err error) {
		found, err = p.kv.Session(context.Background(), id)
		return err
	})
	return found, err
}

// classify names what a transaction is, and whether it writes.
func classify(ops []store.Op) (what string, writes bool) {
	what = "read"
	for _, op := range ops {
		room, name := roomOf(op.Key)
		switch op.Verb {
		case store.Get, store.GetOrEmpty, store.GetTree, store.CheckIndex, store.CheckNotExists, store.CheckSession:
			continue
		case store.Lock:
			return "lock " + room, true
		case store.Unlock:
			return "unlock " + room, true
		}
		writes = true
		switch {
		case room == "journal" && op.Verb == store.CAS:
			return "commit " + eventOf(op.Value), true
		case room == "status" && len(ops) > 4:
			return "claim", true
		case room == "status":
			return "report", true
		case what == "read":
			what = "write " + room
		}
		_ = name
	}
	return what, writes
}

// roomOf splits a key of the cluster: "orders", "n3".
func roomOf(key string) (room, name string) {
	rest, ours := strings.CutPrefix(key, clusterPrefix)
	if !ours {
		return strings.TrimPrefix(key, "orch/"), ""
	}
	room, name, _ = strings.Cut(rest, "/")
	return room, name
}

func eventOf(text []byte) string {
	var entry struct{ Event string }
	_ = json.Unmarshal(text, &entry)
	return entry.Event
}
