package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

func newHold(a *app) *cobra.Command {
	var reason, until string
	cmd := &cobra.Command{
		Use:   "hold CLUSTER NODE --reason WHY",
		Short: "take a node out of play for a while",
		Long: `Hold keeps a node where it is: its agent starts no run, batches pass it by, and
it counts neither as failed nor as missing. A run that was begun ends. It lasts
until orch unhold, or until a time.`,
		Example: `  orch hold web web-05 --reason "disk swap" --until 2h
  orch hold web web-05 --reason "disk swap" --until "2026-11-22 06:00"`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return usagef("hold %q: say why with --reason, for whoever finds it held", args[1])
			}
			end, err := parseUntil(until, a.now())
			if err != nil {
				return err
			}
			return a.nodeVerb(cmd, args, states.Request{Kind: states.AskHold, Why: reason, Until: end})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal and for whoever looks; has to be there")
	cmd.Flags().StringVar(&until, "until", "", "`when` it ends by itself: 2h, 06:00 (UTC, the next), \"2026-11-22 06:00\" (UTC) or RFC 3339")
	return cmd
}

func newUnhold(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "unhold CLUSTER NODE",
		Short: "let a node back into play",
		Long: `Unhold lets a node back into play. Where its cluster is open the node goes there
by itself; where it moves, it waits for its turn.`,
		Example:           "  orch unhold web web-05",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.nodeVerb(cmd, args, states.Request{Kind: states.AskUnhold, Why: reason})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal and for whoever looks")
	return cmd
}

// nodeVerb files a request that is about one node, and waits for its answer.
func (a *app) nodeVerb(cmd *cobra.Command, args []string, asked states.Request) error {
	if err := checkNodes(args[1:2]); err != nil {
		return err
	}
	c, err := a.connect(cmd)
	if err != nil {
		return err
	}
	v, err := a.movable(cmd.Context(), c, args[0])
	if err != nil {
		return err
	}
	request := a.request(c, v, asked.Kind, asked.Why)
	request.Node, request.Until = args[1], asked.Until
	return a.driving(c, v, request).run(cmd.Context())
}
