package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orch/states"
)

// rollbackOptions are what `orch rollback` was told.
type rollbackOptions struct {
	moveOptions
	to string
}

func newRollback(a *app) *cobra.Command {
	o := &rollbackOptions{moveOptions: moveOptions{app: a, rules: wayBack}}
	cmd := &cobra.Command{
		Use:   "rollback CLUSTER",
		Short: "go back to the last state that was reached",
		Long: `Rollback takes back the move that is under way, or the last one: to the state
that the cluster reached last, or, where it is there, to the one before. Nodes
that are there already are left alone; the others go in the reverse order in
which they went. It shows the plan first, is legal from everywhere, and never
rolls back by itself.

With --to it goes to the state that an earlier move reached; orch history says
which moves there were.`,
		Example: `  orch rollback web --reason "errors in the canary"
  orch rollback web --to t-20260314t030000z-01234567`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.flags(cmd)
	o.asks(cmd)
	o.signs(cmd)
	o.signing.checks(cmd.Flags())
	cmd.Flags().StringVar(&o.to, "to", "", "the `id` of a transition: go to the state that it reached")
	_ = cmd.RegisterFlagCompletionFunc("to", a.completeReached) // fails only where the flag is not there
	return cmd
}

func (o *rollbackOptions) run(cmd *cobra.Command, cluster string) error {
	c, v, err := o.begin(cmd, cluster)
	if err != nil {
		return err
	}
	request := o.request(c, v, states.AskRollback)
	if o.to != "" {
		if request.Target, err = reachedBy(cmd.Context(), c, cluster, o.to); err != nil {
			return err
		}
		request.To = o.to
	}
	return o.planned(cmd, c, v, request, false)
}

// reachedBy finds the state that a move reached, in the journal.
func reachedBy(ctx context.Context, c *consul, cluster, id string) (states.Ref, error) {
	entries, err := c.Journal(ctx, cluster, 0)
	if err != nil {
		return states.Ref{}, fmt.Errorf("read the journal of %q: %w", cluster, err)
	}
	var known []string
	for _, e := range slices.Backward(entries) {
		state, reached := reachedState(e)
		switch {
		case !reached:
		case e.Value.Transition == id:
			return states.Ref{Name: state.Name, Argument: state.Argument}, nil
		default:
			known = append(known, e.Value.Transition+" ("+state.String()+")")
		}
	}
	if len(known) == 0 {
		return states.Ref{}, endingf(exitRefused, "roll back %s to %q: no move of it reached anything yet", cluster, id)
	}
	return states.Ref{}, endingf(exitRefused, "roll back %s to %q: no move of that id reached anything; those that did, the newest first: %s",
		cluster, id, fewOf(known, 8))
}

// completeReached offers the moves of the cluster that was named, the newest first, with what each reached.
func (a *app) completeReached(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c, err := a.dial(ctx, a.connection)
	if err != nil || len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	entries, _ := c.Journal(ctx, args[0], 0)
	var words []string
	for _, e := range slices.Backward(entries) {
		if state, reached := reachedState(e); reached {
			words = append(words, e.Value.Transition+"\t"+state.String())
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// reachedState gives the state that an entry says was reached at the end of a move. A cluster that is
// born open is where it was born.
func reachedState(e states.Doc[states.Entry]) (states.State, bool) {
	entry := e.Value
	switch {
	case !e.OK() || entry.Desired == nil:
		return states.State{}, false
	case entry.Event == states.EventDone, entry.Event == states.EventBorn && entry.Desired.Open:
		return entry.Desired.State, true
	}
	return states.State{}, false
}

// fewOf is few for things of more than one word.
func fewOf(things []string, most int) string {
	if len(things) <= most {
		return strings.Join(things, ", ")
	}
	return strings.Join(things[:most], ", ") + fmt.Sprintf(" and %d more", len(things)-most)
}
