package main

import (
	"context"
	"errors"
	"fmt"

	"orch/states"
)

// The exit codes, all of them. The root help says the same in words; a test compares the two.
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2
	exitUnfinished  = 3
	exitFailed      = 4
	exitRolledBack  = 5
	exitRefused     = 6
	exitInterrupted = 130
)

const exitHelp = `Exit codes:
    0  done, nothing to do, or only read
    1  an error
    2  wrong usage, or a question that nobody was there to answer
    3  not finished: paused by someone, waits for approval, for a window or the
       end of a freeze, a gate without an answer, out of --timeout, replaced by
       another move
    4  failed: too many nodes failed, a gate said no, or it took too long
    5  rolled back: it failed, and the cluster is back where it was
    6  refused: somebody else leads, the move is not legal, the cluster is busy
       or frozen, or its windows are closed
  130  interrupted; what was begun stands where it is`

// ending is an error that knows the code it ends the command with. Without a cause nothing is
// printed: it was said already.
type ending struct {
	code  int
	cause error
}

func (e *ending) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.cause.Error()
}

func (e *ending) Unwrap() error { return e.cause }

func endingf(code int, format string, args ...any) error {
	return &ending{code: code, cause: fmt.Errorf(format, args...)}
}

func usagef(format string, args ...any) error { return endingf(exitUsage, format, args...) }

// The ways in which a command ends before its time. They are causes of a context's end.
var (
	errInterrupted = errors.New("interrupted")
	errTimeout     = errors.New("the time given by --timeout is over")
)

// exitCode is the one place that maps errors to codes.
func exitCode(err error) int {
	var end *ending
	var held *states.HeldError
	var path *states.PathError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &end):
		return end.code
	case errors.As(err, &held), errors.As(err, &path):
		return exitRefused
	case errors.Is(err, errTimeout):
		return exitUnfinished
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitError
}

// message is what is printed about an error, with a remedy where the error has one; nothing where
// everything was said.
func message(err error) string {
	var end *ending
	if errors.As(err, &end) && end.cause == nil {
		return ""
	}
	text := err.Error()
	switch {
	case errors.Is(err, states.ErrDenied):
		text += "; give another token with --token-file or CONSUL_HTTP_TOKEN_FILE, or grant this one the right: orch acl operator, or viewer, prints all that takes"
	case errors.Is(err, states.ErrUnavailable):
		text += "; see --http-addr and CONSUL_HTTP_ADDR"
	case err == context.Canceled:
		text = errInterrupted.Error()
	}
	return text
}
