package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// maxPlain is more than any plan, and than any definition.
const maxPlain = 16 << 20

// readPlain reads a file that a verb wrote before, or is to write again: neither a pipe, which may
// have no other end, nor a device, which may have no end at all.
func readPlain(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat() // of what is open, whatever the name leads to a moment later
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%q must be a plain file, and its mode is %s", path, info.Mode())
	case info.Size() > maxPlain:
		return nil, fmt.Errorf("%q has %d MiB, and %d are the most", path, info.Size()>>20, maxPlain>>20)
	}
	return io.ReadAll(io.LimitReader(file, maxPlain))
}
