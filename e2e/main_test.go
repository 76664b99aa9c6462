package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

var (
	raceFlag  []string // -race, where the tests themselves have it
	consulBin string
	orchBin   string
	agentBin  string
)

// TestMain builds both binaries once. Without a Consul no test runs: that is said, and in CI it is
// a failure.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	sideBySide()
	consulBin = findConsul()
	if consulBin == "" {
		fmt.Println("SKIP: the end-to-end tests need a Consul server: make consul builds one, CONSUL_BIN names another")
		if os.Getenv("CI") == "true" {
			return 1
		}
		return 0
	}
	for _, line := range missingTools() {
		fmt.Println(line)
	}
	if err := mounting(); err != nil {
		fmt.Printf("SKIP: tests of failing disks need to mount one, and cannot: %v\n", err)
	}
	dir, err := os.MkdirTemp("", "orch-e2e-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	args := append(append([]string{"build"}, raceFlag...), "-o", dir+"/", "orch/cmd/orch", "orch/cmd/convergeagent")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		fmt.Printf("build the binaries: %v\n%s", err, out)
		return 1
	}
	orchBin, agentBin = filepath.Join(dir, "orch"), filepath.Join(dir, "convergeagent")
	return m.Run()
}

// sideBySide runs more tests at once than there are processors, unless the command line says how many:
// most of the time they wait for other processes.
func sideBySide() {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		_ = flag.Set("test.parallel", strconv.Itoa(min(4*runtime.GOMAXPROCS(0), 16)))
	}
}

// findConsul looks at CONSUL_BIN, then the PATH, then bin/.
func findConsul() string {
	if told := os.Getenv("CONSUL_BIN"); told != "" {
		return told
	}
	if path, err := exec.LookPath("consul"); err == nil {
		return path
	}
	if path, err := filepath.Abs("../bin/consul"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}
