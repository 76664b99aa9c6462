package convergeagent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"
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

func (f *folder) close() error { return f.lock.Close() }

// load reads the memory, or makes the first one. What is there and cannot be used is never
// replaced: it may be all that keeps the node from going backwards.
func (f *folder) load(cluster, node string) (memory, error) {
	path := filepath.Join(f.path, memoryFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		m := memory{Schema: states.Schema, Cluster: cluster, Node: node, Instance: randomID("i-", 8)}
		return m, f.save(m)
	}
	if err != nil {
		return memory{}, fmt.Errorf("read what the agent knew: %w", err)
	}
	m, err := parseMemory(text)
	if err == nil {
		err = m.validate(cluster, node)
	}
	if err != nil {
		return memory{}, fmt.Errorf("use state file %q: %w; if this node may start as one that nobody knows, move the file away", path, err)
	}
	return m, nil
}

func parseMemory(text []byte) (m memory, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&m); err != nil {
		return m, fmt.Errorf("it is not what an agent writes: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return m, errors.New("it is not what an agent writes: something follows its end")
	}
	return m, nil
}

// save replaces the file so that, whatever happens, the old or the new one is there, whole.
func (f *folder) save(m memory) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write what the agent knows: %w", err)
	}
	path := filepath.Join(f.path, memoryFile)
	temp := path + "." + randomID("", 4)
	if err := writeFile(temp, append(text, '\n')); err != nil {
		return errors.Join(fmt.Errorf("write what the agent knows: %w", err), os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
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

// diary is the memory and its file. Nothing is believed before it is written down. The loop and the
// run going on both write it.
type diary struct {
	mu     sync.Mutex
	folder *folder
	memory memory
	unsure bool // the last write failed: either may be in the file
}

func (d *diary) read() memory {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memory
}

// write changes the memory, durably or not at all.
func (d *diary) write(change func(memory) memory) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := change(d.memory)
	if !d.unsure && reflect.DeepEqual(next, d.memory) {
		return nil
	}
	if err := d.folder.save(next); err != nil {
		d.unsure = true
		return err
	}
	d.memory, d.unsure = next, false
	return nil
}
