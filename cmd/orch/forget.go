package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

func newForget(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "forget CLUSTER NODE",
		Short: "take a node that is gone for good off the list",
		Long: `Forget takes a dead node off the list, so that it is not counted among those
that are known. It is refused while the node's agent is alive. The same name
with a new state directory is another node.`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.nodeVerb(cmd, args, states.Request{Kind: states.AskForget, Why: reason})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal and for whoever looks")
	return cmd
}
