package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

// reconvergeOptions are what `orch reconverge` was told.
type reconvergeOptions struct {
	moveOptions
	nodes   []string
	drifted bool
	queue   bool
}

func newReconverge(a *app) *cobra.Command {
	o := &reconvergeOptions{moveOptions: moveOptions{app: a, rules: everyRule}}
	cmd := &cobra.Command{
		Use:   "reconverge CLUSTER",
		Short: "converge once more, where the cluster is",
		Long: `Reconverge lets every node, or only some, converge once more to the state where
it is: after a recipe was changed, for example. It goes in the same batches as
a move into that state, with the same gates and the same budget. It shows the
plan first, and wants a cluster at rest.

With --drifted it is about those nodes alone whose own check (check in the
agent's file) found that they are not any more what they reached. A node that
serves never repairs itself: this gives each its turn. Where none drifted it
does nothing and ends with 0, so that a timer may type it.`,
		Example:           "  orch reconverge web --reason \"new certificates\"\n  orch reconverge web --node web-05\n  orch reconverge web --drifted",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.flags(cmd)
	o.signs(cmd)
	cmd.Flags().BoolVar(&o.queue, "queue", false, queueFlag)
	cmd.Flags().BoolVar(&o.drifted, "drifted", false, "those nodes only that say that they drifted")
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
	request.Nodes, request.Queue, request.Drifted = o.nodes, o.queue, o.drifted
	if o.drifted && o.nodes == nil && !o.queue { // a leader that does not know the word is told the names
		for _, n := range v.drifted() {
			request.Nodes = append(request.Nodes, n.Name)
		}
	}
	return o.planned(cmd, c, v, request, false)
}
