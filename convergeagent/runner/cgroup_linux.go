package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// OwnCgroup is the folder of the cgroup (version 2) that this process is in; "" where there is none to
// be seen, or runs cannot have one of their own in it.
func OwnCgroup() string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	dir := cgroupDir(string(mounts), string(own))
	if dir == "" {
		return ""
	}
	if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err != nil || unix.Access(dir, unix.W_OK) != nil {
		return ""
	}
	return dir
}

// cgroupDir finds where a process's cgroup lies, by the two files of /proc/self.
func cgroupDir(mounts, own string) string {
	path := ""
	for line := range strings.Lines(own) {
		if rest, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); found {
			path = rest
		}
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/..") {
		return ""
	}
	for line := range strings.Lines(mounts) {
		left, right, found := strings.Cut(line, " - ")
		fields := strings.Fields(left)
		if !found || len(fields) < 5 || !strings.HasPrefix(right, "cgroup2 ") {
			continue
		}
		root, mount := fields[3], fields[4]
		if inside, err := filepath.Rel(root, path); err == nil && !strings.HasPrefix(inside, "..") {
			return filepath.Join(mount, inside)
		}
	}
	return ""
}

// cgroup is the folder of a run's own; "": it has none.
type cgroup string

// newCgroup makes a run's own inside another. One that cannot kill (before Linux 5.14) is of no use.
func newCgroup(parent, name string) (cgroup, error) {
	dir := filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "cgroup.kill")); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return cgroup(dir), nil
}

// members lists what is alive in it and in those that were made inside it.
func (c cgroup) members() []process {
	var found []process
	for _, dir := range c.tree() {
		text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for line := range strings.Lines(string(text)) {
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil || pid == 0 {
				continue
			}
			if p, err := processOf(pid); err == nil && p.alive() {
				found = append(found, p)
			}
		}
	}
	return found
}

// tree lists the folder and those inside it, the innermost last.
func (c cgroup) tree() []string {
	if c == "" {
		return nil
	}
	var dirs []string
	_ = filepath.WalkDir(string(c), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	return dirs
}

// kill ends all that is in it at once, also what forks faster than anybody can look.
func (c cgroup) kill() error {
	if c == "" {
		return nil
	}
	err := os.WriteFile(filepath.Join(string(c), "cgroup.kill"), []byte("1"), 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// empty tells whether nothing is alive in it.
func (c cgroup) empty() bool {
	if c == "" {
		return true
	}
	text, err := os.ReadFile(filepath.Join(string(c), "cgroup.events"))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return bytes.Contains(text, []byte("populated 0"))
}

// remove takes away an empty one, and what was made inside it.
func (c cgroup) remove() error {
	dirs := c.tree()
	slices.Reverse(dirs)
	for _, dir := range dirs {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove cgroup: %w", err)
		}
	}
	return nil
}
