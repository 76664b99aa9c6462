//go:build unix

package hclfile

import (
	"os"
	"syscall"
)

// ownerOf gives the user that a file belongs to.
func ownerOf(info os.FileInfo) (user int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}
