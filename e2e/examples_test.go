package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every example tells in its header which commands to try. They are tried, in their order: each
// block of commands on nodes that are alive and a Consul that is fresh.
func TestExamplesDoWhatTheirHeadersSay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../hcl-examples/*/*.hcl")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no examples")
	}
	for _, file := range files {
		for i, block := range blocks(t, file) {
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(filepath.Dir(file)), i+1), func(t *testing.T) {
				f := newField(t)
				f.ctl("all", "pause=0.05")
				config := leaderFile(t, filepath.Dir(file))
				for _, cluster := range clustersOf(t, file) {
					for n := range 3 {
						f.agent(fmt.Sprintf("%s-%02d", cluster, n+1), "--cluster", cluster, "--meta", fmt.Sprintf("rack=r%d", 1+n/2))
					}
				}
				for _, command := range block {
					f.try(config, command)
				}
			})
		}
	}
}

// leaderFile gives this machine the file beside an example that says which programs answer gates. It
// is copied to where nobody else may write, as it has to be. Empty: there is none.
func leaderFile(t *testing.T, example string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(example, "leader", "orch.hcl"))
	if os.IsNotExist(err) {
		return ""
	}
	must(t, err)
	path := filepath.Join(t.TempDir(), "orch.hcl")
	must(t, os.WriteFile(path, text, 0o600))
	return path
}

// try runs a command of a header as it stands there, which ends with the code that is said behind it,
// or with 0. What asks on a terminal is told yes.
func (f *field) try(config, line string) {
	f.t.Helper()
	command, remark, _ := strings.Cut(line, "  #")
	code := 0
	if told := regexp.MustCompile(`ends with (\d+)`).FindStringSubmatch(remark); told != nil {
		code, _ = strconv.Atoi(told[1])
	}
	args := words(command)[1:]
	for i, arg := range args {
		if strings.HasPrefix(arg, "hcl-examples/") {
			args[i] = "../" + arg
		}
	}
	if args[0] == "apply" || args[0] == "transition" {
		args = append(args, "--yes")
	}
	p := f.spawn([]string{"ORCH_OPERATOR=ada@bastion", "ORCH_CONFIG=" + config}, orchBin, append(args, "--lease-ttl", ttl.String())...)
	if got := f.wait(p, patience); got != code {
		f.t.Fatalf("%s: want exit code %d, got %d:\n%s\n%s", command, code, got, p.text(), f.why(args))
	}
	f.t.Logf("$ %s\n%s", command, p.text())
}

// words splits a command line as a shell would, as far as headers need it.
func words(command string) []string {
	var list []string
	for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(command, -1) {
		list = append(list, strings.Trim(word, `"`))
	}
	return list
}

// blocks collects the commands of a header, those that stand together in one block each.
func blocks(t *testing.T, file string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var all [][]string
	together := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "#") {
			break
		}
		command, is := strings.CutPrefix(line, "#   orch ")
		if !is {
			together = false
			continue
		}
		if !together {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], "orch "+strings.TrimSpace(command))
		together = true
	}
	if len(all) == 0 {
		t.Errorf("%s does not say what to try", file)
	}
	return all
}

func clustersOf(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^cluster "([a-z-]+)"`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, found[1])
	}
	return names
}
