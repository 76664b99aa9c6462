package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"orch/convergeagent"
	"orch/orchestrator"
	"orch/states"
	"orch/states/store"
)

// overriding has a leader take a rule for overridden, and not say so.
func overriding(what string) func(*world, *orchestrator.Engine) {
	return func(_ *world, e *orchestrator.Engine) {
		said := func(text string) bool { return text == what }
		e.Store = alteredStore{Store: e.Store, show: func(s states.Snapshot) states.Snapshot {
			s.Record.Value.Overrides = append(slices.Clone(s.Record.Value.Overrides), what)
			s.Requests = slices.Clone(s.Requests)
			for i := range s.Requests {
				s.Requests[i].Value.Overrides = append(slices.Clone(s.Requests[i].Value.Overrides), what)
			}
			return s
		}, write: func(_ states.Snapshot, c states.Change) states.Change {
			c.Entry.Overrides = slices.DeleteFunc(slices.Clone(c.Entry.Overrides), said)
			c.Record.Overrides = slices.DeleteFunc(slices.Clone(c.Record.Overrides), said)
			return c
		}}
	}
}

// approving has a leader find an approval whatever it looks for, and not say so.
func approving(_ *world, e *orchestrator.Engine) {
	const nobody = "nobody"
	e.Store = alteredStore{Store: e.Store, show: func(s states.Snapshot) states.Snapshot {
		r := &s.Record.Value
		r.Approvals = append(slices.Clone(r.Approvals), states.Approval{Hop: r.Hop, Batch: r.Over(), By: nobody, At: time.Now()})
		return s
	}, write: func(_ states.Snapshot, c states.Change) states.Change {
		c.Record.Approvals = slices.DeleteFunc(slices.Clone(c.Record.Approvals), func(a states.Approval) bool { return a.By == nobody })
		return c
	}}
}

// asking is a story whose moves into a version ask something of the world.
func asking(s Story, o Outside, block string) Story {
	s.Outside = o
	plain := `transition "version" { from = ["converged", "version"] }`
	s.Text = strings.Replace(s.Text, plain, "transition \"version\" {\n    from = [\"converged\", \"version\"]\n    "+block+"\n  }", 1)
	return s
}

// version1 is a move to a version.
func version1(name, policy string, events ...Event) Story {
	return made(name, 3, time.Second, policy, append(events, types(0, "transition", "converged"), types(200, "transition", "version 1"))...)
}

// ofWaits are the safeguards of what stands between two batches.
func ofWaits() []Safeguard {
	return []Safeguard{
		{Alteration: Alteration{Name: "the floor", Loses: "so many stay healthy as somebody asked for", Engine: overriding("min_healthy")}, Check: "floor",
			Story: version1("a batch that is larger than the floor allows", "batches = [2]; min_healthy = 2")},
		{Alteration: Alteration{Name: "the soak", Loses: "a batch is watched for a while before the next one goes", Engine: overriding("soak")}, Check: "rested",
			Story: made("a move with a soak", 3, time.Second, `batches = [1]; soak = "30s"`, types(0, "transition", "waiting"))},
		{Alteration: Alteration{Name: "approvals", Loses: "nobody goes on before somebody has said so", Engine: approving}, Check: "approved", Story: made("a move that nobody approves", 4, time.Second, `batches = [1]; approve = "after_first_batch"`, types(0, "transition", "waiting"))},
		{Alteration: Alteration{Name: "gates", Loses: "nobody goes on before the gates have passed", Engine: overriding("gate")}, Check: "gated",
			Story: asking(version1("a gate that does not pass", "batches = [1]"), Outside{Gate: states.GateHTTP, Moody: 1}, "gate \"http\" \"canary\" {\n      url     = \"http://canary/${argument}\"\n      timeout = \"1m\"\n    }")},
		{Alteration: Alteration{Name: "drains", Loses: "whoever runs is out of the traffic before", Agent: func(_ *machine, c *convergeagent.Config) {
			c.Drainer = pretending{c.Drainer}
		}}, Check: "drained", Story: asking(version1("a move of a service with traffic", "batches = [1]"), Outside{Drain: 20 * time.Second}, `drain "web" { wait = "20s" }`)},
		{Alteration: Alteration{Name: "requests expire", Loses: "nothing is done that somebody asked for long ago", Engine: showing(func(s states.Snapshot) states.Snapshot {
			s.Requests = slices.Clone(s.Requests)
			for i := range s.Requests {
				s.Requests[i].Value.Expires = s.Requests[i].Value.Expires.Add(24 * time.Hour)
			}
			return s
		})}, Check: "asked", Story: made("a request sleeps on its way for longer than it is meant", 2, time.Second, "batches = [1]",
			when(0, "before write requests", "freeze process", 70*time.Minute), types(1, "transition", "waiting"), types(4250, "transition", "waiting"))},
		{Alteration: Alteration{Name: "a change is told with it", Loses: "what leaders change is in the journal, in the same transaction", KV: without(func(op store.Op, _ []store.Op) bool {
			return op.Verb == store.CAS && inRoom(op, "journal") && eventOf(op.Value) == states.EventBatchDone
		})}, Check: "journal", Story: plainMove},
		{Alteration: Alteration{Name: "what cannot be written down is not done", Loses: "an agent whose disk fails starts nothing", Agent: func(_ *machine, c *convergeagent.Config) {
			open := c.Storage
			c.Storage = func(ctx context.Context) (convergeagent.Storage, error) {
				inner, err := open(ctx)
				if err != nil {
					return nil, err
				}
				return careless{inner}, nil
			}
		}}, Rule: "Dirty", Check: "truthful", Story: made("a node with a full disk fails half-way, and its agent starts anew", 2, 5*time.Second, "batches = [1]", types(0, "transition", "waiting"),
			befalls(40, "disk full", 1, 20*time.Minute), befalls(40, "bad", 1, 2*time.Minute), types(41, "transition", "converged"), befalls(49, "crash", 1, 0))},
	}
}

// pretending says that it drains, and does not.
type pretending struct{ convergeagent.Drainer }

func (pretending) Drain(context.Context, string, string) error { return nil }

// careless is a storage that takes what failed for written.
type careless struct{ convergeagent.Storage }

func (c careless) Save(text []byte) error {
	_ = c.Storage.Save(text)
	return nil
}
