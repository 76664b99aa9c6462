package convergeagent

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits of the logs in the state directory.
const (
	logHead = 1 << 20 // kept of the beginning of an output
	logTail = 1 << 20 // and of its end
	logRuns = 20      // runs whose logs are kept
)

// runlog is the output of one try in a file: all of it, or its head and its tail and how much was
// between them. The tail is in memory until the end. A disk that is full costs the log, never the run.
type runlog struct {
	file *os.File
	head int // bytes that the head still takes
	ring []byte
	at   int   // where the ring is written next
	past int64 // bytes that went into the ring
	err  error
}

// openLog appends to the log of a run: its tries follow each other.
func openLog(path, title string) (*runlog, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(file, "--- %s ---\n", title); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &runlog{file: file, head: logHead}, nil
}

// Write never fails: whoever writes must be able to go on.
func (l *runlog) Write(data []byte) (int, error) {
	n := len(data)
	if take := min(l.head, n); take > 0 && l.err == nil {
		_, l.err = l.file.Write(data[:take])
		l.head -= take
		data = data[take:]
	}
	if len(data) > 0 {
		l.keep(data)
	}
	return n, nil
}

func (l *runlog) keep(data []byte) {
	if l.ring == nil {
		l.ring = make([]byte, logTail)
	}
	l.past += int64(len(data))
	data = data[max(0, len(data)-logTail):]
	copied := copy(l.ring[l.at:], data)
	copy(l.ring, data[copied:])
	l.at = (l.at + len(data)) % logTail
}

// close writes the tail, and how the run ended.
func (l *runlog) close(ending string) error {
	cut := l.past - int64(len(l.ring))
	switch {
	case cut > 0:
		l.add(fmt.Sprintf("\n--- %d bytes were cut here ---\n", cut))
		l.add(string(l.ring[l.at:]))
		l.add(string(l.ring[:l.at]))
	case l.past > 0:
		l.add(string(l.ring[:l.past]))
	}
	l.add(fmt.Sprintf("\n--- %s ---\n", ending))
	return errors.Join(l.err, l.file.Close())
}

func (l *runlog) add(text string) {
	if l.err == nil {
		_, l.err = l.file.WriteString(text)
	}
}

// rotate removes the oldest logs, so that at most so many are left, and what a run that was cut
// short left of its attributes.
func rotate(dir string, keep int) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var logs []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && strings.HasSuffix(info.Name(), ".log") {
			logs = append(logs, info)
		}
	}
	slices.SortFunc(logs, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	var errs []error
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), attributesFile) {
			errs = append(errs, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	for _, info := range logs[:max(0, len(logs)-keep)] {
		errs = append(errs, os.Remove(filepath.Join(dir, info.Name())))
	}
	return errors.Join(errs...)
}
