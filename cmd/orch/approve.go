package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

// approveOptions are what `orch approve` was told.
type approveOptions struct {
	moveOptions
	batch int
}

func newApprove(a *app) *cobra.Command {
	o := &approveOptions{moveOptions: moveOptions{app: a}}
	cmd := &cobra.Command{
		Use:   "approve CLUSTER",
		Short: "let a move go on that waits for approval",
		Long: `Approve shows what is approved: the batch that is over, how its nodes ended,
and what the gates say. Then it lets the move go on, and shows how it goes.

The word is about that one batch. Where the cluster is at another one by then
it is refused; scripts say with --batch which one they looked at, 0 before the
first.`,
		Example: `  orch approve web --reason "canary looks good"
  orch approve web --batch 1`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.flags(cmd)
	cmd.Flags().IntVar(&o.batch, "batch", 0, "the batch that was looked at (default: the one that is over now)")
	return cmd
}

func (o *approveOptions) run(cmd *cobra.Command, cluster string) error {
	c, v, err := o.begin(cmd, cluster)
	if err != nil {
		return err
	}
	request := o.request(c, v, states.AskApprove)
	request.Hop, request.Batch = v.record.Hop, v.record.Over()
	if cmd.Flags().Changed("batch") {
		request.Batch = o.batch
	}
	if preview := v.preview(request); preview.Refused != "" {
		return v.refusedMove(request, preview)
	}
	if !o.app.json() {
		p := o.app.page()
		v.approvalScreen(p)
		p.blank()
		if err := p.writeTo(o.app.out); err != nil {
			return err
		}
	}
	return o.driving(c, v, request).run(cmd.Context())
}
