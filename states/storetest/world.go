package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"orch/states"
	"orch/states/store"
)

// The cluster that the tests above the port use, and its documents.
const (
	cluster    = "web"
	transition = "0b5c41d2"
)

var (
	instant = time.Date(2026, 3, 1, 2, 15, 0, 0, time.UTC)
	v41     = states.State{Name: "version", Argument: "41", Serving: true}
	v42     = states.State{Name: "version", Argument: "42", Serving: true}
)

func keysOf(t *testing.T, h Harness) store.Keys {
	t.Helper()
	keys, err := store.NewKeys(h.Prefix)
	must(t, err)
	return keys
}

// storeOn makes a Store whose leases do not end by themselves during a test.
func storeOn(t *testing.T, h Harness, kv store.KV) *store.Store {
	s := store.New(kv, keysOf(t, h), func(text string) (states.Cluster, error) {
		if text == "garbage" {
			return states.Cluster{}, errors.New("it is garbage")
		}
		return states.Cluster{Name: text}, nil
	})
	s.TTL, s.Wait = 60*h.TTL, patient
	return s
}

// agentOn makes an Agent that looks at freezes often, and whose session is long.
func agentOn(t *testing.T, h Harness, kv store.KV, node string) *store.Agent {
	a := store.NewAgent(kv, keysOf(t, h), cluster, node)
	a.TTL, a.Wait, a.Again = 60*h.TTL, patient, h.TTL/4
	return a
}

// lead takes the lease until the test ends.
func lead(t *testing.T, s *store.Store) *states.Lease {
	t.Helper()
	lease, err := s.Campaign(t.Context(), cluster, "ada@bastion", "")
	must(t, err)
	t.Cleanup(func() { _ = lease.Release(context.Background()) })
	return lease
}

func snapshot(t *testing.T, s *store.Store) states.Snapshot {
	t.Helper()
	snapshot, err := s.Snapshot(t.Context(), cluster)
	must(t, err)
	return snapshot
}

func record(seq uint64) states.Record {
	return states.Record{Summary: "to version 42", Schema: states.Schema, ID: transition, Status: states.Running,
		Start: v41, Target: v42, Hops: []states.Hop{{State: v42, Policy: states.BuiltIn()}}, Journal: seq, StartedAt: instant}
}

func entry(seq uint64) states.Entry {
	return states.Entry{Summary: fmt.Sprint("step ", seq), Schema: states.Schema, Seq: seq, At: instant,
		Transition: transition, Event: states.EventOrders, Leader: "ada@bastion"}
}

// change is one that moves the record and writes a journal entry, as every change does.
func change(seq uint64) states.Change {
	return states.Change{Entry: entry(seq), Record: record(seq)}
}

func desired(generation uint64) states.Desired {
	return states.Desired{Summary: "to version 42", Schema: states.Schema,
		Mark:  states.Mark{Epoch: 1, Generation: generation, Transition: transition},
		State: v42, Stable: v41, From: []states.State{v41}, Joiners: states.JoinersStable,
		Timeout: states.Duration(time.Minute)}
}

func order(run string) states.Order {
	return states.Order{Summary: "go to version 42", Schema: states.Schema, Transition: transition, Generation: 1,
		State: v42, Instance: "1nstance", Run: run, Timeout: states.Duration(time.Minute)}
}

func status(phase states.Phase) states.Status {
	return states.Status{Summary: string(phase), Schema: states.Schema, Instance: "1nstance", State: v41, Phase: phase, Since: instant}
}

func request(id string) states.Request {
	return states.Request{Summary: "pause", Schema: states.Schema, ID: id, Kind: states.AskPause, Transition: transition,
		Generation: 1, By: "ada@bastion", At: instant, Expires: instant.Add(time.Hour)}
}

// commit writes a change that must go through, against what lies there now.
func commit(t *testing.T, s *store.Store, lease *states.Lease, change states.Change) {
	t.Helper()
	must(t, s.Commit(t.Context(), lease, snapshot(t, s), change))
}

// wantErr asks for one of the verdicts.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want: %v", what, err, want)
	}
}
