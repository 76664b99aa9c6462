package main

import (
	"errors"
	"fmt"

	"orch/convergeagent"
	"orch/states"
)

// The exit codes, all of them.
const (
	exitStopped = 0
	exitError   = 1
	exitUsage   = 2
	exitRefused = 6
)

const exitHelp = `Exit codes:
    0  it was told to stop, and did
    1  an error
    2  wrong usage, or a mistake in the configuration file
    6  refused: another agent works with this state directory, or under this
       node's name`

// usageError is a mistake of whoever started it.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// pageError is a text of many lines that is shown as it is.
type pageError struct{ error }

// exitCode is the one place that maps errors to codes.
func exitCode(err error) int {
	var usage usageError
	var inUse *convergeagent.InUseError
	var taken *states.TakenError
	switch {
	case err == nil:
		return exitStopped
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &inUse), errors.As(err, &taken):
		return exitRefused
	}
	return exitError
}
