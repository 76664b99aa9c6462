package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"orch/states/hclfile"
)

// fileOptions are how files are read.
type fileOptions struct {
	vars     []string
	varFiles []string
}

func (o *fileOptions) flags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.vars, "var", nil, "a variable, as name=value; may be repeated (ORCH_VAR_name)")
	flags.StringArrayVar(&o.varFiles, "var-file", nil, "a file with variables; may be repeated")
}

// load reads all paths as one set. Mistakes are printed here, all of them.
func (a *app) load(paths []string, o fileOptions) (*hclfile.File, error) {
	options := hclfile.Options{Vars: map[string]string{}, VarFiles: o.varFiles, Env: variables(os.Environ())}
	for _, v := range o.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, usagef("read --var %q: write name=value", v)
		}
		options.Vars[name] = value
	}
	file, mistakes := hclfile.Load(paths, options)
	if len(mistakes) > 0 {
		return nil, a.mistakes(mistakes)
	}
	return file, nil
}

// mistakesJSON is what is wrong with some files.
type mistakesJSON struct {
	Schema   int                  `json:"schema"`
	Valid    bool                 `json:"valid"`
	Mistakes []hclfile.Diagnostic `json:"mistakes"`
}

// mistakes prints what is wrong, and gives the error that says nothing more.
func (a *app) mistakes(mistakes hclfile.Diagnostics) error {
	if a.json() {
		if err := a.printJSON(mistakesJSON{1, false, mistakes}); err != nil {
			return err
		}
		return &ending{code: exitError}
	}
	if _, err := a.err.Write([]byte(mistakes.String())); err != nil {
		return err
	}
	return &ending{code: exitError}
}

// variables finds ORCH_VAR_name in the environment.
func variables(environment []string) map[string]string {
	found := map[string]string{}
	for _, pair := range environment {
		name, value, _ := strings.Cut(pair, "=")
		if name, ok := strings.CutPrefix(name, "ORCH_VAR_"); ok {
			found[name] = value
		}
	}
	return found
}

// origin says where files came from, for the comment above a definition: the paths, and the
// revision of the repository they are in, if they are in one.
func origin(paths []string) string {
	text := "from " + strings.Join(paths, " ")
	dir := paths[0]
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	out, err := exec.Command("git", "-C", dir, "describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*").Output()
	if revision := strings.TrimSpace(string(out)); err == nil && revision != "" {
		text += ", revision " + revision
	}
	return text
}
