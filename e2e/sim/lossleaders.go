package sim

import (
	"slices"
	"time"

	"orch/orchestrator"
	"orch/states"
)

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

// redesired writes another desired state than was decided on.
func redesired(c states.Change, d states.Desired) states.Change {
	c.Desired, c.Entry.Desired = &d, &d
	c.Record.Generation, c.Entry.Generation = d.Generation, d.Generation
	return c
}

// ofBatches are the safeguards of who goes when.
func ofBatches() []Safeguard {
	return []Safeguard{
		{Alteration: Alteration{Name: "members are recorded", Loses: "a member that vanishes stays one", Engine: showing(func(s states.Snapshot) states.Snapshot {
			s.Record.Value.Members = slices.DeleteFunc(slices.Clone(s.Record.Value.Members), func(m states.Member) bool {
				n, _ := s.Node(m.Node)
				return !n.Alive
			})
			return s
		})}, Rule: "Members", Check: "reached", Story: made("most nodes are cut off in mid-move", 3, 20*time.Second, "batches = [1]", types(1, "transition", "waiting"),
			befalls(10, "off", 2, time.Minute), befalls(10, "off", 3, time.Minute))},
		{Alteration: Alteration{Name: "a batch is over when all have ended", Loses: "the next batch waits for the last one", Engine: showing(func(s states.Snapshot) states.Snapshot {
			if b := &s.Record.Value.Batch; b.Number > 0 && b.Ended.IsZero() && !b.Opened {
				b.Ended = b.Ordered
				s.Record.Value.Batches = append(slices.Clone(s.Record.Value.Batches), *b)
			}
			return s
		})}, Check: "turns", Story: made("a batch of which one is slow", 4, 20*time.Second, "batches = [1, 2]", types(1, "transition", "waiting"))},
		{Alteration: Alteration{Name: "older runs fill slots", Loses: "a run of an earlier generation counts until it has ended", Engine: statuses(func(s *states.Snapshot, n *states.Node) {
			if run := n.Status.Value.Run; run.Going() && run.Generation != s.Desired.Value.Generation {
				n.Status.Value.Run = states.Run{}
			}
		})}, Rule: "AnyGen", Check: "bound", Story: made("a pause, a hold and a resume while a node runs", 3, time.Minute, "batches = [1]", types(1, "transition", "waiting"),
			types(10, "pause", ""), typesOf(12, "hold", 1, 10*time.Minute), types(15, "resume", ""))},
		{Alteration: Alteration{Name: "silent runs fill slots", Loses: "a run whose node is silent counts until its time is over", Engine: statuses(func(_ *states.Snapshot, n *states.Node) {
			if run := n.Status.Value.Run; run.Going() && !n.Alive {
				n.Status.Value.Run = states.Run{}
			}
		})}, Rule: "AnyGen", Check: "bound", Story: made("a pause and a resume while a node runs that is cut off", 3, 100*time.Second, "batches = [1]", types(1, "transition", "waiting"),
			befalls(10, "cut", 1, 10*time.Minute), types(40, "pause", ""), types(45, "resume", ""))},
		{Alteration: Alteration{Name: "no more are let go by opening than a batch", Loses: "all that remain are let go by one word only where they are no more than a batch", Engine: writing(func(s states.Snapshot, c states.Change) states.Change {
			if c.Entry.Event == states.EventBatch && c.Desired == nil {
				d := s.Desired.Value
				d.Open, d.Epoch = true, c.Entry.Epoch
				c = redesired(c, d)
			}
			return c
		})}, Check: "opened", Story: plainMove},
		{Alteration: Alteration{Name: "half must be alive", Loses: "no move begins while most nodes are silent", Engine: overriding("members")}, Check: "half",
			Story: made("a move while most nodes are down", 3, time.Second, "batches = [1]", befalls(0, "off", 2, 5*time.Minute), befalls(0, "off", 3, 5*time.Minute), types(60, "transition", "waiting"))},
		{Alteration: Alteration{Name: "reached", Loses: "a hop ends when everybody has arrived", Engine: statuses(func(s *states.Snapshot, n *states.Node) {
			if run := n.Status.Value.Run; run.Going() && run.State.Same(s.Desired.Value.State) {
				n.Status.Value.State, n.Status.Value.Attempting, n.Status.Value.AgainDone = s.Desired.Value.State.Short(), states.State{}, s.Desired.Value.Again
			}
		})}, Rule: "Reached", Check: "reached", Story: plainMove},
		{Alteration: Alteration{Name: "deadlines", Loses: "whoever does not answer in its time is given up", Engine: showing(func(s states.Snapshot) states.Snapshot {
			r := &s.Record.Value
			r.ResumedAt, r.Members = time.Now(), slices.Clone(r.Members)
			for i := range r.Members {
				if m := &r.Members[i]; !m.MissingSince.IsZero() {
					m.MissingSince = time.Now()
				}
			}
			return s
		})}, Rule: "Deadline", Check: "overdue", Story: made("a node goes down for long while all may go", 3, time.Second, `batches = [1]; converge_timeout = "30s"; max_failures = 2`,
			when(0, "before claim", "off", 10*time.Minute), types(1, "transition", "waiting"), types(300, "resume", ""))},
	}
}
