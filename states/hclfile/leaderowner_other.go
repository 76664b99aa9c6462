//go:build !unix

package hclfile

import "os"

// ownerOf knows no owners here. Every file looks as if others could write to it, and none is trusted.
func ownerOf(os.FileInfo) (user int, known bool) { return 0, false }
