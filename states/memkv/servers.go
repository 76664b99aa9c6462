package memkv

import "time"

// Elect is what a new leader among the servers does: it knows of no renewal, so every session has its
// full time again, and blocked watches end with what they saw. Lock delays are in every server's memory,
// and go on.
func (kv *KV) Elect() {
	s := kv.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	s.fresh()
	s.life++
	s.wake()
}

// Restart is what a start of all servers does: as Elect, and they go through their log again, in which
// sessions end once more, so that each lock delay that was ever armed begins anew, however long it is over.
func (kv *KV) Restart() {
	kv.Elect()
	s := kv.server
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, delay := range s.armed {
		s.delays[key] = s.clock().Add(delay)
	}
}

// fresh gives every session its full time again.
func (s *server) fresh() {
	for _, one := range s.sessions {
		s.renew(one)
	}
}

// renew gives a session its full time again.
func (s *server) renew(one session) {
	one.renewed++
	one.end = s.clock().Add(s.span(one.id, one.renewed, one.ttl))
	s.sessions[one.id] = one
}

// nextEnd is when the next session ends if nobody renews it; zero: none does.
func (s *server) nextEnd() time.Time {
	var next time.Time
	for _, one := range s.sessions {
		if next.IsZero() || one.end.Before(next) {
			next = one.end
		}
	}
	return next
}
