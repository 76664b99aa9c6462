//go:build !linux

package convergeagent

import (
	"errors"
	"syscall"
)

// Elsewhere than on Linux an agent is for trying things: it does not find a run that an earlier
// process of it left behind.

func groupAlive(group int) bool {
	return !errors.Is(syscall.Kill(-group, 0), syscall.ESRCH)
}

type stat struct{}

func (stat) kill() {}

func (stat) there() bool { return false }

func family(int) []stat { return nil }

func identify(pid int) (Process, error) { return Process{PID: pid}, nil }

func leftovers(Process, string) ([]int, error) { return nil, nil }

func awaitExit(int) error { return errors.ErrUnsupported }
