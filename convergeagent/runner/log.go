package runner

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Limits of a run's log.
const (
	logHead = 1 << 20  // kept of the beginning of a try's output
	logTail = 1 << 20  // and of its end
	logMost = 16 << 20 // of a run's log, beyond which its next try begins another
	logRuns = 20       // runs whose logs are kept
)

// runlog is the output of one try in a file: all of it, or its head and its tail and how much was between
// them. Nothing of it is in memory only: what comes after the head goes into pieces of the length of a
// tail in the run's folder, of which the last two are kept. A disk that is full costs the log, never the run.
type runlog struct {
	dir   string
	file  *os.File
	left  int      // bytes that the open file still takes
	piece *os.File // nil: the head is not full yet
	count int      // of pieces
	err   error
}

// openLog appends to the log of a run: its tries follow each other. Without a path nothing is kept.
func openLog(path, title, dir string) (*runlog, error) {
	if path == "" {
		file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		return &runlog{dir: dir, file: file, left: math.MaxInt}, err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > logMost {
		flags, title = flags|os.O_TRUNC, "earlier tries were cut here ---\n--- "+title
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(file, "--- %s ---\n", title); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &runlog{dir: dir, file: file, left: logHead}, nil
}

// Write never fails: whoever writes must be able to go on.
func (l *runlog) Write(data []byte) (int, error) {
	n := len(data)
	for len(data) > 0 && l.err == nil {
		if l.left == 0 {
			l.next()
			continue
		}
		into := l.file
		if l.piece != nil {
			into = l.piece
		}
		take := min(l.left, len(data))
		_, l.err = into.Write(data[:take])
		l.left, data = l.left-take, data[take:]
	}
	return n, nil
}

// next begins another piece and drops the one before the last.
func (l *runlog) next() {
	if l.piece != nil {
		l.err = l.piece.Close()
	}
	l.count++
	if l.err == nil {
		l.piece, l.err = os.OpenFile(piecePath(l.dir, l.count), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if l.count > 2 {
		l.err = errors.Join(l.err, os.Remove(piecePath(l.dir, l.count-2)))
	}
	l.left = logTail
}

const pieceName = "output."

func piecePath(dir string, number int) string {
	return filepath.Join(dir, pieceName+strconv.Itoa(number))
}

// close puts the tail behind the head, and how the run ended.
func (l *runlog) close(ending string) error {
	if l.piece != nil {
		l.err = errors.Join(l.err, l.piece.Close())
	}
	return errors.Join(l.err, finish(l.file, l.dir, ending))
}

// finishLog ends the log of a run whose runner did not come to it.
func finishLog(path, dir, ending string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	return finish(file, dir, ending)
}

func finish(file *os.File, dir, ending string) error {
	var errs []error
	if last := lastPiece(dir); last > 0 {
		errs = append(errs, appendTail(file, dir, last))
	}
	_, err := fmt.Fprintf(file, "\n--- %s ---\n", ending)
	return errors.Join(append(errs, err, flush(file), file.Close())...)
}

// flush makes a file durable; what is none, as /dev/null, needs it not.
func flush(file *os.File) error {
	if err := file.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// lastPiece finds the number of the newest piece; 0: there is none.
func lastPiece(dir string) (last int) {
	found, _ := os.ReadDir(dir)
	for _, entry := range found {
		number, piece := strings.CutPrefix(entry.Name(), pieceName)
		if n, err := strconv.Atoi(number); piece && err == nil {
			last = max(last, n)
		}
	}
	return last
}

// appendTail copies what the last two pieces have of the tail.
func appendTail(to io.Writer, dir string, last int) error {
	newest, err := os.ReadFile(piecePath(dir, last))
	if err != nil || last == 1 {
		return errors.Join(err, copyTo(to, newest))
	}
	before, err := os.ReadFile(piecePath(dir, last-1))
	from := min(len(newest), len(before))
	if cut := (last-2)*logTail + from; cut > 0 {
		_, cutting := fmt.Fprintf(to, "\n--- %d bytes were cut here ---\n", cut)
		err = errors.Join(err, cutting)
	}
	return errors.Join(err, copyTo(to, before[from:]), copyTo(to, newest))
}

func copyTo(to io.Writer, text []byte) error {
	_, err := to.Write(text)
	return err
}

// Rotate removes the oldest logs of a folder, so that with one more at most so many are left as are kept.
func Rotate(dir string) error { return rotate(dir, logRuns-1) }

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
	for _, info := range logs[:max(0, len(logs)-keep)] {
		errs = append(errs, os.Remove(filepath.Join(dir, info.Name())))
	}
	return errors.Join(errs...)
}
