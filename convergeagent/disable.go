package convergeagent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	if word, err := readDisabled(dir); err != nil || word != nil {
		return first(word), err
	}
	note := disabledNote{states.Schema, states.Word{By: by, Why: states.Clip(clean(why), 300), At: now().Truncate(time.Second)}}
	text, err := json.MarshalIndent(note, "", "  ")
	if err != nil {
		return states.Word{}, fmt.Errorf("disable the agent: %w", err)
	}
	path := filepath.Join(dir, disabledFile)
	temp := path + "." + randomID("", 4)
	if err := writeFile(temp, append(text, '\n')); err != nil {
		return states.Word{}, errors.Join(fmt.Errorf("disable the agent of state directory %q: %w", dir, err), dropTemp(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return states.Word{}, errors.Join(fmt.Errorf("disable the agent of state directory %q: %w", dir, err), dropTemp(temp))
	}
	return note.Word, syncDir(dir)
}

// Enable ends what Disable began, and tells whether there was anything to end.
func Enable(dir string) (bool, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false, errors.Join(fmt.Errorf("enable the agent: there is no state directory %q", dir), err)
	}
	err := os.Remove(filepath.Join(dir, disabledFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("enable the agent: %w", err)
	}
	return true, syncDir(dir)
}

// readDisabled gives the word that keeps the agent from running, or nil. What lies there and cannot
// be read is one: somebody meant it, be it with touch.
func readDisabled(dir string) (*states.Word, error) {
	path := filepath.Join(dir, disabledFile)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("look into the state directory: %w", err)
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look whether the agent is disabled: %w", err)
	}
	word := states.Word{By: "somebody", At: info.ModTime().UTC().Truncate(time.Second), Why: path + " says nothing more"}
	if !info.Mode().IsRegular() || info.Size() > maxNote { // a pipe would keep the agent waiting
		return &word, nil
	}
	text, err := os.ReadFile(path)
	var note disabledNote
	if err == nil && strict.Decode(text, &note) == nil && note.Schema == states.Schema && note.By != "" {
		word = states.Word{By: states.Clip(clean(note.By), 100), At: note.At, Why: states.Clip(clean(note.Why), 300)}
	}
	return &word, nil
}

// maxNote is more than Disable ever writes.
const maxNote = 64 << 10

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

// dropTemp removes a file that may not be there.
func dropTemp(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes a change of a directory outlive a crash.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
