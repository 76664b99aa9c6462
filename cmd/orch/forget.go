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
			if !states.ValidNode(args[1]) {
				return usagef("read node %q: that cannot be the name of a node", args[1])
			}
			c, err := a.connect(cmd)
			if err != nil {
				return err
			}
			v, err := a.movable(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			request := a.request(c, v, states.AskForget, reason)
			request.Node = args[1]
			return a.driving(c, v, request).run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal and for whoever looks")
	return cmd
}
