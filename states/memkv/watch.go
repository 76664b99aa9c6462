package memkv

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"orch/states"
	"orch/states/store"
)

const defaultWait = 5 * time.Minute

// sighting is what one look of a watch saw.
type sighting struct {
	answer  store.Answer
	nothing bool // nothing lies there: the index is that of all keys, and moves with any of them
	life    int
}

// Watch waits until something at the key, or below the prefix, is newer than Query.After.
func (c *Caller) Watch(ctx context.Context, q store.Query) (store.Answer, error) {
	wait := q.Wait
	if wait <= 0 {
		wait = defaultWait
	}
	until := c.server.clock().Add(wait)
	bell := newBell(q)
	defer c.server.unlisten(bell)
	var denied []string
	var last sighting
	for first := true; ; first = false {
		if err := c.enter(ctx); err != nil {
			return store.Answer{}, err
		}
		if first {
			denied = c.denied
		}
		now, err := c.server.look(q, denied)
		left := c.server.patience(until)
		c.server.listen(bell, now.nothing)
		c.server.mu.Unlock()
		switch {
		case err != nil:
			return store.Answer{}, err
		case !first && now.life != last.life: // restored: Consul answers with what it saw before
			return last.answer, nil
		case q.After == 0, now.answer.Index > q.After && (first || !now.nothing || !last.nothing):
			return now.answer, nil
		case left.over:
			return now.answer, nil
		}
		last = now
		bell.wait(ctx, left.wait)
	}
}

// patience is how long a watch may sleep before it must look again.
type patience struct {
	wait time.Duration
	over bool
}

// patience counts to the end of the watch, or of the next session: nothing else tells of that.
func (s *server) patience(until time.Time) patience {
	now := s.clock()
	if end := s.nextEnd(); !end.IsZero() && end.Before(until) {
		return patience{wait: end.Sub(now)}
	}
	return patience{wait: until.Sub(now), over: !now.Before(until)}
}

func (s *server) look(q store.Query, denied []string) (sighting, error) {
	if q.Prefix {
		return s.lookBelow(q.Key, denied), nil
	}
	if denies(denied, q.Key) {
		return sighting{}, fmt.Errorf("%w: reading %q", states.ErrDenied, q.Key)
	}
	e := s.keys[q.Key]
	if !e.there() {
		return sighting{answer: store.Answer{Index: max(s.table, 1)}, nothing: true, life: s.life}, nil
	}
	return sighting{answer: store.Answer{Pair: e.Pair, Index: e.Index}, life: s.life}, nil
}

// lookBelow lists the first level below a prefix. Its index counts every key there, also those
// that were deleted and those that this client may not see.
func (s *server) lookBelow(prefix string, denied []string) sighting {
	seen := sighting{life: s.life}
	names := map[string]bool{}
	for key := range s.below(prefix) {
		seen.answer.Index = max(seen.answer.Index, s.keys[key].Index)
		if denies(denied, key) {
			continue
		}
		rest := key[len(prefix):]
		if head, _, deeper := strings.Cut(rest, "/"); deeper {
			key = prefix + head + "/"
		}
		names[key] = true
	}
	for key, index := range s.stones {
		if strings.HasPrefix(key, prefix) {
			seen.answer.Index = max(seen.answer.Index, index)
		}
	}
	if seen.answer.Index == 0 {
		seen.nothing, seen.answer.Index = true, max(s.table, 1)
	}
	for key := range names {
		seen.answer.Keys = append(seen.answer.Keys, key)
	}
	slices.Sort(seen.answer.Keys)
	return seen
}
