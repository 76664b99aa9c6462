// Package manpage writes man pages from a command line that is built with cobra, so that what man says
// is what --help says. It knows the commands' texts and flags; what no command can tell, the
// environment and the files, whoever calls it adds.
//
// Both programs use it, and nothing else does. Help texts are for terminals, with columns that people
// lined up: indented lines stay as they are, others are filled.
package manpage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Book is what all pages of a program have in common.
type Book struct {
	Section     string // 1 for what people call, 8 for what runs on its own
	Version     string
	Date        time.Time
	Environment []Entry
	Files       []Entry
	SeeAlso     []string // other programs' pages, as in "orch(1)"
}

// Entry is a variable or a file, and what it is for.
type Entry struct{ Name, Text string }

// ExitCodes is the line of a root's help below which its exit codes stand. They become the section that
// man has for them.
const ExitCodes = "Exit codes:"

// Date is that of the pages: SOURCE_DATE_EPOCH, so that the same source makes the same pages, or now.
func Date(epoch string, now time.Time) (time.Time, error) {
	if epoch == "" {
		return now.UTC(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read SOURCE_DATE_EPOCH %q: it is a number of seconds", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// Write makes a page of the root and one of each of its commands, in a folder that is there.
func (b Book) Write(root *cobra.Command, dir string) error {
	for _, cmd := range append([]*cobra.Command{root}, verbs(root)...) {
		file := filepath.Join(dir, pageName(cmd)+"."+b.Section)
		if err := os.WriteFile(file, []byte(b.Page(cmd)), 0o644); err != nil {
			return fmt.Errorf("write the man page of %q: %w", cmd.CommandPath(), err)
		}
	}
	return nil
}

// verbs are the commands that people are told of.
func verbs(root *cobra.Command) (shown []*cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.IsAvailableCommand() && cmd.Name() != "help" {
			shown = append(shown, cmd)
		}
	}
	return shown
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// Page is one page.
func (b Book) Page(cmd *cobra.Command) string {
	p := &page{}
	root := cmd.Root()
	p.line(`.TH %s %s "%s" "%s" "%s"`, escape(strings.ToUpper(pageName(cmd))), b.Section, b.Date.Format(time.DateOnly), escape(root.Name()+" "+b.Version), root.Name())
	p.section("NAME")
	p.line(`%s \- %s`, escape(pageName(cmd)), escape(cmd.Short))
	p.section("SYNOPSIS")
	p.line(`.B %s`, escape(cmd.UseLine()))
	about, exits, _ := strings.Cut(cmd.Long, ExitCodes)
	if about == "" {
		about = strings.ToUpper(cmd.Short[:1]) + cmd.Short[1:] + "."
	}
	p.section("DESCRIPTION")
	p.text(about)
	p.commands(cmd, b.Section)
	p.flags("OPTIONS", cmd.LocalFlags())
	if cmd == root {
		p.entries("ENVIRONMENT", b.Environment)
		p.entries("FILES", b.Files)
		p.exits(exits)
	} else {
		p.section("ENVIRONMENT, FILES, EXIT STATUS")
		p.line(`See \fB%s\fR(%s).`, escape(root.Name()), b.Section)
		if root.HasPersistentFlags() {
			p.line("It also has the options that every command takes.")
		}
	}
	if cmd.Example != "" {
		p.section("EXAMPLES")
		p.text(cmd.Example)
	}
	p.seeAlso(b, cmd)
	return p.String()
}

type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) section(name string) { p.line(".SH %s", name) }

// text sets a help text: indented lines as they are, the rest in paragraphs.
func (p *page) text(text string) {
	verbatim, fresh := false, false
	for _, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		switch {
		case line == "":
			fresh = true
			continue
		case indented && !verbatim:
			p.line(".PP\n.nf")
		case !indented && verbatim:
			p.line(".fi\n.PP")
		case fresh:
			p.line(".PP")
		}
		verbatim, fresh = indented, false
		p.line("%s", escape(line))
	}
	if verbatim {
		p.line(".fi")
	}
}

// commands lists what a root can do, in the order and the groups of its help.
func (p *page) commands(root *cobra.Command, section string) {
	shown := verbs(root)
	if len(shown) == 0 || root.HasParent() {
		return
	}
	p.section("COMMANDS")
	group := ""
	for _, cmd := range shown {
		if cmd.GroupID != group {
			group = cmd.GroupID
			p.line(".SS %s", escape(strings.TrimSuffix(title(root, group), ":")))
		}
		p.line(".TP\n\\fB%s\\fR(%s)\n%s", escape(pageName(cmd)), section, escape(cmd.Short))
	}
}

func title(root *cobra.Command, id string) string {
	for _, group := range root.Groups() {
		if group.ID == id {
			return group.Title
		}
	}
	return id
}

func (p *page) flags(name string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.section(name)
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(flag)
		head := `\fB\-\-` + escape(flag.Name) + `\fR`
		if flag.Shorthand != "" {
			head = `\fB\-` + flag.Shorthand + `\fR, ` + head
		}
		if value != "" {
			head += ` \fI` + escape(value) + `\fR`
		}
		switch flag.DefValue {
		case "", "false", "0", "0s", "[]":
		default:
			usage += " (default " + flag.DefValue + ")"
		}
		p.line(".TP\n%s\n%s", head, escape(usage))
	})
}

func (p *page) entries(name string, entries []Entry) {
	if len(entries) == 0 {
		return
	}
	p.section(name)
	for _, entry := range entries {
		p.line(".TP\n.B %s\n%s", escape(entry.Name), escape(entry.Text))
	}
}

// exits sets the lines below ExitCodes: a code begins a line, and what is said of it may go on below.
func (p *page) exits(text string) {
	if text == "" {
		return
	}
	p.section(`"EXIT STATUS"`)
	for _, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if _, err := strconv.Atoi(words[0]); err == nil {
			p.line(".TP\n.B %s", words[0])
			words = words[1:]
		}
		p.line("%s", escape(strings.Join(words, " ")))
	}
}

func (p *page) seeAlso(b Book, cmd *cobra.Command) {
	var others []string
	if cmd.HasParent() {
		others = append(others, fmt.Sprintf("%s(%s)", cmd.Root().Name(), b.Section))
	}
	if others = append(others, b.SeeAlso...); len(others) == 0 {
		return
	}
	p.section(`"SEE ALSO"`)
	for i, other := range others {
		name, section, _ := strings.Cut(other, "(")
		comma := ","
		if i == len(others)-1 {
			comma = ""
		}
		p.line(`.BR %s (%s%s`, escape(name), section, comma)
	}
}

var special = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`)

// escape has every letter stand for itself, also at the beginning of a line.
func escape(text string) string {
	text = special.Replace(text)
	if strings.HasPrefix(text, ".") {
		return `\&` + text
	}
	return text
}
