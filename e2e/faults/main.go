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
	began, version, results := time.Now(), describe(), results{}
	for _, folder := range packages() {
		if err := test(folder, times, results); err != nil {
			return err
		}
	}
	text, broken, skipped := table(results, times, version, time.Since(began))
	if err := os.WriteFile(out, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	fmt.Printf("%s is written: %d promises, %d not kept, %d not made here\n", out, count(), broken, skipped)
	if broken > 0 {
		return fmt.Errorf("%d promises were not kept; see %s", broken, out)
	}
	return nil
}

// describe names what is tested.
func describe() string {
	text, err := exec.Command("git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "an unknown version"
	}
	return "version " + strings.TrimSpace(string(text))
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
	Elapsed              float64
}

// results are how every test and its parts ended, each time.
type results map[string][]string

// add notes an end. A test that fails after all of its parts passed looked at all of them together: then
// none of them held.
func (r results) add(name, end string) {
	r[name] = append(r[name], end)
	if end != "fail" || strings.Contains(name, "/") {
		return
	}
	nth, parts := len(r[name])-1, []string{}
	for part, ends := range r {
		if !strings.HasPrefix(part, name+"/") || len(ends) <= nth {
			continue
		}
		if ends[nth] == "fail" {
			return
		}
		parts = append(parts, part)
	}
	for _, part := range parts {
		r[part][nth] = "fail"
	}
}

// test runs the tests of a folder, and notes how each of them and of their subtests ended.
func test(folder string, times int, results results) error {
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

func read(pipe io.Reader, results results) {
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 16<<20)
	said := map[string]string{}
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		switch e.Action {
		case "build-output": // it does not compile: then nothing held
			fmt.Print(e.Output)
		case "output":
			said[e.Test] += e.Output
		case "pass", "fail", "skip":
			if e.Test == "" {
				continue
			}
			results.add(e.Test, e.Action)
			if e.Action == "fail" {
				fmt.Println(said[e.Test])
			}
			if isRow(e.Test) || !strings.Contains(e.Test, "/") {
				fmt.Printf("%s %s (%.0fs)\n", e.Action, e.Test, e.Elapsed)
			}
			delete(said, e.Test)
		}
	}
}

func isRow(test string) bool {
	return slices.ContainsFunc(chapters, func(c chapter) bool {
		return slices.ContainsFunc(c.Rows, func(r row) bool { return r.Test == test })
	})
}

// table writes what held, and counts what did not and what could not be made here.
func table(results results, times int, version string, took time.Duration) (text string, broken, skipped int) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Faults, and what held\n\nWritten by `make faults`; each fault is made for real, in the middle of a rollout, against a real Consul\n"+
		"and both real programs, and its test asserts the promise and that the fault struck.\n\n"+
		"Last run: %s, %s, each fault %s, %s in all.\n", time.Now().UTC().Format("2006-01-02 15:04 MST"), version, often(times), took.Round(time.Second))
	for _, chapter := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n| fault | how it is made | promise | held | test |\n|---|---|---|---|---|\n", chapter.Name)
		for _, row := range chapter.Rows {
			ends := results[row.Test]
			switch {
			case slices.Contains(ends, "skip"):
				skipped++
			case !held(ends, times):
				broken++
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` |\n", row.Fault, row.Made, row.Promise, verdict(ends, times), row.Test)
		}
	}
	return b.String(), broken, skipped
}

func often(times int) string {
	if times == 1 {
		return "once"
	}
	return fmt.Sprint(times, " times")
}

// held tells whether a promise held every time.
func held(ends []string, times int) bool {
	return len(ends) >= times && !slices.ContainsFunc(ends, func(end string) bool { return end != "pass" })
}

func verdict(ends []string, times int) string {
	passed := 0
	for _, end := range ends {
		if end == "pass" {
			passed++
		}
	}
	count := fmt.Sprintf("%d of %d", passed, max(times, len(ends)))
	switch {
	case slices.Contains(ends, "skip"):
		return "**not made here**"
	case held(ends, times):
		return "yes, " + count
	}
	return "**no**, " + count
}
