package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// hostFile is the lock of the host in its folder.
const hostFile = "run.lock"

// DefaultLockDir is where the agents of a host meet: one folder for those of root, and one for every
// other user.
func DefaultLockDir() string {
	if os.Getuid() == 0 {
		return "/run/convergeagent"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "convergeagent")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("convergeagent-%d", os.Getuid()))
}

// host is this machine, taken for one run.
type host struct{ file *os.File }

// takeHost waits until no other run goes on on this machine, that long at most, and says for whom. What
// a run left there whose runner was killed is ended first.
func takeHost(ctx context.Context, dir string, own mark, atMost time.Duration, say func(string)) (*host, error) {
	if dir == "" {
		return &host{}, nil
	}
	file, err := openHost(dir)
	if err != nil {
		return nil, fmt.Errorf("lock this host: %w; give --lock-dir another folder, the same one to all agents of the host", err)
	}
	h := &host{file: file}
	err = h.lock(ctx, atMost, say)
	if err == nil {
		if left, noted := h.read(); noted && left.Run != "" {
			say("ends what is left of " + left.String())
			err = sweep(ctx, left)
		}
	}
	if err == nil {
		err = h.note(own)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return h, nil
}

// openHost opens the file of the lock, in a folder that nobody else can put one into.
func openHost(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if why := unsafe(info); why != "" {
		return nil, fmt.Errorf("use folder %q: %s", dir, why)
	}
	return os.OpenFile(filepath.Join(dir, hostFile), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
}

// unsafe tells why a folder cannot be trusted; "": it can.
func unsafe(info os.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return "it is no folder"
	case info.Mode().Perm()&0o022 != 0:
		return "others can write into it"
	case ok && int(stat.Uid) != os.Getuid() && stat.Uid != 0:
		return "it belongs to somebody else"
	}
	return ""
}

// lock takes the lock, and fails loudly where another run keeps it for too long.
func (h *host) lock(ctx context.Context, atMost time.Duration, say func(string)) error {
	deadline, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(hostTime)
	defer tick.Stop()
	for said := ""; ; {
		err := syscall.Flock(int(h.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		holder := "another run"
		if m, noted := h.read(); noted {
			holder = m.String()
		}
		if said != holder {
			said = holder
			say("waits until this host is free: " + holder + " goes on")
		}
		select {
		case <-tick.C:
		case <-deadline.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &hostError{holder: holder, waited: atMost}
		}
	}
}

// hostError says that the machine was somebody else's all the time.
type hostError struct {
	holder string
	waited time.Duration
}

func (e *hostError) Error() string {
	return fmt.Sprintf("another run went on on this host: %s; this one waited %s and gave up", e.holder, e.waited)
}

// read gives the note of whoever has the lock, or had it and was killed.
func (h *host) read() (m mark, noted bool) {
	text, err := io.ReadAll(io.NewSectionReader(h.file, 0, 64<<10))
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return m, false
	}
	return m, json.Unmarshal(text, &m) == nil
}

func (h *host) note(own mark) error {
	text, err := json.Marshal(own)
	if err == nil {
		err = h.file.Truncate(0)
	}
	if err == nil {
		_, err = h.file.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		return fmt.Errorf("note whose run goes on on this host: %w", err)
	}
	return nil
}

// free lets the next run go. Nothing of this one is alive.
func (h *host) free() {
	if h.file != nil {
		_ = h.file.Truncate(0) // a note that stays is of a run that nothing is left of
		_ = h.file.Close()
	}
}
