package main

import (
	"github.com/spf13/cobra"

	"orch/convergeagent"
	"orch/convergeagent/runner"
)

// newRunner is what the agent starts for each run; it is for nobody to type.
func newRunner() *cobra.Command {
	return &cobra.Command{
		Use: runner.Command + " DIR", Short: "execute one run, for an agent", Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("read arguments: an agent starts this, with the folder of a run")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return runner.Serve(args[0], convergeagent.Readings) },
	}
}
