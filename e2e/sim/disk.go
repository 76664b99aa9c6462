package sim

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"sync"

	"orch/convergeagent"
	"orch/states"
)

// disk is a machine's, as far as an agent knows it: one file that is replaced, and a word of whoever
// disabled the agent. It survives its processes.
type disk struct {
	mu       sync.Mutex
	text     []byte // nil: there is none
	synced   []byte // the one that a loss of power cannot take away any more
	disabled *states.Word
	full     bool // writes fail; whether the new text is there all the same is a matter of luck
	holder   *life
}

// storage is the disk in the hands of one process. It implements convergeagent.Storage.
type storage struct {
	m    *machine
	life *life
	n    uint64
}

func (m *machine) open(l *life) func(context.Context) (convergeagent.Storage, error) {
	return func(context.Context) (convergeagent.Storage, error) {
		m.disk.mu.Lock()
		defer m.disk.mu.Unlock()
		if h := m.disk.holder; h != nil && !h.isDead() {
			return nil, &convergeagent.InUseError{Dir: m.name}
		}
		m.disk.holder = l
		return &storage{m: m, life: l}, nil
	}
}

func (s *storage) Path() string { return s.m.name + "/agent.json" }

func (s *storage) Load() ([]byte, error) {
	s.m.disk.mu.Lock()
	defer s.m.disk.mu.Unlock()
	if s.m.disk.text == nil {
		return nil, fs.ErrNotExist
	}
	s.m.saved(s.life, s.m.disk.text)
	if s.m.w.alter.Disk != nil {
		return s.m.w.alter.Disk(s.m.disk.text), nil
	}
	return s.m.disk.text, nil
}

// Save writes. It takes no time, because whoever saves holds a mutex, behind which no time passes in a
// bubble: a process can die before it, with the old text there, or after it.
func (s *storage) Save(text []byte) error {
	s.m.w.moment("before save", s.life.name)
	if s.life.isDead() {
		return errDead
	}
	d := s.m.disk
	d.mu.Lock()
	s.n++
	full := d.full
	if !full || s.m.w.dice.throw(s.life.name+" save", s.n).IntN(2) == 0 {
		d.text = text
	}
	d.mu.Unlock()
	s.m.w.moment("renamed", s.life.name)
	if s.life.isDead() {
		return errDead
	}
	d.mu.Lock()
	if !full { // what may have been written is accepted only once it is read again
		d.synced = d.text
		s.m.saved(s.life, text)
	}
	d.mu.Unlock()
	s.m.w.moment("after save", s.life.name)
	switch {
	case s.life.isDead():
		return errDead
	case full:
		s.m.w.count("write to a full disk")
		return errors.New("write what the agent knows: no space left on device")
	}
	return nil
}

// lose is what a loss of power does: what was not synced may be there all the same.
func (d *disk) lose(r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.IntN(2) == 0 {
		d.text = d.synced
	}
	d.synced = d.text
}

// erase is what a new disk looks like.
func (d *disk) erase() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text, d.synced = nil, nil
}

func (s *storage) Disabled() (*states.Word, error) {
	s.m.disk.mu.Lock()
	defer s.m.disk.mu.Unlock()
	return s.m.disk.disabled, nil
}

func (s *storage) Close() error {
	s.m.disk.mu.Lock()
	defer s.m.disk.mu.Unlock()
	if s.m.disk.holder == s.life {
		s.m.disk.holder = nil
	}
	return nil
}

// saved notes what an agent knows from now on.
func (m *machine) saved(l *life, text []byte) {
	var known struct {
		Instance string
		Mark     states.Mark
	}
	if json.Unmarshal(text, &known) != nil {
		return
	}
	if now := (Saved{m.name, known.Instance, known.Mark}); now != m.knows {
		m.knows = now
		m.w.note(Note{Who: l.name, Saved: &now})
	}
}
