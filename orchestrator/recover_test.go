package orchestrator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"orch/states"
)

func recovery(state, argument string) Recovery {
	return Recovery{Target: states.Ref{Name: state, Argument: argument}, ID: "q-recover", By: "ada"}
}

// accepted gives a node a mark, as if it had followed what nobody has any more.
func (w *world) accepted(name string, epoch, generation uint64) {
	w.agents[name].mark = states.Mark{Epoch: epoch, Generation: generation, Transition: "t-lost"}
	w.report(name)
}

func wiped(w *world) {
	w.snapshot.Desired, w.snapshot.Record = states.Doc[states.Desired]{}, states.Doc[states.Record]{}
}

func TestRecover(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(w *world)
		wanted  Recovery
		says    string // an error; empty: it recovers
	}{
		{"a node has seen more", func(w *world) { w.accepted("n01", 7, 41) }, recovery("version", "1"), ""},
		{"everything but the definition is gone", wiped, recovery("converged", ""), ""},
		{"everything is gone", func(w *world) { wiped(w); w.snapshot.Definition = states.Doc[states.Cluster]{} }, recovery("converged", ""), "--definition PATH"},
		{"everything is gone, and the definition is given", func(w *world) { wiped(w); w.snapshot.Definition = states.Doc[states.Cluster]{} }, defined(recovery("converged", "")), ""},
		{"desired is garbage", func(w *world) { w.snapshot.Desired = states.Doc[states.Desired]{Index: 9, Problem: "it is empty"} }, recovery("version", "1"), ""},
		{"the record is gone", func(w *world) { w.snapshot.Record = states.Doc[states.Record]{} }, recovery("version", "1"), ""},
		{"the record is garbage", func(w *world) { w.snapshot.Record = states.Doc[states.Record]{Index: 9, Problem: "it is empty"} }, recovery("version", "1"), ""},
		{"nothing is wrong", nil, recovery("version", "1"), "nothing is wrong"},
		{"nothing is wrong, and it is meant", nil, healthy(recovery("version", "1")), ""},
		{"not born", func(w *world) { wiped(w); w.snapshot.Nodes = nil }, recovery("version", "1"), "not born yet"},
		{"no such state", func(w *world) { w.accepted("n01", 7, 41) }, recovery("versoin", "1"), `find state "versoin"`},
		{"a node says what nobody can have counted", func(w *world) { w.accepted("n01", 1, 1<<53) }, recovery("version", "1"), "nothing is wrong"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := serving(t, tier(), 3)
			if c.prepare != nil {
				c.prepare(w)
			}
			change, err := Recover(w.snapshot, c.wanted, w.leading, w.now)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("want an error that says %q: %v", c.says, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := change.Desired; d.Open || d.Joiners != states.JoinersWait || d.State.String() != c.wanted.Target.String() {
				t.Errorf("it is to be closed, and late nodes wait: %+v", d)
			}
			if r := change.Record; r.Status != states.Paused || r.Cause != states.ByRecover || len(r.Members) != 3 {
				t.Errorf("it is to be paused: %+v", r)
			}
			if (change.Definition != nil) != (c.wanted.Definition != nil) {
				t.Errorf("the definition that is written: %v", change.Definition)
			}
			w.goesOn(change)
		})
	}
}

func defined(r Recovery) Recovery {
	definition := tier()
	r.Definition, r.Text = &definition, "tier"
	return r
}

func healthy(r Recovery) Recovery { r.Healthy = true; return r }

// goesOn resumes after a recovery, and asks that everybody gets there, batch by batch.
func (w *world) goesOn(change states.Change) {
	w.t.Helper()
	w.commit(change)
	if change.Definition != nil {
		w.snapshot.Definition = states.Doc[states.Cluster]{Value: tier(), Index: 2}
	}
	w.leading.Epoch = change.Desired.Epoch + 1
	target := change.Desired.State.String()
	before := w.at(target)
	w.settle()
	if w.at(target) != before {
		w.fail("somebody went before anybody said so")
	}
	w.ask(states.Request{Kind: states.AskResume})
	for range 500 {
		w.bound()
		_, stepped := w.plan()
		w.bound()
		for _, name := range w.names() {
			stepped = w.act(name) || stepped
			w.bound()
		}
		if !stepped {
			break
		}
	}
	if w.record().Status != states.Done || w.at(target) != len(w.agents) {
		w.fail("%d of %d at %s: %s, %s", w.at(target), len(w.agents), target, w.record().Status, w.record().Reason)
	}
}

func TestRecoveryDropsWhatWasAsked(t *testing.T) {
	w := serving(t, tier(), 2)
	w.accepted("n01", 7, 41)
	ids := []string{w.move("off", ""), w.queue("version", "9"), w.ask(states.Request{Kind: states.AskHold, Node: "n00"})}
	change, err := Recover(w.snapshot, recovery("version", "1"), w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(change)
	for _, id := range ids {
		if answer := w.answered(id); !answer.Refused || !strings.Contains(answer.Reason, "recovered") {
			t.Errorf("%+v", answer)
		}
	}
	if len(w.snapshot.Requests) != 0 || !strings.Contains(change.Entry.Reason, ids[0]) {
		t.Errorf("%v: %s", w.snapshot.Requests, change.Entry.Reason)
	}
}

func TestRecoveryKeepsTheOperatorsWords(t *testing.T) {
	w := serving(t, tier(), 3)
	w.ask(states.Request{Kind: states.AskHold, Node: "n00"})
	w.settle()
	w.accepted("n01", 7, 41)
	change, err := Recover(w.snapshot, recovery("converged", ""), w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(change)
	w.leading.Epoch = change.Desired.Epoch + 1
	w.ask(states.Request{Kind: states.AskResume})
	w.settle()
	if w.at("converged") != 2 || w.agents["n00"].self.State.String() != "version 1" {
		w.fail("%d at converged", w.at("converged"))
	}
}

func TestTheJournalGoesOnAfterARecovery(t *testing.T) {
	w := serving(t, tier(), 1)
	wiped(w)
	wanted := recovery("converged", "")
	wanted.Last = states.Entry{Seq: 512, Epoch: 90, Generation: 70}
	change, err := Recover(w.snapshot, wanted, w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	if change.Entry.Seq != 513 || change.Desired.Epoch != 90+beyond || change.Desired.Generation != 70+beyond {
		t.Errorf("entry %d, %+v", change.Entry.Seq, change.Desired.Mark)
	}
}

// Whatever anybody has seen: nobody refuses what a recovery writes, nobody goes before it is resumed,
// and a node that comes back with a still higher mark only needs another one.
func TestNobodyRefusesARecovery(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			w := serving(t, tier(), 2+r.IntN(4))
			absent := w.damage(r)
			for round := range 2 {
				wanted := defined(recovery("version", "9"))
				wanted.ID, wanted.Healthy = fmt.Sprint("q-recover-", round), true
				change, err := Recover(w.snapshot, wanted, w.leading, w.now)
				if err != nil {
					t.Fatal(err)
				}
				for name, a := range w.agents {
					if why := a.mark.Refuses(change.Desired.Mark); why != "" && a.up {
						w.fail("round %d: %s refuses: %s", round, name, why)
					}
				}
				if round == 1 || absent == "" {
					w.goesOn(change)
					return
				}
				w.commit(change)
				w.leading.Epoch = change.Desired.Epoch + 1
				w.agents[absent].up = true
				w.report(absent)
			}
		})
	}
}

// damage does to a cluster what restores and wipes do. It names a node that is away meanwhile, and
// that nobody knows has seen most, or "".
func (w *world) damage(r *rand.Rand) (absent string) {
	for _, name := range w.names() {
		a := w.agents[name]
		if r.IntN(2) == 0 {
			a.self.State = states.State{Name: "version", Argument: fmt.Sprint(r.IntN(4)), Serving: true}
		}
		if r.IntN(5) == 0 {
			a.self.Attempting = states.State{Name: "off"}
		}
		w.accepted(name, r.Uint64N(50), 1+r.Uint64N(5000))
	}
	if r.IntN(2) == 0 {
		absent = pick(r, w.names())
		w.kill(absent)
		w.agents[absent].mark = states.Mark{Epoch: 9000, Generation: 900_000, Transition: "t-lost"}
	}
	switch r.IntN(4) {
	case 0:
		wiped(w)
		w.snapshot.Definition = states.Doc[states.Cluster]{}
	case 1:
		w.snapshot.Desired = states.Doc[states.Desired]{Index: 5, Problem: "it is empty"}
	case 2:
		w.snapshot.Record = states.Doc[states.Record]{}
	}
	w.now = w.now.Add(time.Minute)
	return absent
}

// A recovery to where nobody serves is not held up by a floor that could never be kept on the way there.
func TestNoFloorHoldsUpARecoveryToOff(t *testing.T) {
	definition := tier()
	for i := range definition.Transitions {
		definition.Transitions[i].Policy.MinHealthy = states.Nodes(1)
	}
	w := serving(t, definition, 3)
	wiped(w)
	change, err := Recover(w.snapshot, recovery("off", ""), w.leading, w.now)
	if err != nil {
		t.Fatal(err)
	}
	w.commit(change)
	w.ask(states.Request{Kind: states.AskResume})
	w.settle()
	if w.record().Status != states.Done || w.at("off") != 3 {
		t.Errorf("%s: %s; %d of 3 are off", w.record().Status, w.record().Reason, w.at("off"))
	}
}
