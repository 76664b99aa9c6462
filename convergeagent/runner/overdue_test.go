package runner

import (
	"sync/atomic"
	"testing"
	"time"
)

// A machine that sleeps for an hour in mid-run wakes up with a run whose time is over, whatever its timers say.
func TestTheTimeIsOverAfterASleep(t *testing.T) {
	t.Parallel()
	var slept atomic.Int64
	clock := func() time.Duration { return uptime() + time.Duration(slept.Load()) }
	ended := make(chan struct{})
	defer close(ended)
	begun, over := time.Now(), overdue(ended, clock, 30*time.Minute)
	slept.Store(int64(time.Hour))
	select {
	case <-over:
	case <-time.After(8 * time.Second):
		t.Errorf("after %s awake it still has time", time.Since(begun))
	}
	awake := time.Now()
	<-overdue(ended, uptime, 300*time.Millisecond)
	if took := time.Since(awake); took < 290*time.Millisecond {
		t.Errorf("without a sleep it is over after %s", took)
	}
}
