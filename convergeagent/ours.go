package convergeagent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	maxLinks    = 40 // on the way to a file or directory
	othersWrite = 0o022
)

// onlyOurs finds who else may put something in the place of the state directory, or of a directory on
// the way to it: what such a one writes there, an agent that runs as root would believe.
func onlyOurs(path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find state directory %q: %w", path, err)
	}
	info, err := os.Stat(absolute)
	switch {
	case err != nil:
		return fmt.Errorf("look at state directory %q: %s", path, plainly(err))
	case !info.IsDir():
		return fmt.Errorf("use state directory %q: it is no directory", path)
	}
	if err := ownMode(info); err != nil {
		return fmt.Errorf("use state directory %q: %w", path, err)
	}
	if err := wayOurs(absolute); err != nil {
		return fmt.Errorf("use state directory %q: %w", path, err)
	}
	return nil
}

// OnlyOurs finds who else may write a file, or put another in its place: an agent's own says what root runs.
// What is no file, or cannot be looked at, is for whoever reads it to tell.
func OnlyOurs(path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find %q: %w", path, err)
	}
	info, err := os.Stat(absolute)
	switch {
	case err != nil || !info.Mode().IsRegular():
		return nil
	case !trustedOwner(info):
		return fmt.Errorf("use %q: it belongs to user %d, who can write anything into it; give it to root, or to the agent's user", path, owner(info))
	case info.Mode().Perm()&othersWrite != 0:
		return fmt.Errorf("use %q: others may write it, its mode is %04o; look whether somebody did, and chmod go-w it", path, info.Mode().Perm())
	}
	if err := wayOurs(absolute); err != nil {
		return fmt.Errorf("use %q: %w", path, err)
	}
	return nil
}

// wayOurs looks at every directory and link from the root of the file system on.
func wayOurs(path string) error {
	rest, at := strings.Split(strings.Trim(path, "/"), "/"), "/"
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		info, err := os.Lstat(next)
		if err != nil {
			return fmt.Errorf("look at %q, on the way to it: %s", next, plainly(err))
		}
		if !trustedOwner(info) {
			return fmt.Errorf("%q, on the way to it, belongs to user %d, who can put another in its place; give it to root, or to the agent's user", next, owner(info))
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			if len(rest) > 1 && info.Mode().Perm()&othersWrite != 0 && info.Mode()&fs.ModeSticky == 0 {
				return fmt.Errorf("others may write into %q, on the way to it; chmod go-w it", next)
			}
			at, rest = next, rest[1:]
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return fmt.Errorf("follow link %q, on the way to it: %s", next, plainly(errors.Join(err, syscall.ELOOP)))
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(strings.Trim(filepath.Clean(target), "/"), "/"), rest[1:]...)
	}
	return nil
}

// ownFile finds what keeps a file of the state directory from being believed.
func ownFile(info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return errors.New("it is a symbolic link, which may lead anywhere; put the file itself there")
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file")
	}
	return ownMode(info)
}

func ownMode(info fs.FileInfo) error {
	switch {
	case owner(info) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d, and this agent is user %d; look who wrote it, and chown it", owner(info), os.Geteuid())
	case info.Mode().Perm()&othersWrite != 0:
		return fmt.Errorf("others may write it, its mode is %04o; look whether somebody did, and chmod go-w it", info.Mode().Perm())
	}
	return nil
}

func trustedOwner(info fs.FileInfo) bool { return owner(info) == 0 || owner(info) == os.Geteuid() }

func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// plainly words an error of the file system without the names of temporary files, which change from try
// to try: the same trouble is to be told in the same words.
func plainly(err error) string {
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full; make room"
	case errors.Is(err, syscall.EROFS):
		return "the file system is read-only; mount it so that it can be written"
	case errors.Is(err, fs.ErrNotExist):
		return "it is not there; put the directory back"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return clean(err.Error())
}
