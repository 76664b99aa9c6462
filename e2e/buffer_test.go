package e2e

import (
	"bytes"
	"sync"
)

// lockedBuffer collects a process's output while a test reads it.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer *bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
