package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

func newPause(a *app) *cobra.Command {
	return stopVerb(a, &cobra.Command{
		Use:   "pause CLUSTER",
		Short: "let nobody else go; what runs ends",
		Long: `Pause keeps a move and lets nobody else go: every order that was not begun is
void. Runs that were begun end. orch resume goes on where it stands.`,
	}, states.AskPause)
}

// stopVerb makes a verb that makes a cluster stand still.
func stopVerb(a *app, cmd *cobra.Command, kind string) *cobra.Command {
	var reason string
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = a.completeClusters
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal and for whoever looks")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := a.connect(cmd)
		if err != nil {
			return err
		}
		v, err := a.movable(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		return a.driving(c, v, a.request(c, v, kind, reason)).run(cmd.Context())
	}
	return cmd
}
