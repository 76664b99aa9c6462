// Faults makes every fault of its list happen, and writes the table of what held: e2e/FAULTS.md.
//
// It runs the tests that the rows name, once for each of -times, and a promise held only if it did
// every time. `make faults` calls it.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

func main() {
	times := flag.Int("times", 1, "how often each fault is made")
	out := flag.String("out", "e2e/FAULTS.md", "where the table goes")
	flag.Parse()
	if err := run(*times, *out); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(times int, out string) error {
	began, results := time.Now(), map[string][]string{}
	for _, folder := range packages() {
		if err := test(folder, times, results); err != nil {
			return err
		}
	}
	broken := 0
	text := table(results, times, time.Since(began), &broken)
	if err := os.WriteFile(out, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	fmt.Printf("%s is written: %d promises, %d not kept\n", out, count(), broken)
	if broken > 0 {
		return fmt.Errorf("%d promises were not kept; see %s", broken, out)
	}
	return nil
}

func count() (n int) {
	for _, chapter := range chapters {
		n += len(chapter.Rows)
	}
	return n
}

// packages lists where tests lie, those of e2e first.
func packages() (folders []string) {
	for _, chapter := range chapters {
		for _, row := range chapter.Rows {
			if folder := folderOf(row); !slices.Contains(folders, folder) {
				folders = append(folders, folder)
			}
		}
	}
	return folders
}

func folderOf(row row) string {
	if row.Package == "" {
		return "./e2e"
	}
	return row.Package
}

// event is a line of go test -json.
type event struct {
	Action, Test, Output string
}

// test runs the tests of a folder, and notes how each of them and of their subtests ended.
func test(folder string, times int, results map[string][]string) error {
	var names []string
	for _, chapter := range chapters {
		for _, row := range chapter.Rows {
			name, _, _ := strings.Cut(row.Test, "/")
			if folderOf(row) == folder && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	cmd := exec.Command("go", "test", "-json", "-timeout", "60m", fmt.Sprint("-count=", times), "-run", "^("+strings.Join(names, "|")+")$", folder)
	cmd.Env = append(os.Environ(), "ORCH_FAULTS=all")
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run go test: %w", err)
	}
	read(pipe, results)
	_ = cmd.Wait() // a failed test is in the table
	return nil
}

func read(pipe io.Reader, results map[string][]string) {
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 16<<20)
	said := map[string]string{}
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		switch e.Action {
		case "output":
			said[e.Test] += e.Output
		case "pass", "fail", "skip":
			if e.Test == "" {
				continue
			}
			results[e.Test] = append(results[e.Test], e.Action)
			if e.Action == "fail" {
				fmt.Println(said[e.Test])
			}
			if !strings.Contains(e.Test, "/") {
				fmt.Printf("%s %s\n", e.Action, e.Test)
			}
			delete(said, e.Test)
		}
	}
}

// table writes what held.
func table(results map[string][]string, times int, took time.Duration, broken *int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Faults, and what held\n\nWritten by `make faults`; each fault is made for real, in the middle of a rollout, against a real Consul\n"+
		"and both real programs, and its test asserts the promise and that the fault struck.\n\n"+
		"Last run: %s, each fault %d times, %s in all.\n", time.Now().UTC().Format("2006-01-02"), times, took.Round(time.Second))
	for _, chapter := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n| fault | how it is made | promise | held | test |\n|---|---|---|---|---|\n", chapter.Name)
		for _, row := range chapter.Rows {
			held := verdict(results[row.Test], times)
			if held != "yes" {
				*broken++
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` |\n", row.Fault, row.Made, row.Promise, held, row.Test)
		}
	}
	return b.String()
}

// verdict is yes only if the promise held every time.
func verdict(ends []string, times int) string {
	passed := 0
	for _, end := range ends {
		if end == "pass" {
			passed++
		}
	}
	switch {
	case slices.Contains(ends, "skip"):
		return "**not made here**"
	case passed == len(ends) && passed >= times:
		return "yes"
	}
	return fmt.Sprintf("**no**: %d of %d", passed, max(times, len(ends)))
}
