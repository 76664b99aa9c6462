//go:build !linux

package convergeagent

import "syscall"

// dieWithUs does nothing elsewhere than on Linux: there an agent is for trying things.
func dieWithUs(*syscall.SysProcAttr) {}
