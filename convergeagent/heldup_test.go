package convergeagent

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
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
