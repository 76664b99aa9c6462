package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// pages are what a stranger reads, by their paths from the root of the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, path := range []string{"README.md", "SECURITY.md", "CHANGELOG.md", "hcl-examples/README.md", "cmd/orch/README.md", "convergeagent/README.md"} {
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(text)
	}
	return texts
}

// Whatever verb the help shows stands in the README's table, and so does every exit code, in the same words.
func TestTheReadmeHasEveryVerbAndExitCode(t *testing.T) {
	readme := pages(t)["README.md"]
	for _, cmd := range newRoot(realApp()).Commands() {
		if cmd.IsAvailableCommand() && cmd.Name() != "help" && !regexp.MustCompile("`"+cmd.Name()+"[` ]").MatchString(readme) {
			t.Errorf("README.md: no verb %s in the table", cmd.Name())
		}
	}
	plain := func(text string) string {
		return strings.Join(strings.Fields(strings.ReplaceAll(text, "`", "")), " ")
	}
	for _, code := range regexp.MustCompile(`(?m)^ +(\d+)  ((?:.+\n? {7})*.+)$`).FindAllStringSubmatch(exitHelp, -1) {
		if row := "| " + code[1] + " | " + plain(code[2]) + " |"; !strings.Contains(plain(readme), row) {
			t.Errorf("README.md: no row %q, which the help has", row)
		}
	}
}

// What the pages and examples tell somebody to type can be typed: the verb is there, and so is each flag.
func TestEveryCommandOfThePagesCanBeTyped(t *testing.T) {
	texts := pages(t)
	delete(texts, "CHANGELOG.md") // tells of the past
	examples, err := filepath.Glob("../../hcl-examples/*/*.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range examples {
		text, _ := os.ReadFile(path)
		texts[path] = string(text)
	}
	typed := regexp.MustCompile("(?m)(?:^[ #$]*|`)(?:bin/)?orch ([a-z]+)([^`\n]*)")
	comment := regexp.MustCompile(` #.*| \|.*`)
	seen := 0
	for path, text := range texts {
		for _, line := range typed.FindAllStringSubmatch(text, -1) {
			cmd, _, err := newRoot(realApp()).Find(append([]string{line[1]}, strings.Fields(comment.ReplaceAllString(line[2], ""))...))
			if err != nil {
				t.Errorf("%s: %q: %v", path, line[0], err)
				continue
			}
			flags := pflag.NewFlagSet("all", pflag.ContinueOnError)
			flags.AddFlagSet(cmd.LocalFlags())
			flags.AddFlagSet(cmd.InheritedFlags())
			for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(comment.ReplaceAllString(line[2], ""), -1) {
				if flags.Lookup(flag[1]) == nil {
					t.Errorf("%s: %q: orch %s has no flag --%s", path, line[0], cmd.Name(), flag[1])
				}
			}
			seen++
		}
	}
	if seen < 50 {
		t.Errorf("only %d commands found: the pages are written in another way now", seen)
	}
}

// A link that leads nowhere is found here: files, and headings of pages.
func TestTheLinksOfThePages(t *testing.T) {
	texts := pages(t)
	for path, text := range texts {
		for _, link := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(text, -1) {
			file, heading, _ := strings.Cut(link[1], "#")
			target := filepath.Join(filepath.Dir(path), file)
			if file == "" {
				target = path
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s: link %s: %v", path, link[1], err)
			}
			if heading != "" && !strings.Contains(anchors(texts[target]), "#"+heading+"\n") {
				t.Errorf("%s: link %s: no such heading there", path, link[1])
			}
		}
	}
}

// anchors are the headings of a page, as links name them.
func anchors(text string) string {
	var all strings.Builder
	for _, heading := range regexp.MustCompile(`(?m)^##+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		all.WriteString("#" + strings.ReplaceAll(name, " ", "-") + "\n")
	}
	return all.String()
}
