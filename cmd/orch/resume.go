package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

// resumeOptions are what `orch resume` was told.
type resumeOptions struct {
	moveOptions
	accept bool
}

func newResume(a *app) *cobra.Command {
	o := &resumeOptions{moveOptions: moveOptions{app: a, rules: everyRule}}
	cmd := &cobra.Command{
		Use:   "resume CLUSTER",
		Short: "go on with a move that is paused, or that nobody leads",
		Long: `Resume goes on with a move where it stands, from any machine, and shows how it
goes. Gates are asked anew. Where more nodes failed than are allowed it is
refused, unless the failures are accepted; orch retry tries them again.`,
		Example:           "  orch resume web\n  orch resume web --override gate=web-passing --reason \"the check is broken\"",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.accept, "accept-failures", false, "go on without the nodes that failed, which is recorded")
	return cmd
}

func (o *resumeOptions) run(cmd *cobra.Command, cluster string) error {
	c, v, err := o.begin(cmd, cluster)
	if err != nil {
		return err
	}
	request := o.request(c, v, states.AskResume)
	request.AcceptFailures = o.accept
	return o.driving(c, v, request).run(cmd.Context())
}
