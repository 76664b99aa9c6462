package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orch/states"
)

// life is that of one process. What a dead one does next has no effect any more: each of its ports asks
// here first. A frozen one does nothing until it is let go on, while time passes.
type life struct {
	name   string // "n3#2": the second process of n3
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	dead   chan struct{} // closed by its death
	frozen bool
	stands []chan struct{} // who waits to go on, in the order in which they were stopped
	over   bool
	timers []*time.Timer // that nobody waits for now
}

func newLife(name string) *life {
	l := &life{name: name, dead: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

var errDead = fmt.Errorf("%w: this process was killed", states.ErrUnavailable)

// kill ends the process as SIGKILL does.
func (l *life) kill() {
	l.mu.Lock()
	if !l.over {
		l.over = true
		close(l.dead)
		l.release()
	}
	l.mu.Unlock()
	l.cancel()
}

// tell asks the process to stop, as SIGTERM does.
func (l *life) tell() { l.cancel() }

func (l *life) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = !l.over
}

func (l *life) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release()
}

// release lets everybody go on, one after the other: what they do next happens in the order in which
// they were stopped, and not in that in which they wake up. The lock is held.
func (l *life) release() {
	for i, one := range l.stands {
		time.AfterFunc(time.Duration(i)*time.Microsecond, func() { close(one) })
	}
	l.frozen, l.stands = false, nil
}

func (l *life) isDead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// pass returns when the process may do something; errDead when it never may again.
func (l *life) pass() error {
	for {
		l.mu.Lock()
		var turn chan struct{}
		over := l.over
		if !over && l.frozen {
			turn = make(chan struct{})
			l.stands = append(l.stands, turn)
		}
		l.mu.Unlock()
		switch {
		case over:
			return errDead
		case turn == nil:
			return nil
		}
		<-turn
	}
}

// timer gives one that was used before, if there is one: a story waits a hundred thousand times.
func (l *life) timer(wait time.Duration) *time.Timer {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.timers)
	if n == 0 {
		return time.NewTimer(wait)
	}
	timer := l.timers[n-1]
	l.timers = l.timers[:n-1]
	timer.Reset(wait)
	return timer
}

func (l *life) keep(timer *time.Timer) {
	timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timers = append(l.timers, timer)
}

// errCut means that a wait was cut short by its context.
var errCut = errors.New("cut")

// sleep lets time pass, and then asks whether the process may go on. errCut: ctx ended first.
func (l *life) sleep(ctx context.Context, wait time.Duration) error {
	if wait > 0 {
		timer := l.timer(wait)
		defer l.keep(timer)
		select {
		case <-timer.C:
		case <-l.dead:
			return errDead
		case <-ctx.Done():
			if err := l.pass(); err != nil {
				return err
			}
			return errCut
		}
	}
	return l.pass()
}
