package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"orch/convergeagent"
	"orch/orchestrator"
	"orch/states"
	"orch/states/store"
)

// Safeguards are what keeps the promises, each as what is left when it is taken out.
func Safeguards() []Alteration {
	return slices.Concat(ofWrites(), ofClaims(), ofAgents(), ofLeaders(), ofStops())
}

// without drops operations from what is sent.
func without(drop func(op store.Op, ops []store.Op) bool) func(*world, string, store.KV) store.KV {
	return func(_ *world, _ string, kv store.KV) store.KV {
		return alteredKV{kv, func(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
			left := slices.DeleteFunc(slices.Clone(ops), func(op store.Op) bool { return drop(op, ops) })
			if len(left) == 0 {
				left = ops
			}
			return kv.Txn(ctx, left)
		}}
	}
}

func isClaim(ops []store.Op) bool {
	what, _ := classify(ops)
	return what == "claim"
}

func inRoom(op store.Op, room string) bool {
	r, _ := roomOf(op.Key)
	return r == room
}

// ofWrites are the safeguards of what leaders write.
func ofWrites() []Alteration {
	return []Alteration{
		{Name: "fencing", Loses: "a leader's write checks that it holds the lease", KV: without(func(op store.Op, ops []store.Op) bool {
			return op.Verb == store.CheckSession && inRoom(op, "leader")
		})},
		{Name: "lock and compare", Loses: "the lease is taken only as it was seen", KV: without(func(op store.Op, ops []store.Op) bool {
			return (op.Verb == store.CheckIndex || op.Verb == store.CheckNotExists) && inRoom(op, "leader")
		})},
		{Name: "compare and swap", Loses: "a leader writes only over what it has read", KV: func(w *world, node string, kv store.KV) store.KV {
			return alteredKV{kv, func(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
				if what, _ := classify(ops); !strings.HasPrefix(what, "commit") {
					return kv.Txn(ctx, ops)
				}
				lies := map[string]uint64{}
				for _, pair := range w.kv.All() {
					lies[pair.Key] = pair.Index
				}
				var left []store.Op
				for _, op := range ops {
					switch op.Verb {
					case store.CheckIndex, store.CheckNotExists:
						continue
					case store.CAS, store.DeleteCAS:
						op.Index = lies[op.Key]
					}
					left = append(left, op)
				}
				return kv.Txn(ctx, left)
			}}
		}},
		{Name: "requests handled", Loses: "a request goes in the transaction that answers it", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			c.Handled = ""
			return c
		})},
		{Name: "void with the slot", Loses: "an order that is given up is voided", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			for name, o := range c.Orders {
				if o.Void != "" {
					delete(c.Orders, name)
				}
			}
			return c
		})},
		{Name: "void unless moved", Loses: "an order is given up only if its node has said nothing meanwhile", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			c.Unmoved = nil
			return c
		})},
	}
}

// ofClaims are those of an agent's claim.
func ofClaims() []Alteration {
	claim := func(f func(ctx context.Context, inner convergeagent.Inbox, sight states.Sight, before, running states.Status) error) func(*machine, *convergeagent.Config) {
		return func(_ *machine, c *convergeagent.Config) { c.Inbox = alteredInbox{Inbox: c.Inbox, claim: f} }
	}
	return []Alteration{
		{Name: "claim", Loses: "a run starts only after a transaction that checks everything", Agent: claim(func(ctx context.Context, inner convergeagent.Inbox, _ states.Sight, _, running states.Status) error {
			return inner.Report(ctx, running)
		})},
		{Name: "claim checks the desired state", Loses: "nothing runs that was called off meanwhile", KV: without(func(op store.Op, ops []store.Op) bool {
			return op.Verb == store.CheckIndex && inRoom(op, "desired") && isClaim(ops)
		})},
		{Name: "claim checks the order", Loses: "nothing runs whose order was voided meanwhile", KV: without(func(op store.Op, ops []store.Op) bool {
			return op.Verb == store.CheckIndex && inRoom(op, "orders") && isClaim(ops)
		})},
		{Name: "claim checks the session", Loses: "only the agent that holds its name runs", KV: func(w *world, node string, kv store.KV) store.KV {
			return alteredKV{kv, func(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
				if !isClaim(ops) {
					return kv.Txn(ctx, ops)
				}
				left := slices.DeleteFunc(slices.Clone(ops), func(op store.Op) bool { return op.Verb == store.CheckSession })
				for i, op := range left {
					if op.Verb == store.CAS {
						for _, pair := range w.kv.All() {
							if pair.Key == op.Key {
								left[i].Index = pair.Index
							}
						}
					}
				}
				return kv.Txn(ctx, left)
			}}
		}},
		{Name: "claim looks for a freeze", Loses: "nothing begins that was frozen meanwhile", Agent: func(m *machine, c *convergeagent.Config) {
			c.Inbox = alteredInbox{Inbox: c.Inbox, claim: func(ctx context.Context, inner convergeagent.Inbox, sight states.Sight, before, running states.Status) error {
				for _, pair := range m.w.kv.All() {
					if pair.Key == keys.ClusterFreeze(cluster) {
						sight.Freeze.Index = pair.Index
					}
				}
				return inner.Claim(ctx, sight, before, running)
			}}
		}},
		{Name: "an unknown claim is none", Loses: "a claim whose answer was lost is taken back", KV: func(_ *world, _ string, kv store.KV) store.KV {
			return alteredKV{kv, func(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
				pairs, err := kv.Txn(ctx, ops)
				if errors.Is(err, states.ErrUnknownOutcome) && isClaim(ops) {
					err = nil
					for _, op := range ops[2:5] {
						pairs = append(pairs, store.Pair{Key: op.Key, Index: op.Index})
					}
				}
				return pairs, err
			}}
		}},
	}
}

// ofAgents are those of what an agent knows, and of how it works alone.
func ofAgents() []Alteration {
	forgets := func(field string) func([]byte) []byte {
		return func(text []byte) []byte {
			var m map[string]any
			if json.Unmarshal(text, &m) != nil {
				return text
			}
			if delete(m, field); field == "mark" {
				m["mark"] = states.Mark{}
			}
			out, _ := json.Marshal(m)
			return out
		}
	}
	show := func(f func(states.Sight) states.Sight) func(*machine, *convergeagent.Config) {
		return func(_ *machine, c *convergeagent.Config) { c.Inbox = alteredInbox{Inbox: c.Inbox, show: f} }
	}
	return []Alteration{
		{Name: "the mark is durable", Loses: "what an agent accepted is known after a restart", Disk: forgets("mark")},
		{Name: "the attempt is durable", Loses: "after a try the node is at no state", Disk: forgets("attempting")},
		{Name: "the mark", Loses: "an agent accepts nothing lower than before", Agent: func(_ *machine, c *convergeagent.Config) {
			var top states.Mark
			c.Inbox = alteredInbox{Inbox: c.Inbox, show: func(s states.Sight) states.Sight {
				if !s.Desired.OK() {
					return s
				}
				mark := &s.Desired.Value.Mark
				if top.Refuses(*mark) != "" {
					mark.Epoch, mark.Generation = max(mark.Epoch, top.Epoch), max(mark.Generation, top.Generation+1)
				}
				top = *mark
				return s
			}}
		}},
		{Name: "orders are an instance's", Loses: "a machine that was installed anew does not take an old order", Agent: func(m *machine, c *convergeagent.Config) {
			c.Inbox = alteredInbox{Inbox: c.Inbox, show: func(s states.Sight) states.Sight {
				m.mu.Lock()
				defer m.mu.Unlock()
				if s.Order.OK() && s.Order.Value.Run != "" {
					s.Order.Value.Instance = m.knows.Instance
				}
				return s
			}}
		}},
		{Name: "hold", Loses: "a node that is held does not begin", Agent: show(func(s states.Sight) states.Sight {
			s.Order.Value.Held = nil
			return s
		})},
		{Name: "runs are adopted", Loses: "what an earlier process began has ended before the next begins", Agent: func(_ *machine, c *convergeagent.Config) {
			c.Action = leaves{c.Action}
		}},
		{Name: "open tries for ever", Loses: "a failed run in an open cluster is tried again", Agent: func(m *machine, c *convergeagent.Config) {
			c.Action = gives{c.Action, m}
			c.Inbox = alteredInbox{Inbox: c.Inbox, show: func(s states.Sight) states.Sight {
				if m.failed() {
					s.Desired.Value.Open, s.Desired.Value.Joiners = false, states.JoinersWait
				}
				return s
			}}
		}},
		{Name: "status is said again", Loses: "what a restore rolls back is said again at the next renewal", KV: func(_ *world, node string, kv store.KV) store.KV {
			if node == "" {
				return kv
			}
			var last []byte
			return alteredKV{kv, func(ctx context.Context, ops []store.Op) ([]store.Pair, error) {
				pairs, err := kv.Txn(ctx, ops)
				key := keys.Status(cluster, node)
				for _, op := range ops {
					if op.Key == key && (op.Verb == store.CAS || op.Verb == store.Lock) && err == nil {
						last = bytes.Clone(op.Value)
					}
				}
				if len(ops) == 1 && ops[0].Key == key && len(pairs) == 1 && pairs[0].Session != "" && last != nil {
					pairs[0].Value = last
				}
				return pairs, err
			}}
		}},
	}
}

// leaves is an action that takes what an earlier process began for gone.
type leaves struct{ convergeagent.Action }

func (leaves) Adopt(context.Context, convergeagent.Task) convergeagent.Result {
	return convergeagent.Result{Outcome: states.Interrupted, Exit: -1, Free: true}
}

// gives is an action that notes whether its last run failed.
type gives struct {
	convergeagent.Action
	m *machine
}

func (g gives) Converge(ctx context.Context, task convergeagent.Task) convergeagent.Result {
	result := g.Action.Converge(ctx, task)
	g.m.mu.Lock()
	defer g.m.mu.Unlock()
	g.m.gaveUp = !result.OK() && task.Run.Attempt >= task.Run.Tries
	return result
}

func (m *machine) failed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gaveUp
}

func showing(show func(states.Snapshot) states.Snapshot) func(*world, *orchestrator.Engine) {
	return func(_ *world, e *orchestrator.Engine) { e.Store = alteredStore{Store: e.Store, show: show} }
}

func writing(write func(states.Snapshot, states.Change) states.Change) func(*world, *orchestrator.Engine) {
	return func(_ *world, e *orchestrator.Engine) { e.Store = alteredStore{Store: e.Store, write: write} }
}

// statuses shows other statuses than there are.
func statuses(change func(s *states.Snapshot, n *states.Node)) func(*world, *orchestrator.Engine) {
	return showing(func(s states.Snapshot) states.Snapshot {
		s.Nodes = slices.Clone(s.Nodes)
		for i := range s.Nodes {
			if s.Nodes[i].Status.OK() {
				change(&s, &s.Nodes[i])
			}
		}
		return s
	})
}

// ofLeaders are those of a leader's accounts.
func ofLeaders() []Alteration {
	return []Alteration{
		{Name: "members are recorded", Loses: "a member that vanishes stays one", Engine: showing(func(s states.Snapshot) states.Snapshot {
			s.Record.Value.Members = slices.DeleteFunc(slices.Clone(s.Record.Value.Members), func(m states.Member) bool {
				n, _ := s.Node(m.Node)
				return !n.Alive
			})
			return s
		})},
		{Name: "a batch is over when all have ended", Loses: "the next batch waits for the last one", Engine: showing(func(s states.Snapshot) states.Snapshot {
			if b := &s.Record.Value.Batch; b.Number > 0 && b.Ended.IsZero() && !b.Opened {
				b.Ended = b.Ordered
				s.Record.Value.Batches = append(slices.Clone(s.Record.Value.Batches), *b)
			}
			return s
		})},
		{Name: "older runs fill slots", Loses: "a run of an earlier generation counts until it has ended", Engine: statuses(func(s *states.Snapshot, n *states.Node) {
			if run := n.Status.Value.Run; run.Going() && run.Generation != s.Desired.Value.Generation {
				n.Status.Value.Run = states.Run{}
			}
		})},
		{Name: "reached", Loses: "a hop ends when everybody has arrived", Engine: statuses(func(s *states.Snapshot, n *states.Node) {
			if run := n.Status.Value.Run; run.Going() && run.State.Same(s.Desired.Value.State) {
				n.Status.Value.State, n.Status.Value.Attempting, n.Status.Value.AgainDone = s.Desired.Value.State.Short(), states.State{}, s.Desired.Value.Again
			}
		})},
		{Name: "leaders see that they were overtaken", Loses: "nobody leads on after a restore", Engine: statuses(func(s *states.Snapshot, n *states.Node) {
			if s.Desired.OK() && n.Status.Value.Mark.Refuses(s.Desired.Value.Mark) != "" {
				n.Status.Value.Mark = s.Desired.Value.Mark
			}
		})},
		{Name: "the budget", Loses: "a move stops when more failed than is tolerated", Engine: func(_ *world, e *orchestrator.Engine) {
			was := map[string]states.Size{}
			e.Store = alteredStore{Store: e.Store, show: func(s states.Snapshot) states.Snapshot {
				s.Record.Value.Hops = slices.Clone(s.Record.Value.Hops)
				for i := range s.Record.Value.Hops {
					h := &s.Record.Value.Hops[i]
					was[s.Record.Value.ID] = h.Policy.MaxFailures
					h.Policy.MaxFailures = states.Percent(100)
				}
				return s
			}, write: func(s states.Snapshot, c states.Change) states.Change {
				for i := range c.Record.Hops {
					if size, known := was[c.Record.ID]; known {
						c.Record.Hops[i].Policy.MaxFailures = size
					}
				}
				return c
			}}
		}},
		{Name: "requests are bound to what was seen", Loses: "nothing is done to a move that its author did not see", Engine: showing(func(s states.Snapshot) states.Snapshot {
			s.Requests = slices.Clone(s.Requests)
			for i := range s.Requests {
				s.Requests[i].Value.Transition, s.Requests[i].Value.Generation = s.Record.Value.ID, s.Desired.Value.Generation
			}
			return s
		})},
		{Name: "a list of states that are left", Loses: "who was left behind by an unfinished move waits too", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			if c.Desired != nil && len(c.Desired.From) > 1 {
				d := *c.Desired
				d.From = d.From[:1]
				c.Desired, c.Entry.Desired = &d, &d
			}
			return c
		})},
		{Name: "joiners go where everybody was", Loses: "nobody joins into a state that is not proven", Engine: writing(func(_ states.Snapshot, c states.Change) states.Change {
			if c.Desired != nil && c.Desired.Joiners == states.JoinersStable {
				d := *c.Desired
				d.Joiners = states.JoinersTarget
				c.Desired, c.Entry.Desired = &d, &d
			}
			return c
		})},
		{Name: "a fresh budget after a stop", Loses: "a new move does not stop for an old one's failures", Engine: writing(func(s states.Snapshot, c states.Change) states.Change {
			if c.Record.ID != s.Record.Value.ID && s.Record.Value.Status == states.Paused {
				for _, one := range s.Record.Value.Counted {
					one.Hop = -1
					c.Record.Counted = append(c.Record.Counted, one)
				}
			}
			return c
		})},
		{Name: "recover jumps far", Loses: "after a recovery nobody refuses for ever", Engine: writing(func(s states.Snapshot, c states.Change) states.Change {
			if c.Entry.Event == states.EventRecovered {
				d := *c.Desired
				d.Generation, d.Epoch = s.Desired.Value.Generation+1, s.Desired.Value.Epoch+1
				c.Desired, c.Entry.Desired = &d, &d
			}
			return c
		})},
	}
}

// ofStops are those of pauses, aborts and spent budgets.
func ofStops() []Alteration {
	stops := func(change func(d *states.Desired, was states.Desired)) func(*world, *orchestrator.Engine) {
		return writing(func(s states.Snapshot, c states.Change) states.Change {
			stop := c.Record.ID == s.Record.Value.ID && c.Record.Status != s.Record.Value.Status && c.Record.Status != states.Running && c.Record.Status != states.Done
			if stop && c.Desired != nil {
				d := *c.Desired
				change(&d, s.Desired.Value)
				c.Desired, c.Entry.Desired = &d, &d
			}
			return c
		})
	}
	return []Alteration{
		{Name: "a stop closes", Loses: "nobody goes any more by opening, or as a joiner", Engine: stops(func(d *states.Desired, was states.Desired) {
			d.Open, d.Joiners = was.Open, was.Joiners
		})},
		{Name: "a stop is a generation", Loses: "orders from before a stop mean nothing", Engine: stops(func(d *states.Desired, was states.Desired) {
			d.Generation = was.Generation
		})},
	}
}
