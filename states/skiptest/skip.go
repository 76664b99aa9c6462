// Package skiptest ends a test that needs what this machine has not. A test that nobody sees to be skipped
// proves nothing, so where CI=true says that this is the run that counts, such a test fails. What is left out
// even there is in the README's section on tests.
package skiptest

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// Lacks ends a test for a program or a file that can be had: the text says what, and how to get it.
func Lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format+"; in CI no test is skipped for want of it", args...)
	}
	t.Skipf(format, args...)
}

// Denied ends a test for what only root may do to a machine, as mounting a disk. In CI that is a failure
// for a root that may: a container can take that away, and then nobody can help it.
func Denied(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" && administers() {
		t.Fatalf(format+"; in CI no test is skipped where root has the right to this", args...)
	}
	t.Skipf(format, args...)
}

// administers tells whether this process has CAP_SYS_ADMIN.
func administers() bool {
	const admin = 1 << 21
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "CapEff:\t")
	text, _, _ := strings.Cut(rest, "\n")
	rights, err := strconv.ParseUint(text, 16, 64)
	return err == nil && rights&admin != 0
}
