package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

func newAbort(a *app) *cobra.Command {
	return stopVerb(a, &cobra.Command{
		Use:   "abort CLUSTER",
		Short: "give a move up; nodes stay where they are",
		Long: `Abort gives a move up: nobody else is let go, runs that were begun end, and
every node stays where it is. orch transition leaves from there.`,
	}, states.AskAbort)
}
