package main

import (
	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
)

// planOptions are what `orch plan` was told.
type planOptions struct {
	app       *app
	via       []string
	supersede bool
	overrides []string
	step      bool

	out        string
	simulation bool
	fail, lose []string
}

func newPlan(a *app) *cobra.Command {
	o := &planOptions{app: a}
	cmd := &cobra.Command{
		Use:   "plan CLUSTER STATE [ARGUMENT]",
		Short: "show what a transition would do",
		Long: `Plan shows the path, every batch with its nodes, how long it would take, and
what would refuse the move. Nothing is written to Consul. It ends with 0, or
with 6 where the transition would be refused.

With --out the plan is also written into a file, in the place of one that is
there: orch transition --plan FILE does exactly that, or is refused if anything
has changed that the plan rests on.

With --simulate the move is played to its end on paper, by the same rules, with
the nodes failing or falling silent that --fail and --lose name. That ends with
0, whatever comes out.`,
		Example: `  orch plan web version 42
  orch plan web version 42 --out web.plan
  orch plan web version 42 --simulate --fail web-03 --lose web-07`,
		Args:              cobra.RangeArgs(2, 3),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	cmd.Flags().StringArrayVar(&o.via, "via", nil, "go through this state; may be repeated")
	cmd.Flags().BoolVar(&o.supersede, "supersede", false, "plan as if a move that is running or paused were replaced")
	cmd.Flags().StringArrayVar(&o.overrides, "override", nil, "plan as if this `rule` were overridden: "+spelledRules(everyRule))
	flags := cmd.Flags()
	flags.BoolVar(&o.step, "step", false, "plan a move that asks after every batch")
	flags.StringVar(&o.out, "out", "", "write the plan into this `file`, for orch transition --plan")
	flags.BoolVar(&o.simulation, "simulate", false, "play the move to its end on paper")
	flags.StringSliceVar(&o.fail, "fail", nil, "with --simulate: every run of this `node` fails; may be repeated")
	flags.StringSliceVar(&o.lose, "lose", nil, "with --simulate: this `node` falls silent in its run; may be repeated")
	return cmd
}

func (o *planOptions) run(cmd *cobra.Command, args []string) error {
	ref, err := target(args[1:])
	if err != nil {
		return err
	}
	switch {
	case o.simulation && o.out != "":
		return usagef("simulate and write a plan: --simulate and --out exclude each other")
	case !o.simulation && len(o.fail)+len(o.lose) > 0:
		return usagef("let nodes fail or fall silent: --fail and --lose are for --simulate")
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
	request.Target, request.Via, request.Supersede, request.Overrides, request.Step = ref, o.via, o.supersede, o.overrides, o.step
	request.Unsigned = true // with a key or without: the plan is the same
	v.consider(cmd.Context(), c, request)
	if o.simulation {
		return o.simulate(v, request)
	}
	preview := v.preview(request)
	foretold := orchestrator.Foretold{}
	if preview.Refused == "" && !preview.Nothing {
		foretold = v.foretell(request, preview)
	}
	err = o.app.print(newPlanJSON(v, preview, request, foretold), func(p *page) { v.planScreen(p, preview, request, foretold) })
	switch {
	case err == nil && preview.Refused != "":
		return v.refusedMove(request, preview)
	case err != nil || o.out == "":
		return err
	}
	file, err := v.planFile(cmd.Context(), c, request, preview, foretold)
	if err != nil {
		return err
	}
	if err := writePlan(o.out, file); err != nil {
		return err
	}
	if !o.app.json() {
		o.app.say("\nwritten to %s; exactly this: orch transition --plan %s", o.out, o.out)
	}
	return nil
}
