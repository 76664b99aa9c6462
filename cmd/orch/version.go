package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"orch/states"
)

// version is set by whoever builds a release.
var version = "dev"

// versionJSON says what this program is.
type versionJSON struct {
	Schema  int    `json:"schema"`
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version, and the schema it speaks",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versionJSON{states.Schema, version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if a.json() {
				return a.printJSON(v)
			}
			a.say("orch %s, %s, %s, schema %d", v.Version, v.Go, v.System, v.Schema)
			return nil
		},
	}
}
