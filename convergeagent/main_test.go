package convergeagent

import (
	"fmt"
	"os"
	"testing"

	"orch/convergeagent/runner"
)

// raced tells whether the race detector is in this program: it takes memory of its own.
var raced bool

// The test binary is the runner of its own runs.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == runner.Command {
		if err := runner.Serve(os.Args[2], Readings); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
