package hclfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Source is a text to read, and what to call it in messages.
type Source struct {
	Name string
	Text []byte
}

// source is a text with the blocks that were found in it.
type source struct {
	Source
	lines    []string
	sections []section
	bodies   []hcl.Body
	broken   []*hcl.Block // what could not be read: kind and name, no body
}

// section is a block of the file's own level: what a message says it is in.
type section struct {
	title      string
	start, end int
}

// read finds the files behind paths. A folder is its *.hcl, except the *.vars.hcl that belong to
// --var-file; folders in it are not looked at.
func (r *report) read(paths []string) []Source {
	var sources []Source
	seen := map[string]bool{}
	for _, path := range paths {
		for _, name := range r.files(path) {
			if seen[filepath.Clean(name)] {
				continue
			}
			seen[filepath.Clean(name)] = true
			sources = append(sources, r.readOne(name)...)
		}
	}
	return sources
}

// readOne gives one file, or none where it cannot be read.
func (r *report) readOne(name string) []Source {
	file, err := os.Open(name)
	if err != nil {
		r.unread(name, err)
		return nil
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxText+1)) // it may be a device, and have no end
	if err != nil {
		r.unread(name, err)
		return nil
	}
	return []Source{{name, text}}
}

// unread names what cannot be read, and why, in our words and not in those of a system call.
func (r *report) unread(name string, err error) {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	r.addAnywhere("Cannot be read", "%q: %v.", name, err)
}

func (r *report) files(path string) []string {
	info, err := os.Stat(path)
	if err != nil {
		r.unread(path, err)
		return nil
	}
	if !info.IsDir() {
		return []string{path}
	}
	names, err := filepath.Glob(filepath.Join(globbed(path), "*.hcl"))
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, ".vars.hcl") })
	if err != nil || len(names) == 0 {
		r.addAnywhere("Nothing to read", "Folder %q has no file that ends in .hcl; folders in it are not looked at.", path)
	}
	return slices.DeleteFunc(names, r.special)
}

// special finds what nobody means as a file that stays: a pipe has perhaps no other end, a device no end.
func (r *report) special(name string) bool {
	info, err := os.Stat(name)
	if err != nil || info.Mode().IsRegular() {
		return false // what it is, is told when it is read
	}
	r.addAnywhere("Cannot be read", "%q must be a plain file, and its mode is %s.", name, info.Mode())
	return true
}

// globbed keeps a folder's name from being taken for a pattern.
func globbed(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// blockStart finds where blocks begin in a file that does not parse as a whole. It goes by the
// left margin, which a text inside a heredoc could fool; so it is used for broken files only.
var blockStart = regexp.MustCompile(`(?m)^[a-z_]+[ \t]*("[^"\n]*"[ \t]*)*\{`)

var blockHeader = regexp.MustCompile(`^([a-z_]+)(?:[ \t]+"([^"]*)")?`)

// parse reads a text. Where it is broken, each block is read by itself, so that a syntax error
// stops only the block around it.
func (r *report) parse(text Source) *source {
	s := &source{Source: text, lines: strings.Split(string(text.Text), "\n")}
	r.sources[text.Name] = s
	if !r.bound(text.Name, text.Text) {
		return s
	}
	file, diags := hclsyntax.ParseConfig(text.Text, text.Name, hcl.InitialPos)
	if !diags.HasErrors() {
		s.keep(file.Body)
		return s
	}
	starts := []int{0}
	for _, found := range blockStart.FindAllIndex(text.Text, -1) {
		if found[0] > 0 {
			starts = append(starts, found[0])
		}
	}
	for i, start := range starts {
		end := len(text.Text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		r.parsePiece(s, start, end)
	}
	return s
}

func (r *report) parsePiece(s *source, start, end int) {
	piece := s.Text[start:end]
	from := hcl.Pos{Line: 1 + bytes.Count(s.Text[:start], []byte("\n")), Column: 1, Byte: start}
	file, diags := hclsyntax.ParseConfig(piece, s.Name, from)
	if !diags.HasErrors() {
		s.keep(file.Body)
		return
	}
	title := strings.TrimSpace(strings.TrimSuffix(string(blockStart.Find(piece)), "{"))
	s.sections = append(s.sections, section{title, start, end})
	r.addHCL(diags)
	if header := blockHeader.FindStringSubmatch(title); header != nil {
		s.broken = append(s.broken, &hcl.Block{Type: header[1], Labels: []string{header[2]}})
	}
}

func (s *source) keep(body hcl.Body) {
	s.bodies = append(s.bodies, body)
	for _, block := range body.(*hclsyntax.Body).Blocks {
		title := block.Type
		for _, label := range block.Labels {
			title += fmt.Sprintf(" %q", label)
		}
		s.sections = append(s.sections, section{title, block.Range().Start.Byte, block.Range().End.Byte})
	}
}

// around gives the title of the block that a byte is in.
func (s *source) around(at int) string {
	for _, section := range s.sections {
		if section.start <= at && at < section.end {
			return section.title
		}
	}
	return ""
}

func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return strings.TrimSuffix(s.lines[n-1], "\r")
}
