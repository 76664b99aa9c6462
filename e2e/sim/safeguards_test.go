package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSafeguards takes each safeguard out, and wants to see that: else the checks prove nothing. A loss
// counts where the same story breaks nothing as long as the safeguard is there.
func TestSafeguards(t *testing.T) {
	began := time.Now()
	all := spread(t, func(all *sum, mine func(int) bool) {
		for n, s := range Safeguards() {
			if !mine(n) || *only != "" && *only != s.Name {
				continue
			}
			if told := missed(t, s); told != "" {
				all.Caught = append(all.Caught, fmt.Sprintf("%2d %s", n+1, told))
			}
		}
	})
	if slices.Sort(all.Caught); *part == "" {
		t.Logf("%d safeguards were taken out, in %s: %s of CPU\n%s", len(all.Caught), time.Since(began).Round(time.Second), all.CPU, strings.Join(all.Caught, "\n"))
	}
}

// missed tells what notices that a safeguard is gone, and in which story.
func missed(t *testing.T, s Safeguard) string {
	used, tried := cpu(), 0
	for told := range s.tales(*budget) {
		tried++
		if loss, shows := s.shows(t, told); shows {
			return fmt.Sprintf("%-8s without %-45q %s, seed %d (%s): %s", s.Rule, s.Name, cmp.Or(told.Told, "chance"), told.Seed, (cpu() - used).Round(time.Millisecond), clip(loss.String(), 170))
		}
	}
	t.Errorf("%q does not notice within %d stories that this is lost: %s: %s", s.Check, tried, s.Name, s.Loses)
	return ""
}

// tales are the stories in which the loss is looked for: the one that was made for it, with other delays
// again and again, and then what chance tells.
func (s Safeguard) tales(most int) func(yield func(Story) bool) {
	return func(yield func(Story) bool) {
		for seed := uint64(1); seed <= uint64(min(most, 12)); seed++ {
			if s.Story.Seed = seed; !yield(s.Story) {
				return
			}
		}
		for seed := *from; seed < *from+uint64(most); seed++ {
			if !yield(Tell(seed).first()) {
				return
			}
		}
	}
}

// shows tells whether a story breaks the promise without the safeguard, and no promise with it.
func (s Safeguard) shows(t *testing.T, told Story) (Violation, bool) {
	result := played(t, told, s.lost())
	i := slices.IndexFunc(result.Violations, func(v Violation) bool { return v.Check == s.Check })
	if *show > 0 {
		t.Log("\n" + result.History.Print(*show))
	}
	if i < 0 {
		if *show > 0 {
			t.Log(result.Violations)
		}
		return Violation{}, false
	}
	if with := played(t, told, Alteration{}); len(with.Violations) > 0 {
		t.Logf("%s breaks something also with the safeguard: %s", told.Told, with.Violations[0])
		return Violation{}, false
	}
	if s.Covered != nil {
		if with := played(t, told, *s.Covered); slices.ContainsFunc(with.Violations, func(v Violation) bool { return v.Check == s.Check }) {
			t.Logf("%s breaks %q also with the safeguard, where only %q is lost", told.Told, s.Check, s.Covered.Name)
			return Violation{}, false
		}
	}
	return result.Violations[i], true
}

func clip(text string, n int) string {
	if len(text) > n {
		return text[:n] + "…"
	}
	return text
}
