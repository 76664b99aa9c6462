//go:build !linux

package runner

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Elsewhere than on Linux an agent is for trying things: a run is its process group, and what is left of
// one whose runner was killed is not found.

// BootID tells one boot of the machine from the next; "" where nobody knows.
func BootID() string { return "" }

// OwnCgroup is the folder of the cgroup that this process is in; "": there is none.
func OwnCgroup() string { return "" }

func self() (string, error) { return os.Executable() }

func keepFiles() {}

func uptime() time.Duration { return time.Since(started) }

var started = time.Now()

type process struct {
	pid   int
	start uint64
}

func (p process) signal(signal syscall.Signal) error { return syscall.Kill(p.pid, signal) }

func startOf(pid int) (uint64, error) { return 0, syscall.Kill(pid, 0) }

type box struct {
	cgroup string
	main   int
	exited chan syscall.WaitStatus
}

func newBox(string, string) (*box, error) { return &box{exited: make(chan syscall.WaitStatus, 1)}, nil }

func (b *box) start(program string, argv, env []string, out *os.File) (err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	b.main, err = syscall.ForkExec(program, argv, &syscall.ProcAttr{Env: env, Files: []uintptr{null.Fd(), out.Fd(), out.Fd()},
		Sys: &syscall.SysProcAttr{Setpgid: true}})
	if err != nil {
		return &os.PathError{Op: "start", Path: program, Err: err}
	}
	go func() {
		var status syscall.WaitStatus
		_, _ = syscall.Wait4(b.main, &status, 0, nil)
		b.exited <- status
	}()
	return nil
}

func (b *box) leave(ctx context.Context) string {
	b.end(ctx, leftoverGrace)
	return ""
}

func (b *box) end(ctx context.Context, grace time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	_ = syscall.Kill(-b.main, syscall.SIGTERM)
	for !b.gone() && ctx.Err() == nil {
		time.Sleep(leaveTime / 10)
	}
	for !b.gone() {
		_ = syscall.Kill(-b.main, syscall.SIGKILL)
		time.Sleep(leaveTime / 10)
	}
}

func (b *box) discard() {}

func (b *box) gone() bool { return errors.Is(syscall.Kill(-b.main, 0), syscall.ESRCH) }

func signalName(status syscall.WaitStatus) string {
	if !status.Signaled() {
		return ""
	}
	return unix.SignalName(status.Signal())
}

func sweep(context.Context, mark) error { return nil }
