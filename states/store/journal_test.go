package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orch/states"
)

// The largest record that a move may begin with, beside as many orders as one transaction has: what the
// journal notes of them must leave room for the record to grow.
func TestTheLargestMoveFitsWithItsJournal(t *testing.T) {
	keys, _ := NewKeys("orch")
	s := New(nil, keys, nil)
	desired := states.Desired{Schema: 1, Summary: strings.Repeat("x", 200), Known: strings.Fields(strings.Repeat("version ", 20)),
		State: states.State{Name: "version", Argument: "2026.11.21-4711"}, From: make([]states.State, 4)}
	change := states.Change{Record: states.Record{Schema: 1, Reason: strings.Repeat("x", states.MaxRecordBytes)}, Orders: map[string]states.Order{},
		Entry: states.Entry{Schema: 1, Summary: strings.Repeat("x", 300), Reason: strings.Repeat("x", 300), Event: states.EventBatch, Orders: map[string]string{}, Desired: &desired, Before: &desired}}
	var snapshot states.Snapshot
	for i := range states.MaxNodesPerTransaction {
		name := fmt.Sprintf("web-%05d.eu-west.example.com", i)
		change.Orders[name] = states.Order{Schema: 1, Summary: "web-00001.eu-west.example.com may go to version 2026.11.21-4711", Transition: "t-20261121t100000z-01234567",
			Generation: 4711, State: desired.State, Instance: "0123456789abcdef", Run: "r-0123456789", Timeout: states.Duration(time.Hour), Batch: 4711}
		change.Entry.Orders[name], change.Entry.Nodes = "r-0123456789", append(change.Entry.Nodes, name)
		snapshot.Nodes = append(snapshot.Nodes, states.Node{Name: name, Order: states.Doc[states.Order]{Index: 4711, Digest: noHead}})
	}
	change.Desired = &desired
	_, ops := s.fits(&states.Lease{Cluster: "web-frontend", Session: "6f1b5e9a-0000-4000-8000-000000000001"}, snapshot, change)
	size := body(ops)
	t.Logf("%d operations, %d KiB of %d", len(ops), size/1024, maxBody/1024)
	if size > maxBody {
		t.Errorf("it takes %d KiB of %d", size/1024, maxBody/1024)
	}
}

func TestHeadless(t *testing.T) {
	record := states.Record{Schema: 1, Reason: `"head": "x"}`, Journal: 3, Head: noHead}
	text := encode(record)
	whole := string(headless(text))
	if strings.Contains(whole[len(whole)-20:], "head") || !strings.Contains(whole, `"journal": 3`) {
		t.Errorf("without its head it is %q", whole)
	}
	record.Head = states.Fingerprint([]byte("x"))
	if string(headless(encode(record))) != whole {
		t.Error("another head makes another record")
	}
	for _, edit := range []func(string) string{
		func(s string) string { return strings.Replace(s, `"journal": 3`, `"journal": 4`, 1) },
		func(s string) string { return strings.Replace(s, "\n}", ",\n  \"more\": 1\n}", 1) },
		func(s string) string { return s + "{}" },
	} {
		if string(headless([]byte(edit(string(text))))) == whole {
			t.Errorf("an edit is not seen: %s", edit(string(text)))
		}
	}
}
