package convergeagent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"orch/states"
	"orch/states/strict"
)

// disabledFile is the local brake: while it lies in the state directory, the agent that works there
// starts no run, whatever anybody orders. It needs no Consul, so that whoever is logged in to a node
// can keep it as it is while everything else is down.
const disabledFile = "disabled.json"

// disabledNote is what stands in it.
type disabledNote struct {
	Schema int `json:"schema"`
	states.Word
}

// Disable keeps an agent from starting runs until Enable. A run that goes on ends by itself. It
// gives the word that holds: an earlier one stays.
func Disable(dir, by, why string) (states.Word, error) {
	f, err := reach(dir)
	if err != nil {
		return states.Word{}, fmt.Errorf("disable the agent: %w", err)
	}
	defer f.Close()
	if word, err := f.disabled(); err != nil || word != nil {
		return first(word), err
	}
	note := disabledNote{states.Schema, states.Word{By: states.Clip(clean(by), maxBy), Why: states.Clip(clean(why), maxWhy), At: now().Truncate(time.Second)}}
	text, err := json.MarshalIndent(note, "", "  ")
	if err == nil {
		err = f.replace(disabledFile, append(text, '\n'))
	}
	if err != nil {
		return states.Word{}, fmt.Errorf("disable the agent of state directory %q: %s", dir, plainly(err))
	}
	return note.Word, nil
}

// Enable ends what Disable began, and tells whether there was anything to end.
func Enable(dir string) (bool, error) {
	f, err := reach(dir)
	if err != nil {
		return false, fmt.Errorf("enable the agent: %w", err)
	}
	defer f.Close()
	err = f.root.Remove(disabledFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = f.lock.Sync()
	}
	if err != nil {
		return false, fmt.Errorf("enable the agent of state directory %q: %s", dir, plainly(err))
	}
	return true, nil
}

// disabled gives the word that keeps the agent from running, or nil. What lies there and cannot be read is
// one: somebody meant it, be it with touch.
func (f *folder) disabled() (*states.Word, error) {
	info, err := f.root.Lstat(disabledFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look whether the agent is disabled: %w", err)
	}
	word := states.Word{By: "somebody", At: info.ModTime().UTC().Truncate(time.Second), Why: filepath.Join(f.path, disabledFile) + " says nothing more"}
	if !info.Mode().IsRegular() || info.Size() > maxNote { // a pipe would keep the agent waiting
		return &word, nil
	}
	text, err := f.root.ReadFile(disabledFile)
	var note disabledNote
	if err == nil && strict.Decode(text, &note) == nil && note.Schema == states.Schema && note.By != "" {
		word = states.Word{By: states.Clip(clean(note.By), maxBy), At: note.At, Why: states.Clip(clean(note.Why), maxWhy)}
	}
	return &word, nil
}

// Limits of what is said of a node's brake. A whole note is shorter than maxNote.
const (
	maxBy   = 100
	maxWhy  = 300
	maxNote = 64 << 10
)

// disabled gives the word that keeps this node from running anything, or nil. A directory that cannot
// be looked into needs none: nothing is started that cannot be written down there first.
func (a *Agent) disabled() *states.Word {
	word, err := a.storage.Disabled()
	if err != nil {
		a.Log.Warn("nobody knows whether this agent is disabled", "error", err)
		return nil
	}
	return word
}

func first(word *states.Word) states.Word {
	if word == nil {
		return states.Word{}
	}
	return *word
}
