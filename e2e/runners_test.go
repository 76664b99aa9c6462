package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// runners gives the processes of the runs that go on, by the folders of their runs.
func (f *field) runners() map[string]int {
	found, err := filepath.Glob(filepath.Join(f.dir, "agents/*/runs/*.run/runner.json"))
	must(f.t, err)
	going := map[string]int{}
	for _, path := range found {
		var mark struct{ PID int }
		text, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(text, &mark) == nil && isAlive(mark.PID) {
			going[filepath.Dir(path)] = mark.PID
		}
	}
	return going
}

// endRuns ends what outlives its agents on purpose, at the end of a test.
func (f *field) endRuns() {
	for _, pid := range f.runners() {
		_ = syscall.Kill(pid, syscall.SIGQUIT)
	}
	eventually(f.t, "all runs to end", patience, func() bool { return len(f.runners()) == 0 })
}

// isAlive tells whether a process can still do something.
func isAlive(pid int) bool {
	state := procStat(pid)
	return len(state) > 0 && state[0] != "Z" && state[0] != "X"
}

// procStat gives what stands behind the name in /proc/PID/stat; nothing: there is no such process.
func procStat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}
