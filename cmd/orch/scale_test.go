package main

import (
	"fmt"
	"testing"

	"orch/states"
)

// crowd is a cluster of n nodes in the beginning of a move, one at a time.
func crowd(n int) states.Snapshot {
	s := running()
	record, node := s.Record.Value, s.Nodes[25]
	record.Hops[0].Policy.Batches = []states.Size{states.Nodes(1)}
	record.Members, record.Batches, record.Batch, s.Nodes = nil, nil, states.Batch{}, nil
	for i := range n {
		node.Name = fmt.Sprintf("web-%04d", i)
		s.Nodes = append(s.Nodes, node)
		record.Members = append(record.Members, states.Member{Node: node.Name})
	}
	s.Record = doc(record)
	return s
}

func BenchmarkLook(b *testing.B) {
	for _, n := range []int{30, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := crowd(n)
			for b.Loop() {
				look(s, place{}, at("02:19:12"))
			}
		})
	}
}
