//go:build unix

package consulkv

import (
	"io/fs"
	"syscall"
)

// ownerOf gives the user whose a file is.
func ownerOf(info fs.FileInfo) (user int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}
