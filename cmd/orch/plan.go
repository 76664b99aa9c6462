package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

// planOptions are what `orch plan` was told.
type planOptions struct {
	app       *app
	via       []string
	supersede bool
	overrides []string
}

func newPlan(a *app) *cobra.Command {
	o := &planOptions{app: a}
	cmd := &cobra.Command{
		Use:   "plan CLUSTER STATE [ARGUMENT]",
		Short: "show what a transition would do",
		Long: `Plan shows the path, every batch with its nodes, and what would refuse the
move. Nothing is written. It ends with 0, or with 6 where the transition would
be refused.`,
		Example:           "  orch plan web version 42",
		Args:              cobra.RangeArgs(2, 3),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	cmd.Flags().StringArrayVar(&o.via, "via", nil, "go through this state; may be repeated")
	cmd.Flags().BoolVar(&o.supersede, "supersede", false, "plan as if a move that is running or paused were replaced")
	cmd.Flags().StringArrayVar(&o.overrides, "override", nil, "plan as if this `rule` were overridden: "+spelledRules(everyRule))
	return cmd
}

func (o *planOptions) run(cmd *cobra.Command, args []string) error {
	ref, err := target(args[1:])
	if err != nil {
		return err
	}
	if err := checkOverrides(o.overrides, everyRule); err != nil {
		return err
	}
	c, err := o.app.connect(cmd)
	if err != nil {
		return err
	}
	v, err := o.app.movable(cmd.Context(), c, args[0])
	if err != nil {
		return err
	}
	request := o.app.request(c, v, states.AskTransition, "")
	request.Target, request.Via, request.Supersede, request.Overrides = ref, o.via, o.supersede, o.overrides
	v.consider(cmd.Context(), c, request)
	preview := v.preview(request)
	if o.app.json() {
		err = o.app.printJSON(newPlanJSON(v, preview, request))
	} else {
		p := o.app.page()
		v.planScreen(p, preview, request)
		err = p.writeTo(o.app.out)
	}
	if err == nil && preview.Refused != "" {
		return v.refusedMove(request, preview)
	}
	return err
}
