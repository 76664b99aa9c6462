package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
)

// transitionOptions are what `orch transition` was told.
type transitionOptions struct {
	app       *app
	via       []string
	reason    string
	supersede bool
	overrides []string
	yes       bool
	timeout   time.Duration
}

func newTransition(a *app) *cobra.Command {
	o := &transitionOptions{app: a}
	cmd := &cobra.Command{
		Use:   "transition CLUSTER STATE [ARGUMENT]",
		Short: "move a cluster to a state",
		Long: `Transition shows the plan, moves the cluster, and shows how it goes until it
stands again.

It leads the move if nobody leads the cluster, and follows whoever does.
Ctrl-C lets go at a safe point; orch resume goes on, from any machine. A move
out of a state that serves into one that does not asks for the cluster's name
first.`,
		Example:           "  orch transition web version 42 --reason CHG-1234\n  orch transition web off --yes",
		Args:              cobra.RangeArgs(2, 3),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.via, "via", nil, "go through this state; may be repeated")
	flags.StringVar(&o.reason, "reason", "", "why, for the journal and for whoever looks")
	flags.BoolVar(&o.supersede, "supersede", false, "replace a move that is running or paused")
	flags.StringArrayVar(&o.overrides, "override", nil, "override a rule by name, which is recorded: members")
	flags.BoolVar(&o.yes, "yes", false, "do not ask")
	flags.DurationVar(&o.timeout, "timeout", 0, "wait so long at most; the move is not aborted (exit code 3)")
	return cmd
}

func (o *transitionOptions) run(cmd *cobra.Command, args []string) error {
	ref, err := target(args[1:])
	if err != nil {
		return err
	}
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
	v, err := o.app.movable(cmd.Context(), c, args[0])
	if err != nil {
		return err
	}
	request := o.app.request(c, v, states.AskTransition, o.reason)
	request.Target, request.Via, request.Supersede, request.Overrides = ref, o.via, o.supersede, o.overrides
	preview := v.preview(request)
	if preview.Refused != "" {
		return v.refusedMove(preview)
	}
	if !o.app.json() {
		p := o.app.page()
		v.planScreen(p, preview, request)
		p.blank()
		if err := p.writeTo(o.app.out); err != nil {
			return err
		}
	}
	d := o.app.driving(c, v, request)
	d.timeout = o.timeout
	if preview.Nothing {
		return d.nothing(v)
	}
	if err := o.confirm(cmd, v, preview); err != nil {
		return err
	}
	return d.run(cmd.Context())
}

// confirm asks before a cluster that serves is moved to where it does not.
func (o *transitionOptions) confirm(cmd *cobra.Command, v *view, preview orchestrator.Preview) error {
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
	return orchestrator.Foresee(v.Snapshot, request, orchestrator.Leading{Who: request.By, Epoch: v.desire.Epoch + 1}, v.now)
}

// refusedMove says why a move would be refused. Where that is another one that nobody leads, as
// after Ctrl-C, going on with it is what most people want.
func (v *view) refusedMove(preview orchestrator.Preview) error {
	hint := ""
	if v.record.Status == states.Running && !v.Led {
		hint = "; nobody leads it now, go on with it: orch resume " + v.Cluster
	}
	return endingf(exitRefused, "transition %s: refused: %s%s", v.Cluster, preview.Refused, hint)
}

func checkTimeout(timeout time.Duration) error {
	if timeout < 0 {
		return usagef("read --timeout %s: it is longer than 0, or left out", timeout)
	}
	return nil
}

func checkOverrides(overrides []string) error {
	for _, o := range overrides {
		if o != orchestrator.OverrideMembers {
			return usagef("read --override %q: there is only %q, which moves a cluster most of which is not alive", o, orchestrator.OverrideMembers)
		}
	}
	return nil
}
