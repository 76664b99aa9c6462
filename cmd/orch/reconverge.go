package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

// reconvergeOptions are what `orch reconverge` was told.
type reconvergeOptions struct {
	moveOptions
	nodes []string
	queue bool
}

func newReconverge(a *app) *cobra.Command {
	o := &reconvergeOptions{moveOptions: moveOptions{app: a, rules: everyRule}}
	cmd := &cobra.Command{
		Use:   "reconverge CLUSTER",
		Short: "converge once more, where the cluster is",
		Long: `Reconverge lets every node, or only some, converge once more to the state where
it is: after a recipe was changed, for example. It goes in the same batches as
a move into that state, with the same gates and the same budget. It shows the
plan first, and wants a cluster at rest.`,
		Example:           "  orch reconverge web --reason \"new certificates\"\n  orch reconverge web --node web-05",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.queue, "queue", false, queueFlag)
	a.nodeFlag(cmd, &o.nodes, "this `node` only; may be repeated")
	return cmd
}

func (o *reconvergeOptions) run(cmd *cobra.Command, cluster string) error {
	if err := checkNodes(o.nodes); err != nil {
		return err
	}
	c, v, err := o.begin(cmd, cluster)
	if err != nil {
		return err
	}
	request := o.request(c, v, states.AskReconverge)
	request.Nodes, request.Queue = o.nodes, o.queue
	return o.planned(cmd, c, v, request, false)
}
