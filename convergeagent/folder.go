package convergeagent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"orch/states"
)

const memoryFile = "agent.json"

// InUseError says that another process works with a state directory.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("use state directory %q: another agent works with it already; stop that one, or give this one its own", e.Dir)
}

// folder is the state directory, locked for this process.
type folder struct {
	path string
	lock *os.File
}

// openFolder makes the directory if it has to, and locks it. The lock goes with the process,
// however that ends.
func openFolder(ctx context.Context, path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	lock, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open state directory: %w", err)
	}
	err = flock(ctx, lock)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(&InUseError{Dir: path}, lock.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock state directory: %w", err), lock.Close())
	}
	return &folder{path: path, lock: lock}, nil
}

// flock takes the lock now, or almost: a process that is just being started holds what its parent
// has open until it becomes what it is to be.
func flock(ctx context.Context, file *os.File) (err error) {
	await(ctx, 100*time.Millisecond, func() bool {
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
func (f *folder) Close() error { return f.lock.Close() }

// Path implements Storage.
func (f *folder) Path() string { return filepath.Join(f.path, memoryFile) }

// Load implements Storage.
func (f *folder) Load() ([]byte, error) { return os.ReadFile(f.Path()) }

// Disabled implements Storage.
func (f *folder) Disabled() (*states.Word, error) { return readDisabled(f.path) }

// Save replaces the file so that, whatever happens, the old or the new one is there, whole.
func (f *folder) Save(text []byte) error {
	temp := f.Path() + "." + randomID("", 4)
	if err := writeFile(temp, text); err != nil {
		return errors.Join(fmt.Errorf("write what the agent knows: %w", err), os.Remove(temp))
	}
	if err := os.Rename(temp, f.Path()); err != nil {
		return errors.Join(fmt.Errorf("write what the agent knows: %w", err), os.Remove(temp))
	}
	if err := f.lock.Sync(); err != nil { // the directory itself
		return fmt.Errorf("write what the agent knows: %w", err)
	}
	return nil
}

func writeFile(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
