//go:build unix

package sense

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// ownGroup starts a program in a process group of its own: it is ended with all that it starts, and
// a signal that the terminal sends to orch is not for it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
}

// killGroup ends what is left of a program's group. While anything of it is there, its number is
// given to nobody else.
func killGroup(cmd *exec.Cmd) error {
	group := cmd.Process.Pid
	if err := syscall.Kill(-group, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill process group %d: %w", group, err)
	}
	return nil
}
