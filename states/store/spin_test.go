package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// restless answers every watch at once: with the same index, as behind a proxy that drops what it
// is to wait for, or with two indexes in turn, as behind one that asks two servers.
type restless struct {
	KV
	indexes []uint64
	watches int
}

func (r *restless) Watch(context.Context, Query) (Answer, error) {
	r.watches++
	return Answer{Index: r.indexes[r.watches%len(r.indexes)]}, nil
}

func TestFollowNeverSpins(t *testing.T) {
	for name, indexes := range map[string][]uint64{"the same": {7}, "back and forth": {7, 9}, "all three": {9, 7, 5}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				kv := &restless{indexes: indexes}
				follow(ctx, kv, time.Minute, Query{Key: "k"}, func(Answer, error) {})
				if kv.watches > 400 {
					t.Errorf("%d watches in a minute", kv.watches)
				}
			})
		})
	}
}

// Many changes one after the other are no spinning: they are seen without a pause.
func TestChangesAreSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var lines []line
		for i := range maxBurst - 1 { // and one watch more, that ends it
			lines = append(lines, line{index: uint64(i) + 5})
		}
		play(t, lines...)
		if took := time.Since(begun); took > 0 {
			t.Errorf("%d changes were seen after %s", len(lines), took)
		}
	})
}
