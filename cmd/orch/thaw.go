package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

func newThaw(a *app) *cobra.Command {
	o := &freezing{app: a}
	cmd := &cobra.Command{
		Use:   "thaw [CLUSTER]",
		Short: "end a freeze of a cluster, or the one of all",
		Long: `Thaw ends a freeze. Agents notice within half a minute, and whoever had its
order goes then. A move that nobody leads goes on with orch resume. The freeze
of everybody and that of a cluster are two: each is ended by itself.`,
		Example: `  orch thaw web
  orch thaw --reason "incident 4711 is over"`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.named(args)
			return o.thaw(cmd)
		},
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for the journal")
	return cmd
}

func (o *freezing) thaw(cmd *cobra.Command) error {
	c, err := o.open(cmd)
	if err != nil {
		return err
	}
	var ended states.Doc[states.Freeze]
	err = o.change(cmd.Context(), c, func(seen states.Doc[states.Freeze]) error {
		ended = seen
		if !seen.There() {
			return nil
		}
		return c.DropFreeze(cmd.Context(), o.cluster, seen)
	})
	if err != nil {
		return err
	}
	result := frozenJSON{Schema: states.Schema, Cluster: o.cluster, Result: "nothing", Reason: "nothing to do: " + o.whom() + " is not frozen"}
	if !ended.There() {
		return o.tell(result, "%s", result.Reason)
	}
	result.Result, result.Reason = "thawed", "it was frozen "+first(ended.Problem, ended.Value.String())
	result.Unnoted = o.note(cmd.Context(), c, states.Request{Kind: states.AskThaw})
	return o.tell(result, "%s is thawed; it was frozen %s%s", o.whom(), first(ended.Problem, ended.Value.String()), o.still(cmd, c))
}

// still says that the other freeze is there all the same.
func (o *freezing) still(cmd *cobra.Command, c *consul) string {
	if o.cluster == "" {
		return ""
	}
	all, err := c.ReadFreeze(cmd.Context(), "")
	if err != nil || !all.There() || all.OK() && all.Value.Over(o.app.now()) {
		return ""
	}
	return "; everybody is still frozen " + first(all.Problem, all.Value.String()) + ": orch thaw"
}
