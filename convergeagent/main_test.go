package convergeagent

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"orch/convergeagent/runner"
)

// The test binary is the runner of its own runs.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == runner.Command {
		if err := runner.Serve(os.Args[2], Readings); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	sideBySide()
	os.Exit(m.Run())
}

// sideBySide runs more tests at once than there are processors, unless the command line says how many:
// agents mostly wait, for their runs, their pauses and their sessions.
func sideBySide() {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0)))
	}
}
