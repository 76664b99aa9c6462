package sim

import (
	"fmt"
	"slices"
	"strings"
)

// Shrink drops from a story what it does not need to fail: first many events at once, then single ones.
// A story that fails only now and then is tried more than once before something counts as needed.
func Shrink(s Story, fails func(Story) bool) Story {
	for size := (len(s.Events) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(s.Events); {
			less := s
			less.Events = slices.Delete(slices.Clone(s.Events), at, min(at+size, len(s.Events)))
			if fails(less) {
				s = less
			} else {
				at += size
			}
		}
	}
	for _, drop := range []func(*Story){
		func(s *Story) { s.FailRate = 0 }, func(s *Story) { s.SlowRate = 0 }, func(s *Story) { s.HangRate = 0 }, func(s *Story) { s.Care = Care{} },
	} {
		less := s
		if drop(&less); fails(less) {
			s = less
		}
	}
	return s
}

// Tell gives a failing story in words: what it takes, and what happened up to the first promise that
// was broken.
func (r Result) Tell(s Story) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d nodes, sessions of %s; runs fail %.2f, are slow %.2f, hang %.2f; care %+v\n%s\n", s.Seed, s.Nodes, s.TTL, s.FailRate, s.SlowRate, s.HangRate, s.Care, s.Text)
	for _, e := range s.Events {
		fmt.Fprintf(&b, "  %s\n", e)
	}
	if len(r.Violations) == 0 {
		return b.String()
	}
	first := r.Violations[0]
	told := History{Notes: r.History.Notes[:first.Note+1]}
	fmt.Fprintf(&b, "\n%s\nBROKEN  %s\n", told.Print(60), first)
	return b.String()
}
