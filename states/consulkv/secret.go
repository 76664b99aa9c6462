package consulkv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// secret is the text of a file that must not be everybody's.
type secret struct {
	text []byte
	info os.FileInfo // of the very file that was read
}

// maxSecret is more than any token, and than any key.
const maxSecret = 64 << 10

// readSecret reads a file that only its owner may write and others may not read. Its group may read
// it: that is how a program that is not root is handed a file that it cannot change, as in
// root:orch 0640.
func readSecret(path string) (secret, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a named pipe would let us wait for its other end
	if err != nil {
		return secret{}, err
	}
	defer file.Close()
	info, err := file.Stat() // of what is open, whatever the name leads to a moment later
	if err != nil {
		return secret{}, err
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return secret{}, fmt.Errorf("it must be a plain file, and its mode is %s", mode)
	case mode.Perm()&0o007 != 0:
		return secret{}, fmt.Errorf("others can get at it, its mode is %s; chmod 600 it, or 640 where a group has to read it", mode)
	case mode.Perm()&0o030 != 0:
		return secret{}, fmt.Errorf("its group can do more than read it, its mode is %s; chmod 600 it, or 640", mode)
	case info.Size() > maxSecret:
		return secret{}, fmt.Errorf("it has %d bytes, which is no secret of ours", info.Size())
	}
	text := make([]byte, info.Size())
	if _, err := file.ReadAt(text, 0); err != nil && info.Size() > 0 {
		return secret{}, err
	}
	return secret{text, info}, nil
}

// ReadSecret reads a file that must not be everybody's, with the rules that hold for a token's: commands
// read their other secrets by it.
func ReadSecret(path string) ([]byte, error) {
	file, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	if why := foreign(file.info, os.Getuid()); why != "" {
		return nil, errors.New(why)
	}
	return file.text, nil
}

// foreign says whose a file is that is neither this user's nor root's: that one could put another
// token into it.
func foreign(info fs.FileInfo, user int) string {
	if owner, known := ownerOf(info); known && owner != 0 && owner != user {
		return fmt.Sprintf("it belongs to user %d, and must be root's or of user %d, who reads it", owner, user)
	}
	return ""
}
