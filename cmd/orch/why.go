package main

import (
	"slices"

	"github.com/spf13/cobra"
)

func newWhy(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "why CLUSTER [NODE]",
		Short: "say why a cluster or a node does not move",
		Long: `Why gives every reason why a cluster or a node does not move, what would
change each, and what does not hold it.`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd)
			if err != nil {
				return err
			}
			v, err := a.existing(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			v = a.observe(cmd.Context(), c, v)
			if len(args) == 1 {
				return a.print(newWhyJSON(v, nil), v.whyCluster)
			}
			i := slices.IndexFunc(v.nodes, func(n nodeView) bool { return n.Name == args[1] })
			if i < 0 {
				return endingf(exitError, "read node %q: no node of that name has ever reported in cluster %q; orch status %s --all lists all", args[1], args[0], args[0])
			}
			return a.print(newWhyJSON(v, &v.nodes[i]), func(p *page) { v.whyNode(p, v.nodes[i]) })
		},
	}
}
