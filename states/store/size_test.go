package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"orch/states"
)

func crowd(members int) states.Record {
	record := sampleRecord()
	for i := range members {
		record.Members = append(record.Members, states.Member{Node: fmt.Sprintf("web-%05d.eu-west.example", i)})
	}
	return record
}

// What the planner takes for possible must be possible: it measures records without indentation.
func TestLargeRecordsAreWrittenWithoutIndentation(t *testing.T) {
	for _, members := range []int{10, 1000, 5000, 8000} {
		record := crowd(members)
		compact, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		text := encode(record)
		if indented := strings.Contains(string(text), "\n  "); indented != (members <= 1000) {
			t.Errorf("%d members: indented %v", members, indented)
		}
		if len(text) > max(maxReadable, len(compact)+1) {
			t.Errorf("%d members take %d bytes; %d without indentation", members, len(text), len(compact))
		}
		if _, err := parse[states.Record](text); err != nil {
			t.Errorf("%d members: %v", members, err)
		}
	}
	if compact, _ := json.Marshal(crowd(8000)); len(compact) > states.MaxRecordBytes || len(compact) < states.MaxRecordBytes*3/4 {
		t.Errorf("the largest record here has %d bytes, which is not near the limit", len(compact))
	}
}

// 380 KiB of values in three operations is what Consul takes; in 63 it cuts the connection.
func TestTransactionsAreMeasuredAsTheyAreSent(t *testing.T) {
	keys, _ := NewKeys("orch")
	s := New(nil, keys, nil) // a transaction that is too large never gets there
	change := states.Change{Record: sampleRecord(), Orders: map[string]states.Order{}, Entry: states.Entry{Seq: 1, Event: states.EventOrders}}
	change.Record.Reason = strings.Repeat("x", 350*1024)
	for i := range states.MaxNodesPerTransaction {
		change.Orders[fmt.Sprint("web", i)] = states.Order{Void: "void", Summary: strings.Repeat("x", 30*1024/states.MaxNodesPerTransaction)}
	}
	err := s.Commit(t.Context(), &states.Lease{Cluster: "web"}, states.Snapshot{}, change)
	if !errors.Is(err, states.ErrTooLarge) {
		t.Errorf("380 KiB in 63 operations: %v", err)
	}
}
