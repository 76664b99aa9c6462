package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
)

// transitionOptions are what `orch transition` was told.
type transitionOptions struct {
	moveOptions
	via       []string
	supersede bool
	queue     bool
	step      bool
	plan      string
}

func newTransition(a *app) *cobra.Command {
	o := &transitionOptions{moveOptions: moveOptions{app: a, rules: everyRule}}
	cmd := &cobra.Command{
		Use:   "transition CLUSTER STATE [ARGUMENT] | --plan FILE",
		Short: "move a cluster to a state",
		Long: `Transition shows the plan, moves the cluster, and shows how it goes until it
stands again.

It leads the move if nobody leads the cluster, and follows whoever does.
Ctrl-C lets go at a safe point; orch resume goes on, from any machine. A move
out of a state that serves into one that does not asks for the cluster's name
first. With --step it asks after every batch whether to go on.

A cluster that somebody else moves is not moved at the same time: it is refused,
and says who, since when and why. With --queue it waits for its turn; with
--supersede it takes the place of the other move.

Where the definition wants an approval, a terminal shows that and waits for
orch approve; elsewhere the command ends then, with exit code 3.

With --plan it does what orch plan --out wrote down. If anything has changed
since that the plan rests on, it is refused, and every change is named.`,
		Example: `  orch transition web version 42 --reason CHG-1234
  orch transition web version 42 --step
  orch transition web off --yes
  orch transition --plan web.plan`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.plan != "" {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.RangeArgs(2, 3)(cmd, args)
		},
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	o.flags(cmd)
	o.asks(cmd)
	o.signs(cmd)
	o.signing.checks(cmd.Flags())
	flags := cmd.Flags()
	flags.StringArrayVar(&o.via, "via", nil, "go through this state; may be repeated")
	flags.BoolVar(&o.supersede, "supersede", false, "replace a move that is running or paused")
	flags.BoolVar(&o.queue, "queue", false, queueFlag)
	flags.StringVar(&o.plan, "plan", "", "do what this `file` says, of orch plan --out")
	flags.BoolVar(&o.step, "step", false, "ask after every batch whether to go on")
	return cmd
}

func (o *transitionOptions) run(cmd *cobra.Command, args []string) error {
	if o.plan != "" {
		return o.fromPlan(cmd)
	}
	ref, err := target(args[1:])
	if err != nil {
		return err
	}
	if err := o.checkStep(); err != nil {
		return err
	}
	if o.queue && o.supersede {
		return usagef("wait for a move and replace it: --queue and --supersede exclude each other")
	}
	c, v, err := o.begin(cmd, args[0])
	if err != nil {
		return err
	}
	request := o.request(c, v, states.AskTransition)
	request.Target, request.Via, request.Step = ref, o.via, o.step
	request.Supersede, request.Queue = o.supersede, o.queue
	return o.planned(cmd, c, v, request, o.step)
}

// checkStep wants somebody there who can be asked after every batch.
func (o *transitionOptions) checkStep() error {
	if o.step && (!o.app.screen.in || !o.app.screen.out || o.app.json()) {
		return usagef("step through a move: --step asks on a terminal, and there is none; approve = \"after_each_batch\" in the definition waits for orch approve instead")
	}
	return nil
}

// confirm asks before a cluster that serves is moved to where it does not.
func (o *moveOptions) confirm(cmd *cobra.Command, v *view, preview orchestrator.Preview) error {
	if o.yes || !v.servesNow() || !stopsServing(preview.Record) {
		return nil
	}
	what := fmt.Sprintf("%s serves, and %s serves nobody", v.Cluster, preview.Record.Target)
	return o.app.typed(cmd.Context(), what, v.Cluster)
}

// servesNow tells whether some node of the cluster may be serving.
func (v *view) servesNow() bool {
	serving := func(s states.State) bool { return s.Serving }
	if v.record.Status == states.Done {
		return v.desire.State.Serving
	}
	return v.desire.State.Serving || v.desire.Stable.Serving || slices.ContainsFunc(v.desire.From, serving)
}

func stopsServing(record states.Record) bool {
	return slices.ContainsFunc(record.Hops, func(h states.Hop) bool { return !h.State.Serving })
}

// preview asks the planner what a request would do.
func (v *view) preview(request states.Request) orchestrator.Preview {
	leading := orchestrator.Leading{Who: request.By, Epoch: v.desire.Epoch + 1}
	if request.Queue && v.queued(request) != "" {
		return orchestrator.ForeseeQueued(v.Snapshot, request, leading, v.now)
	}
	request.Queue = false // its turn is now
	preview := orchestrator.Foresee(v.Snapshot, request, leading, v.now)
	if preview.Held == "" || preview.Refused != "" || len(preview.Batches) > 0 {
		return preview
	}
	request.Overrides = append(slices.Clone(request.Overrides), ruleRequires.kind) // what would follow, once others are where they have to be
	after := orchestrator.Foresee(v.Snapshot, request, leading, v.now)
	preview.Batches, preview.Record.Members = after.Batches, after.Record.Members
	return preview
}

// refusedMove says why a move would be refused. Where that is another one that nobody leads, as
// after Ctrl-C, going on with it is what most people want.
func (v *view) refusedMove(request states.Request, preview orchestrator.Preview) error {
	hint := ""
	if v.record.Status == states.Running && !v.Led && request.Kind == states.AskTransition {
		hint = "; nobody leads it now, go on with it: orch resume " + v.Cluster
	}
	return endingf(exitRefused, "%s %s: refused: %s%s", request.Kind, v.Cluster, preview.Refused, hint)
}
