package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"orch/convergeagent"
	"orch/states"
	"orch/states/store"
)

// forgets takes a field out of what an agent finds of what it wrote.
func forgets(field string, instead any) func([]byte) []byte {
	return func(text []byte) []byte {
		var m map[string]any
		if json.Unmarshal(text, &m) != nil {
			return text
		}
		if delete(m, field); instead != nil {
			m[field] = instead
		}
		out, _ := json.Marshal(m)
		return out
	}
}

// seeing has agents see something else than there is.
func seeing(f func(m *machine, s states.Sight) states.Sight) func(*machine, *convergeagent.Config) {
	return func(m *machine, c *convergeagent.Config) {
		c.Inbox = alteredInbox{Inbox: c.Inbox, show: func(s states.Sight) states.Sight { return f(m, s) }}
	}
}

// ofMarks are the safeguards of what an agent knows, and for how long.
func ofMarks() []Safeguard {
	return []Safeguard{
		{Alteration: Alteration{Name: "the mark is durable", Loses: "what an agent accepted is known after a restart", Disk: forgets("mark", states.Mark{})}, Rule: "Mark", Check: "backwards",
			Story: putBack(befalls(119, "crash", 1, 0))},
		{Alteration: Alteration{Name: "the mark", Loses: "an agent accepts nothing lower than before", Agent: func(_ *machine, c *convergeagent.Config) {
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
		}}, Rule: "Mark", Check: "backwards", Story: putBack()},
		{Alteration: Alteration{Name: "the attempt is durable", Loses: "after a try the node is at no state", Disk: forgets("attempting", nil)}, Rule: "Dirty", Check: "truthful",
			Story: made("a node fails half-way, and its agent starts anew", 2, time.Second, "batches = [1]", types(1, "transition", "waiting"),
				befalls(40, "bad", 1, time.Minute), types(41, "transition", "converged"), befalls(60, "crash", 1, 0))},
		{Alteration: Alteration{Name: "the last run is durable", Loses: "an order is obeyed once", Disk: forgets("last", nil)}, Rule: "Spent", Check: "spent",
			Story: made("a node fails its order, and its agent starts anew", 2, time.Second, "batches = [1]; max_failures = 1; soak = \"60s\"",
				befalls(0, "bad", 1, 2*time.Minute), types(1, "transition", "waiting"), befalls(20, "crash", 1, 0))},
		{Alteration: Alteration{Name: "status is said again", Loses: "what a restore rolls back is said again at the next renewal", KV: content}, Rule: "Mark", Check: "said",
			Story: made("a snapshot from the middle of an open move is restored", 2, time.Minute, `batches = ["100%"]`, types(1, "transition", "waiting"),
				Event{At: 90 * time.Second, Do: "restore", For: 55 * time.Second})},
	}
}

// content has an agent find at its key what it wrote last, whatever lies there.
func content(_ *world, node string, kv store.KV) store.KV {
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
}

// ofAgents are the safeguards of how an agent works alone.
func ofAgents() []Safeguard {
	return []Safeguard{
		{Alteration: Alteration{Name: "orders are an instance's", Loses: "a machine that was installed anew does not take an old order", Agent: seeing(func(m *machine, s states.Sight) states.Sight {
			m.mu.Lock()
			defer m.mu.Unlock()
			if s.Order.OK() && s.Order.Value.Run != "" {
				s.Order.Value.Instance = m.knows.Instance
			}
			return s
		})}, Check: "spent", Story: made("a node whose order is done is installed anew", 3, time.Minute, `batches = [1]; joiners = "wait"`,
			types(1, "transition", "waiting"), befalls(65, "reinstall", 1, 0), Event{At: 66 * time.Second, On: "after lock status", Do: "freeze process", Who: "leader", For: 5 * time.Second})},
		{Alteration: Alteration{Name: "hold", Loses: "a node that is held does not begin", Agent: seeing(func(_ *machine, s states.Sight) states.Sight {
			s.Order.Value.Held = nil
			return s
		})}, Check: "claimed", Story: made("a node is held while all may go", 2, time.Second, `batches = ["100%"]`, typesOf(0, "hold", 1, 5*time.Minute), types(10, "transition", "waiting"))},
		{Alteration: Alteration{Name: "freeze", Loses: "a node that is frozen does not begin", Agent: seeing(func(_ *machine, s states.Sight) states.Sight {
			s.Freeze.Value.Until = time.Unix(1, 0)
			return s
		})}, Check: "claimed", Story: frozenMove(Event{Do: "freeze", For: 5 * time.Minute})},
		{Alteration: Alteration{Name: "a freeze that cannot be read is one", Loses: "what somebody meant as a freeze holds", Agent: seeing(func(_ *machine, s states.Sight) states.Sight {
			if s.Freeze.There() && !s.Freeze.OK() {
				s.Freeze.Problem, s.Freeze.Value.Until = "", time.Unix(1, 0)
			}
			return s
		})}, Check: "claimed", Story: frozenMove(Event{Do: "garbage", Arg: "freeze"})},
		{Alteration: Alteration{Name: "absence is no order", Loses: "what is not there says nothing", Agent: invents}, Check: "claimed",
			Covered: &Alteration{Name: "claim", Agent: unclaimed},
			Story:   made("somebody deletes everything", 2, time.Second, `batches = ["100%"]`, types(1, "transition", "waiting"), types(60, "wipe", ""))},
		{Alteration: Alteration{Name: "runs are adopted", Loses: "what an earlier process began has ended before the next begins", Agent: func(_ *machine, c *convergeagent.Config) {
			c.Action = leaves{c.Action}
		}}, Check: "one-run", Story: made("an agent is killed in mid-run", 2, 20*time.Second, "batches = [1]", when(0, "run", "crash", 0), types(1, "transition", "waiting"))},
		{Alteration: Alteration{Name: "open tries for ever", Loses: "a failed run in an open cluster is tried again", Agent: givesUp}, Rule: "Retry", Check: "alone",
			Story: made("a node fails while all may go", 2, time.Second, `batches = ["100%"]; max_failures = 1`, befalls(0, "bad", 1, time.Minute), types(1, "transition", "waiting"))},
	}
}

// frozenMove is a move into a state that serves; something happens before the second of its nodes is back.
func frozenMove(e Event) Story {
	e.At = 65 * time.Second
	return made("frozen while all may go, and one comes back: "+e.Do, 2, 10*time.Second, `batches = ["100%"]`, types(0, "transition", "waiting"), befalls(50, "off", 2, 30*time.Second), types(60, "transition", "converged"), e)
}

// invents has an agent that finds no desired state want the initial one.
func invents(m *machine, c *convergeagent.Config) {
	seeing(func(m *machine, s states.Sight) states.Sight {
		if !s.Desired.There() && m.knows.Mark.Generation > 0 {
			off := states.State{Name: "off"}
			s.Desired = states.Doc[states.Desired]{Index: 1, Value: states.Desired{Schema: states.Schema, Cluster: cluster, Mark: m.knows.Mark, State: off, Stable: off, Open: true,
				Joiners: states.JoinersTarget, Known: []string{"off"}, Timeout: states.Duration(time.Minute)}}
		}
		return s
	})(m, c)
}

// leaves is an action that takes what an earlier process began for gone.
type leaves struct{ convergeagent.Action }

func (leaves) Adopt(context.Context, convergeagent.Task) convergeagent.Result {
	return convergeagent.Result{Outcome: states.Interrupted, Exit: -1, Free: true}
}

// givesUp has an agent whose run failed for good wait for an order.
func givesUp(m *machine, c *convergeagent.Config) {
	c.Action = gives{c.Action, m}
	seeing(func(m *machine, s states.Sight) states.Sight {
		if m.failed() {
			s.Desired.Value.Open, s.Desired.Value.Joiners = false, states.JoinersWait
		}
		return s
	})(m, c)
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
