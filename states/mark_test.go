package states_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"orch/states"
)

func mark(epoch, generation uint64, transition string) states.Mark {
	return states.Mark{Epoch: epoch, Generation: generation, Transition: transition}
}

func TestMarkRefuses(t *testing.T) {
	accepted := mark(3, 7, "t-1")
	for _, row := range []struct {
		name string
		mark states.Mark
		next states.Mark
		want string // part of the refusal; nothing where it is accepted
	}{
		{"the first of all", states.Mark{}, mark(1, 1, "t-1"), ""},
		{"the same again", accepted, accepted, ""},
		{"a change by the same leader", accepted, mark(3, 8, "t-1"), ""},
		{"a change by the next leader", accepted, mark(4, 8, "t-2"), ""},
		{"another leader, nothing changed", accepted, mark(4, 7, "t-1"), ""},
		{"far above, as recover does", accepted, mark(1003, 1007, "t-9"), ""},
		{"a lower generation", accepted, mark(3, 6, "t-1"), "generation 6 is below 7"},
		{"a deposed leader", accepted, mark(2, 8, "t-1"), "epoch 2 is below 3"},
		// A5: after a restore, leaders count on from where the snapshot was.
		{"a higher epoch with a lower generation", accepted, mark(4, 2, "t-1"), "generation 2 is below 7"},
		{"a wiped tree, born again", accepted, mark(1, 1, "t-9"), "epoch 1 is below 3"},
		{"the same generation of something else", accepted, mark(3, 7, "t-2"), `belongs to transition "t-2"`},
		{"the same generation of something else, by the next leader", accepted, mark(4, 7, "t-2"), `accepted it for "t-1"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := row.mark.Refuses(row.next)
			if (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
				t.Errorf("want a refusal with %q, got %q", row.want, got)
			}
		})
	}
}

// However documents come back from the dead, an agent's mark never falls, and no generation ever
// means two things to it.
func TestMarkNeverFalls(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var now states.Mark
		meaning := map[uint64]string{}
		for range 50 {
			next := mark(1+r.Uint64N(5), 1+r.Uint64N(8), []string{"t-1", "t-2", "t-3"}[r.IntN(3)])
			if now.Refuses(next) != "" {
				continue
			}
			if next.Epoch < now.Epoch || next.Generation < now.Generation {
				t.Fatalf("%+v was followed by %+v", now, next)
			}
			if was, known := meaning[next.Generation]; known && was != next.Transition {
				t.Fatalf("generation %d was of %s, and is of %s", next.Generation, was, next.Transition)
			}
			now, meaning[next.Generation] = next, next.Transition
		}
	}
}

// What nobody can have counted to is not believed, whatever the clock says, and there is always room above
// what is.
func TestPlantedMarks(t *testing.T) {
	first, now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC)
	for _, row := range []struct {
		name string
		mark states.Mark
		now  time.Time
		want string
	}{
		{"nothing", mark(0, 0, ""), now, ""},
		{"a cluster that moved a million times", mark(1e6, 1e6, "t-1"), now, ""},
		{"a cluster that moved a million times, and a clock without a battery", mark(1e6, 1e6, "t-1"), time.Unix(0, 0), ""},
		{"as far as it goes", mark(uint64(now.UnixMicro()), uint64(now.UnixMicro()), "t-1"), now, ""},
		{"one epoch more", mark(uint64(now.UnixMicro())+1, 1, "t-1"), now, "epoch"},
		{"one generation more", mark(1, uint64(now.UnixMicro())+1, "t-1"), now, "generation"},
		{"a moment later", mark(1, uint64(now.UnixMicro())+1000, "t-1"), now.Add(time.Millisecond), ""},
		{"the highest that can be read", mark(1, 1<<53, "t-1"), now, "generation 9007199254740992 was never reached"},
		{"planted under a clock that is slow", mark(uint64(first.UnixMicro())+1, 1, "t-1"), time.Unix(-1, 0), "epoch"},
	} {
		got := row.mark.Planted(row.now)
		if (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s: want %q, got %q", row.name, row.want, got)
		}
		if believed := states.Believed(row.mark.Generation, row.now) + states.Believed(row.mark.Epoch, row.now); got != "" && believed > row.mark.Epoch+1 {
			t.Errorf("%s: %d is counted on from", row.name, believed)
		}
	}
	if digits := len(fmt.Sprint(states.MostEntries(now))); digits > 12 {
		t.Errorf("the numbers of a journal have %d digits", digits)
	}
}

func TestNextEpoch(t *testing.T) {
	for _, row := range []struct {
		seen []uint64
		want uint64
	}{{nil, 1}, {[]uint64{0}, 1}, {[]uint64{3, 9, 4}, 10}, {[]uint64{1 << 53}, 1<<53 + 1}} {
		if got := states.NextEpoch(row.seen...); got != row.want {
			t.Errorf("after %v: want %d, got %d", row.seen, row.want, got)
		}
	}
}

// A planted number must not use the counters up: above it, nothing could ever be accepted again.
func TestDesiredOutOfRange(t *testing.T) {
	for name, m := range map[string]states.Mark{
		"no epoch": mark(0, 1, "t-1"), "no generation": mark(1, 0, "t-1"), "no transition": mark(1, 1, ""),
		"an epoch at the end": mark(math.MaxUint64, 1, "t-1"), "a generation at the end": mark(1, math.MaxUint64, "t-1"),
		"a transition that is a path": mark(1, 1, "../t"),
	} {
		if err := move(func(d *states.Desired) { d.Mark = m }).Validate(); err == nil {
			t.Errorf("%s: a desired state with the mark %+v is taken", name, m)
		}
	}
	if err := move().Validate(); err != nil {
		t.Errorf("a sound one is refused: %v", err)
	}
}
