package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

// retryOptions are what `orch retry` was told.
type retryOptions struct {
	moveOptions
	nodes []string
}

func newRetry(a *app) *cobra.Command {
	o := &retryOptions{moveOptions: moveOptions{app: a, rules: everyRule}}
	cmd := &cobra.Command{
		Use:   "retry CLUSTER",
		Short: "give nodes that failed another chance",
		Long: `Retry gives the nodes that failed or were lost another chance, lets a move go on
that is paused, and shows how it goes. Nodes that are there already get no
run. What failed before does not count against the budget any more.`,
		Example:           "  orch retry web\n  orch retry web --node web-05 --reason \"disk was full\"",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.flags(cmd)
	a.nodeFlag(cmd, &o.nodes, "retry this `node` only; may be repeated")
	return cmd
}

func (o *retryOptions) run(cmd *cobra.Command, cluster string) error {
	if err := checkNodes(o.nodes); err != nil {
		return err
	}
	c, v, err := o.begin(cmd, cluster)
	if err != nil {
		return err
	}
	request := o.request(c, v, states.AskRetry)
	request.Nodes = o.nodes
	return o.driving(c, v, request).run(cmd.Context())
}

// nodeFlag adds a flag that takes the name of a node of the cluster that was named.
func (a *app) nodeFlag(cmd *cobra.Command, into *[]string, usage string) {
	cmd.Flags().StringArrayVar(into, "node", nil, usage)
	_ = cmd.RegisterFlagCompletionFunc("node", a.completeNodes) // fails only where the flag is not there
}

func checkNodes(names []string) error {
	for _, name := range names {
		if !states.ValidNode(name) {
			return usagef("read node %q: that cannot be the name of a node", name)
		}
	}
	return nil
}
