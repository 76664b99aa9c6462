package main

import "syscall"

// withParent has the kernel end a child when this program ends, however it ends. The child is in a
// group of its own, so that Ctrl-C reaches it through this program, in order.
func withParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
}
