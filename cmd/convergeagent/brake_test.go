package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"orch/convergeagent"
	"orch/states"
)

// Whoever signals twice does not wait for a run that ignores the first signal.
func TestBrakeEndsARunThatIgnoresTheFirstSignal(t *testing.T) {
	dir := t.TempDir()
	script := `trap "" TERM; sleep 60 & echo $! > ` + dir + `/child; wait; sleep 60`
	var b brake
	action := braked{&convergeagent.Exec{Dir: dir, Command: func(states.State) ([]string, error) { return []string{"/bin/sh", "-c", script}, nil }}, &b}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan convergeagent.Result, 1)
	run := states.Run{ID: "r-1", State: version42, Attempt: 1, Tries: 1, Timeout: states.Duration(time.Hour)}
	go func() {
		ended <- action.Converge(ctx, convergeagent.Task{Cluster: "web", Node: "n1", Run: run, Started: func(convergeagent.Process) error { return nil }})
	}()
	child := filepath.Join(dir, "child")
	for written := ""; written == ""; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(child)
		written = strings.TrimSpace(string(text))
	}
	cancel()
	start := time.Now()
	b.pull()
	result := <-ended
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("the run ended after %s, and its grace is 10s", took)
	}
	if result.Outcome == states.Succeeded {
		t.Errorf("the outcome is %+v", result)
	}
	if b.process != nil {
		t.Error("the brake still holds a process that has ended")
	}
	b.pull() // nothing to end, nobody is hit
}

func TestSignalsAreCounted(t *testing.T) {
	atOnce := make(chan struct{}, 1)
	ctx, end := untilTold(func() { atOnce <- struct{}{} })
	defer end()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	select {
	case <-atOnce:
		t.Fatal("the first signal is not the second")
	default:
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-atOnce
}
