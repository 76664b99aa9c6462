package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"orch/convergeagent"
)

// brake ends a run. SIGTERM, as a service manager sends it, leaves the run going: the next agent takes
// it over. Ctrl-C ends it first, gracefully. Whoever signals again does not want to wait.
type brake struct {
	mu   sync.Mutex
	exec *convergeagent.Exec // nil: nothing was put together yet
}

func (b *brake) hold(exec *convergeagent.Exec) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exec = exec
}

// pull kills the run going on, and tells whether there is one.
func (b *brake) pull() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.exec != nil && b.exec.Kill()
}

// untilTold gives a context that ends with the first signal to stop; for Ctrl-C its cause says that the
// run ends too. At the second one, at once is called. Whoever calls it calls end.
func untilTold(atOnce func()) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	ended, over := make(chan struct{}), sync.WaitGroup{}
	over.Go(func() {
		for {
			var told os.Signal
			select {
			case <-ended:
				return
			case told = <-signals:
			}
			if ctx.Err() != nil {
				atOnce()
			}
			if told == os.Interrupt {
				cancel(convergeagent.ErrEndRun)
			}
			cancel(nil)
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(ended)
		over.Wait()
		cancel(nil)
	}
}
