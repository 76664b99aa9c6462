// Convergeagent keeps this node at the state its cluster is to be at. options.go has its flags and
// its configuration file, wire.go puts the agent together, exit.go has every exit code.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set by whoever builds a release.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, start)
	stop()
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
		fmt.Fprintln(errs, "convergeagent: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return exitCode(err)
}
