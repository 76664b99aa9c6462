package convergeagent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"orch/states"
)

// signalGroup sends a signal to a whole process group; one that is gone is no error.
func signalGroup(group int, signal syscall.Signal) error {
	if err := syscall.Kill(-group, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to process group %d: %w", signal, group, err)
	}
	return nil
}

// awaitGone waits until nothing of a group is alive, and tells whether that is so.
func awaitGone(ctx context.Context, group int, atMost time.Duration) bool {
	return await(ctx, atMost, func() bool { return !groupAlive(group) })
}

// killAll ends processes by force, and waits until they are dead: SIGKILL does not work at once.
func killAll(ctx context.Context, doomed []stat) {
	for _, process := range doomed {
		process.kill()
	}
	await(ctx, afterKill, func() bool { return !slices.ContainsFunc(doomed, stat.there) })
}

// await looks again and again, and tells whether what it waits for came true in time.
func await(ctx context.Context, atMost time.Duration, come func() bool) bool {
	deadline := time.NewTimer(atMost)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Bury implements Action.
func (e *Exec) Bury(ctx context.Context, process Process, run states.Run) error {
	groups, err := leftovers(process, run.ID)
	if err != nil {
		return fmt.Errorf("look for what is left of run %s: %w", run.ID, err)
	}
	for _, group := range groups {
		if err := endGroup(ctx, group, orphanGrace); err != nil {
			return fmt.Errorf("end what is left of run %s: %w", run.ID, err)
		}
	}
	return nil
}

// endGroup ends a process group gracefully, and then by force.
func endGroup(ctx context.Context, group int, grace time.Duration) error {
	doomed := family(group) // while the tree still holds together
	defer func() { killAll(context.WithoutCancel(ctx), doomed) }()
	if err := signalGroup(group, syscall.SIGTERM); err != nil {
		return err
	}
	if awaitGone(ctx, group, grace) {
		return nil
	}
	if err := signalGroup(group, syscall.SIGKILL); err != nil {
		return err
	}
	if !awaitGone(context.WithoutCancel(ctx), group, afterKill) {
		return fmt.Errorf("process group %d is alive %s after SIGKILL", group, afterKill)
	}
	return nil
}

// afterKill is how long the kernel gets to end what was killed.
const afterKill = 10 * time.Second

// orphanGrace is how long a run that lost its agent may take to end: its outcome is known, and the
// node must not wait for long.
const orphanGrace = 1500 * time.Millisecond
