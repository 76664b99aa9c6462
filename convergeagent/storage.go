package convergeagent

import (
	"context"

	"orch/states"
)

// Storage keeps what an agent must know across restarts of itself and of its node, for one process
// at a time. The state directory is one; a Config without another has that.
type Storage interface {
	Load() ([]byte, error) // what was saved last; fs.ErrNotExist: nothing ever was
	Path() string          // names the place
	// Save replaces it. Whatever happens, power loss among it, the old or the new text is there, whole;
	// once it returned without an error it is the new one.
	Save(text []byte) error
	// Disabled gives the word of whoever keeps this node from running anything, or nil.
	Disabled() (*states.Word, error)
	// Close lets another process have it.
	Close() error
}

// openStorage takes the storage for this process.
func (a *Agent) openStorage(ctx context.Context) (Storage, error) {
	if a.Config.Storage != nil {
		return a.Config.Storage(ctx)
	}
	folder, err := openFolder(ctx, a.StateDir)
	if err != nil {
		return nil, err
	}
	return folder, nil
}
