package store

import (
	"context"
	"errors"
	"time"
)

const (
	firstPause = 250 * time.Millisecond
	lastPause  = 15 * time.Second // an agent must not be deaf for minutes after Consul is back

	maxBurst = 30                     // watches that may answer at once, one after the other
	drip     = 200 * time.Millisecond // and then one in so long
)

// follow watches one query until the context ends, and tells what it saw and every error. It is
// the only place that knows the rules of blocking queries: an index that goes backwards starts over
// and is news; an index of 0 is no index; an answer with the same index is no news; errors wait,
// longer each time and never all at the same moment; answers that come at once again and again, from
// whatever between here and Consul does not wait, are asked for at a measured pace.
func follow(ctx context.Context, kv KV, wait time.Duration, query Query, tell func(Answer, error)) {
	pause := firstPause
	query.Wait, query.After = wait, 0
	var pace pace
	for pace.rest(ctx); ctx.Err() == nil; pace.rest(ctx) {
		answer, err := kv.Watch(ctx, query)
		if err == nil && answer.Index == 0 {
			err = errors.New("watch: the answer has no index; something between here and Consul strips its headers")
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			tell(Answer{}, err)
			rest(ctx, jittered(pause))
			pause = min(2*pause, lastPause)
			query.After = 0
			continue
		case answer.Index < query.After:
			query.After = 0 // look again at once: this answer may be older than what is there
			continue
		case answer.Index != query.After:
			tell(answer, nil)
		}
		pause, query.After = firstPause, answer.Index
	}
}

// pace lets a burst pass, and then one per drip.
type pace struct{ due time.Time } // when everything that passed would have dripped

func (p *pace) rest(ctx context.Context) {
	now := time.Now()
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(drip)
	if early := p.due.Sub(now) - maxBurst*drip; early > 0 {
		rest(ctx, early)
	}
}

// jittered spreads those that lost Consul together, each by the nanosecond at which it noticed.
func jittered(pause time.Duration) time.Duration {
	now := uint64(time.Now().UnixNano()) * 0x9E3779B97F4A7C15 // its last digits count most
	return pause/2 + time.Duration(now>>1%uint64(pause/2+1))
}

// rest waits, or ends with the context.
func rest(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
