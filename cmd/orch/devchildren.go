package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// children are the processes that `orch dev` started. They end with it, also when it is killed:
// each asks the kernel for a signal when the thread that started it ends, so one thread that lives
// as long as this program starts them all.
type children struct {
	ended  chan string // what ended before its time
	jobs   chan func()
	thread sync.WaitGroup
	wait   sync.WaitGroup

	mu       sync.Mutex
	list     []*exec.Cmd
	stopping bool
}

// killAfter is how long a child may take to end by itself: an agent ends its run first.
const killAfter = 15 * time.Second

func newChildren() *children {
	c := &children{ended: make(chan string, 64), jobs: make(chan func())}
	c.thread.Go(func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for job := range c.jobs {
			job()
		}
	})
	return c
}

// start starts one child, its output in a file.
func (c *children) start(log string, env []string, program string, args ...string) error {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, append(os.Environ(), env...)
	cmd.SysProcAttr = withParent()
	failed := make(chan error, 1)
	c.jobs <- func() { failed <- cmd.Start() }
	if err := <-failed; err != nil {
		return err
	}
	c.mu.Lock()
	c.list = append(c.list, cmd)
	c.mu.Unlock()
	c.wait.Go(func() { c.reap(cmd, log) })
	return nil
}

func (c *children) reap(cmd *exec.Cmd, log string) {
	err := cmd.Wait()
	c.mu.Lock()
	stopping := c.stopping
	c.list = slices.DeleteFunc(c.list, func(other *exec.Cmd) bool { return other == cmd })
	c.mu.Unlock()
	if stopping {
		return
	}
	select {
	case c.ended <- fmt.Sprintf("%s ended before its time (%v); its output: %s", filepath.Base(cmd.Path), err, log):
	default:
	}
}

// stop ends all children, the latest first, and returns when they are gone.
func (c *children) stop() {
	c.mu.Lock()
	c.stopping = true
	c.mu.Unlock()
	c.signal(os.Interrupt, true) // ends an agent's run too
	timer := time.AfterFunc(killAfter, func() { c.signal(syscall.SIGKILL, false) })
	c.wait.Wait()
	timer.Stop()
	close(c.jobs)
	c.thread.Wait()
}

// signal goes to the agents first: they say goodbye to Consul, which is the first child.
func (c *children) signal(signal os.Signal, agentsFirst bool) {
	c.mu.Lock()
	list := slices.Clone(c.list)
	c.mu.Unlock()
	slices.Reverse(list)
	for i, cmd := range list {
		if agentsFirst && i == len(list)-1 && i > 0 {
			c.awaitAgents()
		}
		_ = cmd.Process.Signal(signal) // it may be gone already
	}
}

// awaitAgents waits until only Consul is left, for a while.
func (c *children) awaitAgents() {
	deadline := time.NewTimer(killAfter / 2)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c.mu.Lock()
		left := len(c.list)
		c.mu.Unlock()
		if left <= 1 {
			return
		}
		select {
		case <-deadline.C:
			return
		case <-tick.C:
		}
	}
}
