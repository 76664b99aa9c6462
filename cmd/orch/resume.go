package main

import (
	"time"

	"github.com/spf13/cobra"

	"orch/states"
)

// resumeOptions are what `orch resume` was told.
type resumeOptions struct {
	app       *app
	reason    string
	accept    bool
	overrides []string
	timeout   time.Duration
}

func newResume(a *app) *cobra.Command {
	o := &resumeOptions{app: a}
	cmd := &cobra.Command{
		Use:   "resume CLUSTER",
		Short: "go on with a move that is paused, or that nobody leads",
		Long: `Resume goes on with a move where it stands, from any machine, and shows how it
goes. Where more nodes failed than are allowed it is refused, unless the
failures are accepted.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for the journal and for whoever looks")
	cmd.Flags().BoolVar(&o.accept, "accept-failures", false, "go on without the nodes that failed, which is recorded")
	cmd.Flags().StringArrayVar(&o.overrides, "override", nil, "override a rule by name, which is recorded: members")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 0, "wait so long at most; the move is not aborted (exit code 3)")
	return cmd
}

func (o *resumeOptions) run(cmd *cobra.Command, cluster string) error {
	if err := checkOverrides(o.overrides); err != nil {
		return err
	}
	if err := checkTimeout(o.timeout); err != nil {
		return err
	}
	c, err := o.app.connect(cmd)
	if err != nil {
		return err
	}
	v, err := o.app.movable(cmd.Context(), c, cluster)
	if err != nil {
		return err
	}
	request := o.app.request(c, v, states.AskResume, o.reason)
	request.AcceptFailures, request.Overrides = o.accept, o.overrides
	d := o.app.driving(c, v, request)
	d.timeout = o.timeout
	return d.run(cmd.Context())
}
