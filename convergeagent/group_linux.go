package convergeagent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// bootID tells one boot of the machine from the next.
func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text)), err
}

// stat is what the kernel says about a process.
type stat struct {
	pid     int
	parent  int
	state   byte
	group   int
	session int
	start   uint64
}

// alive tells whether the process can still do something.
func (s stat) alive() bool { return s.state != 'Z' && s.state != 'X' }

// statOf reads one process. The name in the second field may hold anything, also brackets.
func statOf(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 {
		return stat{}, fmt.Errorf("read /proc/%d/stat: %d fields", pid, len(fields))
	}
	s := stat{pid: pid, state: fields[0][0]}
	var errs [4]error
	s.parent, errs[3] = strconv.Atoi(fields[1])
	s.group, errs[0] = strconv.Atoi(fields[2])
	s.session, errs[1] = strconv.Atoi(fields[3])
	s.start, errs[2] = strconv.ParseUint(fields[19], 10, 64)
	return s, errors.Join(errs[:]...)
}

// processes lists what is alive. A process that ends meanwhile is passed over.
func processes() ([]stat, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []stat
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if s, err := statOf(pid); err == nil && s.alive() {
			all = append(all, s)
		}
	}
	return all, nil
}

// groupAlive tells whether anything of a process group can still do something.
func groupAlive(group int) bool {
	if errors.Is(unix.Kill(-group, 0), unix.ESRCH) {
		return false
	}
	all, err := processes()
	if err != nil {
		return true
	}
	for _, s := range all {
		if s.group == group {
			return true
		}
	}
	return false
}

// family lists a process, its group, and all their descendants: tools give their children sessions
// of their own, and those survive the end of the group. A daemon that its parent has let go of is
// none of them: a service that a run has started lives on.
func family(pid int) []stat {
	all, _ := processes()
	in := map[int]bool{pid: true}
	for grown := true; grown; {
		grown = false
		for _, s := range all {
			if !in[s.pid] && (s.group == pid || in[s.parent]) {
				in[s.pid], grown = true, true
			}
		}
	}
	return slices.DeleteFunc(all, func(s stat) bool { return !in[s.pid] })
}

// there tells whether this very process can still do something, and not another with its number.
func (s stat) there() bool {
	now, err := statOf(s.pid)
	return err == nil && now.start == s.start && now.alive()
}

// kill ends this very process, or nobody that has its number by now.
func (s stat) kill() {
	if s.there() {
		_ = unix.Kill(s.pid, unix.SIGKILL) // gone meanwhile is what is wanted
	}
}

// bears tells whether a process was started with a variable in its environment.
func bears(pid int, variable string) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && bytes.Contains(append([]byte{0}, text...), []byte("\x00"+variable+"\x00"))
}

// identify gives a process that was just started its lasting identity.
func identify(pid int) (Process, error) {
	boot, err := bootID()
	if err != nil {
		return Process{}, err
	}
	s, err := statOf(pid)
	return Process{PID: pid, Start: s.start, Boot: boot}, err
}

// leftovers finds the process groups that are left of a run which another process of the agent
// started. A number alone proves nothing, it may be somebody else's by now: the leader is known by
// its start time. Where the leader is gone, or was never written down, a group is known by the run's
// id in the environment of one of its members. A member that made a session of its own is a daemon
// that the run was to start, and is let be.
func leftovers(process Process, run string) ([]int, error) {
	boot, err := bootID()
	if err != nil || process.Boot != "" && process.Boot != boot {
		return nil, err
	}
	all, err := processes()
	if err != nil {
		return nil, err
	}
	found := map[int]bool{}
	for _, s := range all {
		leader := s.pid == process.PID && s.start == process.Start && s.group == s.pid
		member := s.session != s.group && bears(s.pid, "ORCH_RUN="+run) && s.pid != os.Getpid()
		if (leader || member) && s.group != unix.Getpgrp() {
			found[s.group] = true
		}
	}
	var groups []int
	for group := range found {
		groups = append(groups, group)
	}
	return groups, nil
}

// awaitExit returns when a child has ended, and leaves it to be reaped: until then its number, and
// that of its group, belong to nobody else.
func awaitExit(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
