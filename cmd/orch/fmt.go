package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"orch/states"
	"orch/states/hclfile"
)

func newFmt(a *app) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt PATH…",
		Short: "lay files out, in place",
		Long: `Fmt lays files, and folders of *.hcl, out in the usual way, and prints the
names of those it changed.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			changed, err := a.format(args, check)
			if err != nil {
				return err
			}
			if a.json() {
				err = a.printJSON(fmtJSON{states.Schema, append([]string{}, changed...)})
			} else {
				for _, name := range changed {
					a.say("%s", name)
				}
			}
			if err != nil {
				return err
			}
			if check && len(changed) > 0 {
				return endingf(exitError, "check the layout: %s not laid out; run orch fmt without --check", states.Count(len(changed), "file"))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing, and end with 1 where something would be changed")
	return cmd
}

// fmtJSON is what was laid out, or would be.
type fmtJSON struct {
	Schema  int      `json:"schema"`
	Changed []string `json:"changed"`
}

// format lays out every file behind the paths, and gives the names of those that changed.
func (a *app) format(paths []string, check bool) ([]string, error) {
	var changed []string
	var mistakes hclfile.Diagnostics
	for _, path := range paths {
		names, err := files(path)
		if err != nil {
			return changed, fmt.Errorf("lay out %q: %w", path, err)
		}
		for _, name := range names {
			did, found, err := layOut(name, check)
			if err != nil {
				return changed, fmt.Errorf("lay out %q: %w", name, err)
			}
			mistakes = append(mistakes, found...)
			if did {
				changed = append(changed, name)
			}
		}
	}
	if len(mistakes) > 0 {
		return changed, a.mistakes(mistakes)
	}
	return changed, nil
}

func files(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) == ".hcl" {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}

// layOut writes a file anew where that changes it.
func layOut(name string, check bool) (changed bool, mistakes hclfile.Diagnostics, err error) {
	before, err := readPlain(name)
	if err != nil {
		return false, nil, err
	}
	after, mistakes := hclfile.Format(name, before)
	if len(mistakes) > 0 || bytes.Equal(before, after) {
		return false, mistakes, nil
	}
	if check {
		return true, nil, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return false, nil, err
	}
	return true, nil, os.WriteFile(name, after, info.Mode().Perm())
}
