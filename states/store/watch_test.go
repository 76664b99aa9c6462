package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orch/states"
)

// script is a KV whose watches answer line by line, and whose last line ends the test.
type script struct {
	KV
	lines   []line
	end     context.CancelFunc
	asked   []uint64 // Query.After of each watch
	at      []time.Time
	queries []Query
}

type line struct {
	index uint64
	err   error
}

func (s *script) Watch(ctx context.Context, q Query) (Answer, error) {
	s.asked, s.queries, s.at = append(s.asked, q.After), append(s.queries, q), append(s.at, time.Now())
	if len(s.lines) == 0 {
		s.end()
		return Answer{Index: 999}, nil // too late to be news
	}
	next := s.lines[0]
	s.lines = s.lines[1:]
	return Answer{Index: next.index, Pair: Pair{Index: next.index}}, next.err
}

// play follows a script and gives what was told: indexes, and "error" for errors.
func play(t *testing.T, lines ...line) (*script, []string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &script{lines: lines, end: cancel}
	var told []string
	follow(ctx, s, time.Minute, Query{Key: "k"}, func(answer Answer, err error) {
		if err != nil {
			told = append(told, "error")
			return
		}
		told = append(told, fmt.Sprint(answer.Index))
	})
	return s, told
}

func TestFollowRules(t *testing.T) {
	down := states.ErrUnavailable
	for name, row := range map[string]struct {
		lines []line
		told  string
		asked []uint64
	}{
		"each change once":                  {[]line{{index: 5}, {index: 5}, {index: 8}, {index: 8}}, "5 8", []uint64{0, 5, 5, 8, 8}},
		"backwards: look again, then tell":  {[]line{{index: 84}, {index: 81}, {index: 81}, {index: 81}}, "84 81", []uint64{0, 84, 0, 81, 81}},
		"backwards: what came back is old":  {[]line{{index: 84}, {index: 81}, {index: 90}}, "84 90", []uint64{0, 84, 0, 90}},
		"index 0 is no index":               {[]line{{index: 0}, {index: 5}, {index: 0}, {index: 5}}, "error 5 error 5", []uint64{0, 0, 5, 0, 5}},
		"an error starts over":              {[]line{{index: 5}, {err: down}, {index: 5}}, "5 error 5", []uint64{0, 5, 0, 5}},
		"an error's index is none":          {[]line{{index: 7, err: down}, {index: 5}}, "error 5", []uint64{0, 0, 5}},
		"every error is told":               {[]line{{err: down}, {err: states.ErrDenied}, {index: 5}}, "error error 5", []uint64{0, 0, 0, 5}},
		"nothing is told when it has ended": {nil, "", []uint64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, told := play(t, row.lines...)
				if got := strings.Join(told, " "); got != row.told {
					t.Errorf("told %q; want %q", got, row.told)
				}
				if !slices.Equal(s.asked, row.asked) {
					t.Errorf("asked after %v; want %v", s.asked, row.asked)
				}
				for _, q := range s.queries {
					if q.Wait != time.Minute || q.Key != "k" {
						t.Errorf("asked %+v", q)
					}
				}
			})
		})
	}
}

func TestErrorsBackOffAndRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []line
		for range 10 {
			lines = append(lines, line{err: states.ErrUnavailable})
		}
		lines = append(lines, line{index: 5}, line{err: states.ErrUnavailable}, line{index: 5})
		s, _ := play(t, lines...)
		for i, full := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
			4 * time.Second, 8 * time.Second, 15 * time.Second, 15 * time.Second, 15 * time.Second, 15 * time.Second} {
			if pause := s.at[i+1].Sub(s.at[i]); pause < full/2 || pause > full+1 {
				t.Errorf("pause %d is %s; want between %s and %s", i, pause, full/2, full)
			}
		}
		if pause := s.at[12].Sub(s.at[11]); pause > firstPause+1 {
			t.Errorf("after a good answer the first pause is %s", pause)
		}
	})
}

// Followers that lost Consul together must not come back together.
func TestPausesDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pauses := map[time.Duration]bool{}
		for range 20 {
			s, _ := play(t, line{err: states.ErrUnavailable}, line{index: 5})
			pauses[s.at[1].Sub(s.at[0])] = true
		}
		if len(pauses) < 10 {
			t.Errorf("20 followers pause for %d different times", len(pauses))
		}
	})
}

func TestFollowEndsInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		s := &script{lines: []line{{err: states.ErrUnavailable}, {index: 5}}, end: cancel}
		begun := time.Now()
		follow(ctx, s, time.Minute, Query{Key: "k"}, func(Answer, error) {})
		if took := time.Since(begun); took != 100*time.Millisecond || len(s.asked) != 1 {
			t.Errorf("it ended after %s and %d watches", took, len(s.asked))
		}
	})
}
