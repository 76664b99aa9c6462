package convergeagent

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orch/states"
)

// sleepy is an inbox whose first claim goes through, and its answer is read only after what comes between.
type sleepy struct {
	Inbox
	between func()
	slept   atomic.Bool
	claimed string // the run that it claimed then
}

func (s *sleepy) Claim(ctx context.Context, sight states.Sight, before, running states.Status) error {
	err := s.Inbox.Claim(ctx, sight, before, running)
	if err == nil && s.slept.CompareAndSwap(false, true) {
		s.claimed = running.Run.ID
		s.between()
	}
	return err
}

// Who stood still between its claim and its start does not start: it may have been given up, and its slot
// be another's. It decides again. While a machine sleeps, only the clock on its wall goes on.
func TestAClaimThatIsOldStartsNothing(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(slept *atomic.Int64){
		"the process stood still": func(*atomic.Int64) { time.Sleep(patience + 100*time.Millisecond) },
		"the machine slept":       func(slept *atomic.Int64) { slept.Store(int64(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var slept atomic.Int64
			r := newRig(t, "exit 0")
			inbox := &sleepy{Inbox: r.config.Inbox, between: func() { between(&slept) }}
			r.config.Inbox = inbox
			r.config.Clock = func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
			var ran []string
			r.config.Action = spy{r.config.Action, func(task Task) { ran = append(ran, task.Run.ID) }}
			r.want(desired(1, "converged"))
			r.start()
			s := r.settled("converged")
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			if len(ran) != 1 || ran[0] != s.Run.ID || s.Run.ID == inbox.claimed {
				t.Errorf("it claimed %s, was held up, and ran %s", inbox.claimed, strings.Join(ran, ", "))
			}
		})
	}
}

// The same between a drain and the run that it was for: all that a claim covers is over by then.
func TestADrainThatTookTooLongStartsNothing(t *testing.T) {
	t.Parallel()
	const wait = 3 * time.Second
	for name, c := range map[string]struct {
		stood, slept time.Duration // the process, and the machine with all of its clocks but one
		undone       bool
	}{
		"in time":                    {},
		"a slow machine":             {stood: 2*patience - time.Second},
		"the process stood still":    {stood: 2*patience + wait + time.Second, undone: true},
		"the machine nodded":         {slept: 2*patience - time.Second},
		"the machine slept":          {slept: time.Hour, undone: true},
		"its clock was set backward": {slept: -time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				catalog, slept := newCatalog("a"), time.Duration(0)
				d := &drain{drainer: &drainer{catalog: catalog}, diary: &diary{storage: &oneText{}}, run: states.Run{ID: "r-1"}, out: map[string]outSince{},
					drains: []states.Drain{{Service: "web", Wait: states.Duration(wait)}}, now: func() time.Time { return dated(time.Now().Add(slept)) }}
				result, undone := d.before(t.Context(), func(doing) {
					time.Sleep(c.stood)
					slept = c.slept
				})
				if undone != c.undone || undone && (result.Outcome != states.Interrupted || !result.Free) {
					t.Errorf("undone: %v, %+v", undone, result)
				}
				if catalog.reason("a") == "" {
					t.Error("it serves, and the next try is still to come")
				}
			})
		})
	}
}

// It is tried again at the cost of nobody, with what is out of the traffic already.
func TestAfterADrainThatTookTooLongItIsTriedAgain(t *testing.T) {
	t.Parallel()
	var slept atomic.Int64
	r := newRig(t, "exit 0")
	r.catalog.services["web"] = []string{"a"}
	r.config.Clock = func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
	var ran []int
	r.config.Action = spy{r.config.Action, func(task Task) { ran = append(ran, task.Run.Attempt) }}
	d := draining(1, "converged", 300*time.Millisecond)
	d.Retries = 0
	r.want(d)
	r.start()
	r.until("draining", func(s states.Status) bool { return s.Phase == states.Draining })
	slept.Store(int64(time.Hour))
	s := r.settled("converged")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if len(ran) != 1 || ran[0] != 2 || s.Run.Attempt != 2 || r.drainer.called("drain") != 1 || r.catalog.reason("a") != "" {
		t.Errorf("it ran at the tries %v, drained %d times, and reports %s", ran, r.drainer.called("drain"), text(s))
	}
}
