// Convergeagent keeps this node at the state its cluster is to be at. options.go has its flags and
// its configuration file, wire.go puts the agent together, brake.go stops it, runner.go executes one run,
// exit.go has every exit code.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"orch/states"
)

// version is set by whoever builds a release.
var version = "dev"

func main() {
	var b brake
	ctx, end := untilTold(func() {
		if b.pull() {
			fmt.Fprintln(os.Stderr, "convergeagent: told twice to stop, so a run was killed; the next start reports it as interrupted")
		}
		os.Exit(exitError)
	})
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, b.start)
	end()
	os.Exit(code)
}

// run does what the arguments say, and gives the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer, start starter) int {
	args, command := splitExec(args)
	root := newRoot(command, start)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := checkDashes(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err != nil {
		fmt.Fprintln(errs, message(err))
	}
	return exitCode(err)
}

// message is an error on one line; the mistakes of a file are a page already.
func message(err error) string {
	var page pageError
	if errors.As(err, &page) {
		return page.Error()
	}
	return states.Clip("convergeagent: "+strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) { // a terminal would obey what somebody pasted
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(err.Error(), "\n", "; ")), longMessage)
}

// longMessage is longer than any mistake takes to be told; what somebody pasted may have no end.
const longMessage = 2000
