package convergeagent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"sync"

	"orch/states"
	"orch/states/strict"
)

// diary is the memory and the storage that it lies in. Nothing is believed before it is written down. The loop and the
// run going on both write it.
type diary struct {
	mu      sync.Mutex
	storage Storage
	memory  memory
	unsure  bool // the last write failed, and either may be there; or none was tried yet
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
	if !d.unsure && reflect.DeepEqual(&next, &d.memory) {
		return nil
	}
	if err := d.save(next); err != nil {
		d.unsure = true
		return err
	}
	d.memory, d.unsure = next, false
	return nil
}

// accept notes what is followed from now on. Nearly always it was followed before: all of it is compared only
// where it was not.
func (d *diary) accept(desired *states.Desired, trust states.Trust, tree string) error {
	if d.follows(desired, trust, tree) {
		return nil
	}
	return d.write(func(m memory) memory { return m.accept(desired, trust, tree) })
}

func (d *diary) follows(desired *states.Desired, trust states.Trust, tree string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.memory
	next := m.accept(desired, trust, tree)
	return !d.unsure && next.Mark == m.Mark && next.Warrant == m.Warrant && next.Tree == m.Tree
}

// same changes nothing: written, it shows that there can be written.
func same(m memory) memory { return m }

// openDiary reads the memory, or makes the first one. What is there and cannot be used is never
// replaced: it may be all that keeps the node from going backwards.
func openDiary(storage Storage, cluster, node string) (*diary, error) {
	d := &diary{storage: storage, unsure: true}
	text, err := storage.Load()
	if errors.Is(err, fs.ErrNotExist) {
		d.memory = memory{Schema: states.Schema, Cluster: cluster, Node: node, Instance: randomID("i-", 8)}
		return d, d.save(d.memory)
	}
	if err != nil {
		return nil, fmt.Errorf("read what the agent knew: %w", err)
	}
	if d.memory, err = parseMemory(text); err == nil {
		err = d.memory.validate(cluster, node)
	}
	if err != nil {
		return nil, fmt.Errorf("use state file %q: %w; if this node may start as one that nobody knows, move the file away", storage.Path(), err)
	}
	return d, nil
}

func parseMemory(text []byte) (m memory, err error) {
	if err := strict.Decode(text, &m); err != nil {
		return memory{}, fmt.Errorf("it is not what an agent writes: %w", err)
	}
	return m, nil
}

func (d *diary) save(m memory) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write what the agent knows: %w", err)
	}
	return d.storage.Save(append(text, '\n'))
}
