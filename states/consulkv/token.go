package consulkv

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/consul/api"
)

// token is the Consul token. One in a file is read again when the file changes, because Consul's
// own client reads it once and a rotated token would end everything.
type token struct {
	mu      sync.Mutex
	file    string
	text    string
	known   []string    // every one that it ever was
	seen    os.FileInfo // of the file when it was read
	problem error       // why the file as it is now is not used
}

func newToken(file string) (*token, error) {
	if file == "" {
		file = os.Getenv(api.HTTPTokenFileEnvName)
	}
	if file == "" {
		text := os.Getenv(api.HTTPTokenEnvName)
		return &token{text: text, known: []string{text}}, nil
	}
	t := &token{file: file}
	t.read()
	return t, t.problem
}

// read takes the file's token. Where it cannot be taken, the last one stays: a file may be half
// written, and a token that works is better than none.
func (t *token) read() {
	text, info, err := readToken(t.file)
	if err != nil {
		t.problem = fmt.Errorf("read token file %q: %w", t.file, err)
		return
	}
	t.text, t.seen, t.problem = text, info, nil
	if !slices.Contains(t.known, text) {
		t.known = append(t.known, text)
	}
}

func readToken(path string) (string, os.FileInfo, error) {
	file, err := readSecret(path)
	if err != nil {
		return "", nil, err
	}
	if why := foreign(file.info, os.Getuid()); why != "" {
		return "", nil, errors.New(why)
	}
	text := strings.TrimSpace(string(file.text))
	switch {
	case text == "":
		return "", nil, errors.New("nothing is in it")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", nil, errors.New("it has more than one line; it must have the token's SecretID alone")
	}
	return text, file.info, nil
}

// value gives the token as it is now.
func (t *token) value() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == "" {
		return t.text
	}
	if info, err := os.Stat(t.file); err != nil || !unchanged(info, t.seen) {
		t.read()
	}
	return t.text
}

// Secrets gives the token, and every one that it was before, so that none of them is told to anybody.
func (c *Client) Secrets() []string {
	c.token.mu.Lock()
	defer c.token.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.token.known), func(text string) bool { return text == "" })
}

// unchanged tells whether a file is the one that was seen, as it was.
func unchanged(now, then os.FileInfo) bool {
	return os.SameFile(now, then) && now.ModTime().Equal(then.ModTime()) && now.Size() == then.Size() && now.Mode() == then.Mode()
}

// refresh reads the file again after a call was denied: it may have been written over within the
// resolution of its time. It says why the file cannot be used, or "".
func (t *token) refresh() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == "" {
		return ""
	}
	if t.read(); t.problem != nil {
		return "; the token that was read before is used still: " + t.problem.Error()
	}
	return ""
}
