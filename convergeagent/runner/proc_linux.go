package runner

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// BootID tells one boot of the machine from the next; "" where nobody knows.
func BootID() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text))
}

// uptime is how long the machine is up, also while it slept: timers count only while it is awake.
func uptime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return time.Since(started)
	}
	return time.Duration(now.Nano())
}

var started = time.Now()

// process is what the kernel says about one. A number is used again: start tells whose it is.
type process struct {
	pid     int
	name    string
	parent  int
	state   byte
	session int
	kernel  bool // it is a thread of the kernel's own
	start   uint64
}

// alive tells whether the process can still do something.
func (p process) alive() bool { return p.state != 'Z' && p.state != 'X' }

func (p process) String() string { return fmt.Sprintf("%s (%d)", p.name, p.pid) }

const kernelThread = 0x00200000 // PF_KTHREAD

// processOf reads one process. The name in the second field may hold anything, also brackets.
func processOf(pid int) (process, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("read /proc/%d/stat: it has no name", pid)
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 20 {
		return process{}, fmt.Errorf("read /proc/%d/stat: %d fields", pid, len(fields))
	}
	p := process{pid: pid, name: Clean(string(text[open+1 : end])), state: fields[0][0]}
	var errs [4]error
	var flags uint64
	p.parent, errs[0] = strconv.Atoi(fields[1])
	p.session, errs[1] = strconv.Atoi(fields[3])
	p.start, errs[2] = strconv.ParseUint(fields[19], 10, 64)
	flags, errs[3] = strconv.ParseUint(fields[6], 10, 64)
	p.kernel = flags&kernelThread != 0
	return p, errors.Join(errs[:]...)
}

func startOf(pid int) (uint64, error) {
	p, err := processOf(pid)
	if err == nil && !p.alive() {
		err = os.ErrProcessDone
	}
	return p.start, err
}

// keepFiles has nothing that this process has open reach what it starts, also what it was itself started with.
func keepFiles() {
	names, _ := os.ReadDir("/proc/self/fd") // without /proc there is nothing to be asked
	for _, entry := range names {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

// processes lists what is alive. A process that ends meanwhile is passed over.
func processes() ([]process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := processOf(pid); err == nil && p.alive() {
			all = append(all, p)
		}
	}
	return all, nil
}

// signal reaches this very process, or nobody that has its number by now. Gone meanwhile is no error.
func (p process) signal(signal unix.Signal) error {
	handle, err := unix.PidfdOpen(p.pid, 0)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // before Linux 5.3, or a sandbox
		if start, err := startOf(p.pid); err != nil || start != p.start {
			return nil
		}
		return gone(unix.Kill(p.pid, signal))
	}
	if err != nil {
		return gone(err)
	}
	defer unix.Close(handle)
	if start, err := startOf(p.pid); err != nil || start != p.start { // asked once the handle is there: it is of that very one
		return nil
	}
	return gone(unix.PidfdSendSignal(handle, signal, nil, 0))
}

func gone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// below lists the descendants of processes that in names, among all.
func below(all []process, in map[int]bool) []process {
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !in[p.pid] && in[p.parent] {
				in[p.pid], grown = true, true
			}
		}
	}
	var found []process
	for _, p := range all {
		if in[p.pid] {
			found = append(found, p)
		}
	}
	return found
}

// descendants lists what this process has started, and what that has.
func descendants() ([]process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	self := os.Getpid()
	found := below(all, map[int]bool{self: true})
	for i, p := range found {
		if p.pid == self {
			return append(found[:i], found[i+1:]...), nil
		}
	}
	return found, nil
}

// marked lists what is left of a run whose runner is gone: who was started with its id, who descends
// from those, and who shares a session with one of them. A runner begins a session of its own, and so
// what shares it is the run's. Unclear says that somebody is just becoming another program, or ending, and
// that only another look will tell whose that is.
func marked(run string) (left []process, unclear bool, err error) {
	all, err := processes()
	if err != nil {
		return nil, false, err
	}
	own, err := unix.Getsid(0)
	if err != nil {
		return nil, false, err
	}
	in, sessions := map[int]bool{}, map[int]bool{}
	for _, p := range all {
		if p.pid == os.Getpid() {
			continue
		}
		bears, moving := p.bears("ORCH_RUN=" + run)
		if bears {
			in[p.pid], sessions[p.session] = true, true
		}
		unclear = unclear || moving
	}
	delete(sessions, own)
	delete(sessions, 0)
	for _, p := range all {
		if sessions[p.session] {
			in[p.pid] = true
		}
	}
	delete(in, os.Getpid())
	return below(all, in), unclear, nil
}

// bears tells whether a process was started with a variable in its environment. Unclear: in the middle of an
// exec there is none yet, and in that of its end there is none any more.
func (p process) bears(variable string) (bears, unclear bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
	if len(text) == 0 {
		return false, !p.kernel && (err == nil || errors.Is(err, unix.ESRCH))
	}
	return bytes.Contains(append([]byte{0}, text...), []byte("\x00"+variable+"\x00")), false
}
