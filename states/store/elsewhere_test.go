package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orch/states"
	"orch/states/memkv"
	"orch/states/store"
)

var (
	version17 = states.State{Name: "version", Argument: "17", Serving: true}
	version18 = states.State{Name: "version", Argument: "18", Serving: true}
	twoEleven = time.Date(2026, 3, 1, 2, 11, 3, 0, time.UTC)
)

// dbDesired and dbRecord are what lies there of a cluster that is moving to version 18.
func dbDesired() states.Desired {
	return states.Desired{Schema: states.Schema, Mark: states.Mark{Epoch: 1, Generation: 2, Transition: "t-1"},
		State: version18, Stable: version17, Joiners: states.JoinersStable, Timeout: states.Duration(time.Minute)}
}

func dbRecord(status string) states.Record {
	return states.Record{Schema: states.Schema, ID: "t-1", Status: status, Reason: "web-03 failed: exit 1", Target: version18, Hops: []states.Hop{{State: version18, Policy: states.BuiltIn()}},
		StartedAt: twoEleven, PausedAt: twoEleven.Add(time.Minute)}
}

func text(t *testing.T, document any) string {
	t.Helper()
	out, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestElsewhere(t *testing.T) {
	hop, done := dbDesired(), text(t, dbRecord(states.Done))
	hop.State = version17
	for name, test := range map[string]struct {
		desired, record string
		want            states.Elsewhere // but for its index
	}{
		"unborn": {},
		"settled": {text(t, dbDesired()), done,
			states.Elsewhere{There: true, State: version18, Settled: true}},
		"moving": {text(t, dbDesired()), text(t, dbRecord(states.Running)),
			states.Elsewhere{There: true, State: version18, Reason: "moving to version 18 since 02:11:03Z"}},
		"paused": {text(t, dbDesired()), text(t, dbRecord(states.Paused)),
			states.Elsewhere{There: true, State: version18, Reason: "paused on the way to version 18 since 02:12:03Z: web-03 failed: exit 1"}},
		"aborted": {text(t, dbDesired()), text(t, dbRecord(states.Aborted)),
			states.Elsewhere{There: true, State: version18, Reason: "aborted on the way to version 18"}},
		"done with another": {text(t, hop), done,
			states.Elsewhere{There: true, State: version17, Reason: "it reached version 18 last, and is wanted at version 17"}},
		"no record": {text(t, dbDesired()), "",
			states.Elsewhere{There: true, State: version18, Problem: `read the transition of "db": it is missing`}},
		"no desired state": {"", done,
			states.Elsewhere{There: true, Problem: `read the desired state of "db": it is missing`}},
		"garbage": {"garbage", done,
			states.Elsewhere{There: true, Problem: `read the desired state of "db": it is not JSON as orch writes it: invalid character 'g' looking for beginning of value`}},
		"a record of a later version": {text(t, dbDesired()), `{"schema":9}`,
			states.Elsewhere{There: true, State: version18, Problem: `read the transition of "db": its schema is 9, and this version understands 1`}},
	} {
		t.Run(name, func(t *testing.T) {
			kv, s := memory(t)
			put(kv, "orch/clusters/db/transition", test.record)
			put(kv, "orch/clusters/db/desired", test.desired)
			got, err := s.Elsewhere(t.Context(), "db")
			if err != nil {
				t.Fatal(err)
			}
			if (got.Index != 0) != (test.desired != "") {
				t.Errorf("the index is %d", got.Index)
			}
			got.Index = 0
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVote(t *testing.T) {
	kv, s := memory(t)
	if doc, err := s.Vote(t.Context(), "qa"); err != nil || doc.There() {
		t.Errorf("nobody voted: %+v, %v", doc, err)
	}
	if doc, err := s.Vote(t.Context(), "qa-"); err == nil || !strings.Contains(err.Error(), `"qa-"`) {
		t.Errorf("a gate that no key can be called after: %+v, %v", doc, err)
	}
	put(kv, "orch/gates/qa", `{"schema":1,"outcome":"pass","by":"carol"}`)
	if doc, err := s.Vote(t.Context(), "qa"); err != nil || !doc.OK() || doc.Value.By != "carol" {
		t.Errorf("carol voted: %+v, %v", doc, err)
	}
	put(kv, "orch/gates/qa", `{"schema":1,"outcome":"perhaps","by":"carol"}`)
	if doc, err := s.Vote(t.Context(), "qa"); err != nil || !strings.Contains(doc.Problem, `"perhaps" is neither pass nor fail`) {
		t.Errorf("carol is not sure: %+v, %v", doc, err)
	}
}

// What may not be read is never taken for what is not there.
func TestElsewhereWithoutRights(t *testing.T) {
	kv, _ := memory(t)
	keys, _ := store.NewKeys("orch")
	s := store.New(kv.Client("orch/clusters/db/", "orch/gates/"), keys, nil)
	if _, err := s.Elsewhere(t.Context(), "db"); !errors.Is(err, states.ErrDenied) {
		t.Errorf("reading where a cluster is: %v", err)
	}
	if _, err := s.Vote(t.Context(), "qa"); !errors.Is(err, states.ErrDenied) {
		t.Errorf("reading a vote: %v", err)
	}
}

func memory(t *testing.T) (*memkv.KV, *store.Store) {
	t.Helper()
	keys, err := store.NewKeys("orch")
	if err != nil {
		t.Fatal(err)
	}
	kv := memkv.New(time.Now)
	return kv, store.New(kv, keys, nil)
}

func put(kv *memkv.KV, key, value string) {
	if value != "" {
		kv.Put(key, value)
	}
}
