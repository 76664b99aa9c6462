package consulkv

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/hashicorp/consul/api"
)

// token is the Consul token. One in a file is read again when the file changes, because Consul's
// own client reads it once and a rotated token would end everything.
type token struct {
	mu   sync.Mutex
	file string
	text string
	seen os.FileInfo // of the file when it was read
}

func newToken(file string) (*token, error) {
	if file == "" {
		file = os.Getenv(api.HTTPTokenFileEnvName)
	}
	if file == "" {
		return &token{text: os.Getenv(api.HTTPTokenEnvName)}, nil
	}
	t := &token{file: file}
	if err := t.read(); err != nil {
		return nil, err
	}
	return t, nil
}

// read takes the file's token. The file must be this user's own business.
func (t *token) read() error {
	info, err := os.Stat(t.file)
	if err != nil {
		return fmt.Errorf("read token file %q: %w", t.file, err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("read token file %q: it must be a plain file that others cannot read, and its mode is %s; chmod 600 it", t.file, info.Mode())
	}
	text, err := os.ReadFile(t.file)
	if err != nil {
		return fmt.Errorf("read token file %q: %w", t.file, err)
	}
	t.text, t.seen = strings.TrimSpace(string(text)), info
	return nil
}

// value gives the token as it is now. A file that cannot be read for a moment keeps the last one.
func (t *token) value() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == "" {
		return t.text
	}
	if info, err := os.Stat(t.file); err == nil && !(os.SameFile(info, t.seen) && info.ModTime().Equal(t.seen.ModTime())) {
		_ = t.read() // what is wrong with it shows as a denied call
	}
	return t.text
}

// refresh reads the file again after a call was denied: it may have been written over within the
// resolution of its time.
func (t *token) refresh() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file != "" {
		_ = t.read()
	}
}
