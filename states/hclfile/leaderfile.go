package hclfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// readTrusted reads a file that nobody but root and this user can have written, nor put in its place:
// what stands there is run.
func readTrusted(path string) ([]byte, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	for _, name := range []string{filepath.Dir(path), path, filepath.Dir(resolved), resolved} {
		info, err := os.Lstat(name)
		if err == nil {
			err = trust(info)
		}
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", name, err)
		}
	}
	file, err := os.Open(resolved)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxText+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %q: %w", path, err)
	case len(text) > maxText:
		return nil, fmt.Errorf("read %q: it is larger than %d KiB", path, maxText/1024)
	}
	return text, nil
}

// trust tells why something could be another's work. Who may write a link does not matter, but to
// whom it belongs; in a folder with a sticky bit everybody keeps to what is theirs.
func trust(info os.FileInfo) error {
	mode, others := info.Mode(), os.FileMode(0o022)
	switch {
	case mode.Type() != 0 && !mode.IsDir() && mode.Type() != os.ModeSymlink:
		return fmt.Errorf("it is no plain file, its mode is %s", mode)
	case mode.Type() == os.ModeSymlink, mode.IsDir() && mode&os.ModeSticky != 0:
		others = 0
	}
	if owner, known := ownerOf(info); known && owner != 0 && owner != os.Geteuid() {
		return fmt.Errorf("it belongs to user %d, and must belong to root or to you", owner)
	}
	if mode.Perm()&others != 0 {
		return fmt.Errorf("others may write to it, its mode is %s: chmod go-w it", mode)
	}
	return nil
}
