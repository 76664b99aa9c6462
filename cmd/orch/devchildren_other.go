//go:build !linux

package main

import "syscall"

// withParent leaves the child in this program's group: where no kernel ends it with its parent, the
// terminal's signals at least reach both.
func withParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
