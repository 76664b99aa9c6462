package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// box holds a converge and all that it starts.
type box struct {
	cgroup cgroup
	main   int
	exited chan syscall.WaitStatus // the converge's own end
	empty  chan struct{}           // closed when nothing is left of all that it started
}

// newBox makes this process the reaper of whatever loses its parent in it, and a cgroup where it can.
func newBox(parent, name string) (*box, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become the reaper of the run: %w", err)
	}
	b := &box{exited: make(chan syscall.WaitStatus, 1), empty: make(chan struct{})}
	if parent != "" {
		b.cgroup, _ = newCgroup(parent, name) // without one there is the tree of processes
	}
	return b, nil
}

// start starts the converge; what it prints goes to out.
func (b *box) start(program string, argv, env []string, out *os.File) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	attr := &syscall.ProcAttr{Env: env, Files: []uintptr{null.Fd(), out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Setpgid: true}}
	err = errors.ErrUnsupported
	if b.cgroup != "" {
		err = b.startInside(program, argv, attr)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		b.main, err = syscall.ForkExec(program, argv, attr)
	}
	if err != nil {
		return &os.PathError{Op: "start", Path: program, Err: err}
	}
	go b.reap() // ends when nothing is left, and the runner does not end before
	return nil
}

// startInside has the kernel start it in its cgroup, so that there is no instant at which it is not in
// there. Where that may not be, the cgroup is given up.
func (b *box) startInside(program string, argv []string, attr *syscall.ProcAttr) (err error) {
	dir, err := os.Open(string(b.cgroup))
	if err == nil {
		defer dir.Close()
		inside := *attr
		sys := *attr.Sys
		sys.UseCgroupFD, sys.CgroupFD = true, int(dir.Fd())
		inside.Sys = &sys
		b.main, err = syscall.ForkExec(program, argv, &inside)
	}
	if err == nil || errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOEXEC) {
		return err
	}
	_ = b.cgroup.remove()
	b.cgroup = ""
	return errors.ErrUnsupported
}

// reap takes in the ends of the converge and of whatever lost its parent. It has no child any more when
// nothing is left: a process below this one always hangs on one of its children.
func (b *box) reap() {
	defer close(b.empty)
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return
		case pid == b.main:
			b.exited <- status
		}
	}
}

// members lists all that is alive in the box.
func (b *box) members() []process {
	all, _ := descendants()
	for _, p := range b.cgroup.members() {
		if !slices.ContainsFunc(all, func(q process) bool { return q.pid == p.pid }) {
			all = append(all, p)
		}
	}
	return all
}

// leave waits for what the converge left behind to end by itself, for a moment, and then ends it. It
// says what that was.
func (b *box) leave(ctx context.Context) string {
	moment, over := context.WithTimeout(context.Background(), leaveTime)
	defer over()
	select {
	case <-b.empty:
	case <-moment.Done():
	}
	left := b.members()
	b.end(ctx, leftoverGrace)
	if len(left) == 0 {
		return ""
	}
	var names []string
	for _, p := range left[:min(len(left), 5)] {
		names = append(names, p.String())
	}
	if len(left) > 5 {
		names = append(names, fmt.Sprintf("%d more", len(left)-5))
	}
	return "ended what it left running: " + strings.Join(names, ", ") + "; what is to stay is started through init"
}

// end tells all that is in the box to end, waits that long, and kills what is left: ctx cuts the wait.
// It returns when nothing is left. What the kernel cannot end now still runs, and so does this run.
func (b *box) end(ctx context.Context, grace time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	told := map[int]uint64{}
	for pause := 20 * time.Millisecond; !b.over(ctx, pause) && ctx.Err() == nil; pause = min(2*pause, 500*time.Millisecond) { // each look reads all of /proc
		for _, p := range b.members() {
			if told[p.pid] != p.start {
				told[p.pid] = p.start
				_ = p.signal(unix.SIGTERM)
			}
		}
	}
	for pause := time.Millisecond; !b.over(context.Background(), pause); pause = min(2*pause, time.Second) {
		_ = b.cgroup.kill()
		for _, p := range b.members() {
			_ = p.signal(unix.SIGKILL)
		}
	}
}

// discard removes the cgroup. Nothing is in it, or never was.
func (b *box) discard() { _ = b.cgroup.remove() }

// over waits a little, and tells whether nothing is left.
func (b *box) over(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	empty := b.empty
	for {
		select {
		case <-empty:
			if b.cgroup.empty() {
				return true
			}
			empty = nil // what is in the cgroup hangs on somebody else
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func signalName(status syscall.WaitStatus) string {
	if !status.Signaled() {
		return ""
	}
	return unix.SignalName(status.Signal())
}

// self is this very program, also where another one has taken its place on the disk: agent and runner
// are of one version.
func self() (string, error) { return "/proc/self/exe", nil }

// sweep ends all that is left of a run whose runner is gone.
func sweep(ctx context.Context, m mark) error {
	kin, told := cgroup(m.Cgroup), map[int]uint64{}
	if m.Cgroup != "" && !strings.HasPrefix(filepath.Base(m.Cgroup), cgroupPrefix) {
		kin = "" // not one that a runner made
	}
	if rebooted(m.Boot) { // nothing outlives a boot
		_ = kin.remove()
		return nil
	}
	grace, cancel := context.WithTimeout(ctx, leftoverGrace)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		left, unclear, err := marked(m.Run)
		if err != nil {
			return fmt.Errorf("look for what is left of run %s: %w", m.Run, err)
		}
		left = append(left, kin.members()...)
		if len(left) == 0 && kin.empty() && (!unclear || ctx.Err() == nil && grace.Err() != nil) { // some have no environment at all
			return kin.remove()
		}
		if grace.Err() != nil {
			_ = kin.kill()
		}
		for _, p := range left {
			switch {
			case grace.Err() != nil:
				_ = p.signal(unix.SIGKILL)
			case told[p.pid] != p.start:
				told[p.pid] = p.start
				_ = p.signal(unix.SIGTERM)
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return fmt.Errorf("end what is left of run %s: %w", m.Run, ctx.Err())
		}
	}
}
