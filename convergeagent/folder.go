package convergeagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"orch/states"
)

const (
	memoryFile = "agent.json"
	maxMemory  = 4 << 20 // more than an agent ever writes
)

// InUseError says that another process works with a state directory.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("use state directory %q: another agent works with it already; stop that one, or give this one its own", e.Dir)
}

// folder is the state directory, locked for this process. What lies in it is reached through root: no
// link in the place of a file leads anywhere else.
type folder struct {
	path string
	root *os.Root
	lock *os.File
}

// openFolder makes the directory if it has to, and locks it. The lock goes with the process,
// however that ends.
func openFolder(ctx context.Context, path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make state directory %q: %s", path, plainly(err))
	}
	if err := onlyOurs(path); err != nil {
		return nil, err
	}
	f, err := reach(path)
	if err != nil {
		return nil, err
	}
	err = flock(ctx, f.lock)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(&InUseError{Dir: path}, f.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock state directory %q: %s", path, plainly(err)), f.Close())
	}
	f.tidy()
	return f, nil
}

// reach opens a directory that is there, and does not lock it.
func reach(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open state directory %q: %s", path, plainly(err))
	}
	dir, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open state directory %q: %s", path, plainly(err)), root.Close())
	}
	return &folder{path: path, root: root, lock: dir}, nil
}

// leftover is the name of a file that was being written when its writer died.
var leftover = regexp.MustCompile(`^(` + regexp.QuoteMeta(memoryFile) + `|` + regexp.QuoteMeta(disabledFile) + `)\.[0-9a-f]{8}$`)

// tidy removes what a crash left half written. Anything else in the directory is somebody's.
func (f *folder) tidy() {
	names, _ := fs.ReadDir(f.root.FS(), ".") // what cannot be listed is left
	for _, entry := range names {
		if entry.Type().IsRegular() && leftover.MatchString(entry.Name()) {
			_ = f.root.Remove(entry.Name())
		}
	}
}

// flock takes the lock now, or almost: a process that is just being started holds what its parent
// has open until it becomes what it is to be.
func flock(ctx context.Context, file *os.File) (err error) {
	await(ctx, time.Second, func() bool {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		return !errors.Is(err, syscall.EWOULDBLOCK)
	})
	return err
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

// Close implements Storage.
func (f *folder) Close() error { return errors.Join(f.lock.Close(), f.root.Close()) }

// Path implements Storage.
func (f *folder) Path() string { return filepath.Join(f.path, memoryFile) }

// Load implements Storage.
func (f *folder) Load() ([]byte, error) {
	info, err := f.root.Lstat(memoryFile)
	if err == nil {
		err = ownFile(info)
	}
	if err == nil && info.Size() > maxMemory {
		err = fmt.Errorf("it has %d bytes, and no agent writes more than %d; put back the file that was there", info.Size(), maxMemory)
	}
	if err != nil {
		return nil, err
	}
	return f.root.ReadFile(memoryFile)
}

// Disabled implements Storage.
func (f *folder) Disabled() (*states.Word, error) { return f.disabled() }

// Save replaces the file so that, whatever happens, the old or the new one is there, whole.
func (f *folder) Save(text []byte) error {
	if err := f.save(text); err != nil {
		return fmt.Errorf("write %q: %s", f.Path(), plainly(err))
	}
	return nil
}

func (f *folder) save(text []byte) error {
	if err := f.same(); err != nil {
		return err
	}
	return f.replace(memoryFile, text)
}

// replace puts a file in the place of another, durably.
func (f *folder) replace(name string, text []byte) error {
	temp := name + "." + randomID("", 4)
	err := f.write(temp, text)
	if err == nil {
		err = f.root.Rename(temp, name)
	}
	if err != nil {
		return errors.Join(err, f.drop(temp))
	}
	return f.lock.Sync() // the directory itself
}

// same tells whether the path still leads to the directory that is locked: what is written elsewhere
// the next process would not find.
func (f *folder) same() error {
	locked, err := f.lock.Stat()
	if err != nil {
		return err
	}
	now, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if !os.SameFile(locked, now) {
		return errors.New("another directory lies at its path by now")
	}
	return onlyOurs(f.path)
}

// write makes a file, durably.
func (f *folder) write(name string, text []byte) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// drop removes a file that may not be there.
func (f *folder) drop(name string) error {
	if err := f.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
