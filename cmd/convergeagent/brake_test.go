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
	script := `trap "" TERM; (trap "" TERM; echo $$ > ` + dir + `/child; n=0; while [ $((n += 1)) -lt 3000 ]; do sleep 0.05; done)`
	exec := &convergeagent.Exec{Dir: dir, Command: func(states.State) ([]string, error) { return []string{"/bin/sh", "-c", script}, nil }}
	var b brake
	b.hold(exec)
	if b.pull() {
		t.Error("it ended a run, and there is none")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan convergeagent.Result, 1)
	run := states.Run{ID: "r-1", State: version42, Attempt: 1, Tries: 1, Timeout: states.Duration(time.Hour)}
	go func() { ended <- exec.Converge(ctx, convergeagent.Task{Cluster: "web", Node: "n1", Run: run}) }()
	child := filepath.Join(dir, "child")
	for written := ""; written == ""; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(child)
		written = strings.TrimSpace(string(text))
	}
	cancel(convergeagent.ErrEndRun)
	start := time.Now()
	if !b.pull() {
		t.Error("there was a run to end")
	}
	result := <-ended
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("the run ended after %s, and its grace is 10s", took)
	}
	if result.Outcome != states.Interrupted || result.Signal != "SIGKILL" {
		t.Errorf("the result is %+v", result)
	}
	if b.pull() {
		t.Error("the brake still holds a run that has ended")
	}
}

// Only Ctrl-C means the run too: a service manager stops the agent alone.
func TestWhatASignalMeans(t *testing.T) {
	for signal, want := range map[syscall.Signal]error{syscall.SIGTERM: context.Canceled, syscall.SIGINT: convergeagent.ErrEndRun} {
		ctx, end := untilTold(func() {})
		if err := syscall.Kill(os.Getpid(), signal); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if cause := context.Cause(ctx); cause != want {
			t.Errorf("%s means %v", signal, cause)
		}
		end()
	}
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
