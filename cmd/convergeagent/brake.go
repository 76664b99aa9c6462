package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"orch/convergeagent"
)

// brake ends a run at once. The first signal ends it gracefully, and that is the agent's own work;
// whoever signals again does not want to wait.
type brake struct {
	mu      sync.Mutex
	process *os.Process // first of the run going on; nil: none is
}

// braked is an action whose run a brake can end.
type braked struct {
	convergeagent.Action
	brake *brake
}

// Converge keeps a handle of the process for as long as the run goes on.
func (b braked) Converge(ctx context.Context, task convergeagent.Task) convergeagent.Result {
	started := task.Started
	task.Started = func(p convergeagent.Process) error {
		b.brake.hold(p.PID)
		return started(p)
	}
	defer b.brake.let()
	return b.Action.Converge(ctx, task)
}

func (b *brake) hold(pid int) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.process = process
}

func (b *brake) let() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process != nil {
		_ = b.process.Release() // never fails: it only closes the handle
	}
	b.process = nil
}

// pull kills the whole group of the run, if there is one. The handle is of that very process: where
// it was reaped already its number, and so its group's, may be somebody else's.
func (b *brake) pull() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process != nil && b.process.Signal(syscall.SIGKILL) == nil {
		_ = syscall.Kill(-b.process.Pid, syscall.SIGKILL) // gone meanwhile is what is wanted
	}
}

// untilTold gives a context that ends with the first signal to stop. At the second one, at once
// is called. Whoever calls it calls end.
func untilTold(atOnce func()) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	ended, over := make(chan struct{}), sync.WaitGroup{}
	over.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-signals:
			}
			if ctx.Err() != nil {
				atOnce()
			}
			cancel()
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(ended)
		over.Wait()
		cancel()
	}
}
