package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orch/states"
)

// showJSON is the definition of a cluster.
type showJSON struct {
	Schema     int    `json:"schema"`
	Cluster    string `json:"cluster"`
	Definition string `json:"definition"`
	Problem    string `json:"problem,omitempty"`

	Applied *appliedBy `json:"applied,omitempty"` // as far as the journal tells
}

// appliedBy is who applied a definition.
type appliedBy struct {
	By     string    `json:"by"`
	Why    string    `json:"why,omitempty"`
	At     time.Time `json:"at"`
	Digest string    `json:"digest"`
}

// applied finds in the journal who applied the definition that lies there, or nil.
func (v *view) applied(ctx context.Context, c *consul) (*appliedBy, error) {
	entries, err := c.Journal(ctx, v.Cluster, 0)
	if err != nil {
		return nil, fmt.Errorf("read the journal of %q: %w", v.Cluster, err)
	}
	for _, e := range slices.Backward(entries) {
		if e.OK() && e.Value.Definition != "" {
			return &appliedBy{e.Value.By, e.Value.Why, e.Value.At, e.Value.Definition}, nil
		}
	}
	return nil, nil
}

func newShow(a *app) *cobra.Command {
	raw := false
	cmd := &cobra.Command{
		Use:   "show CLUSTER",
		Short: "print the definition as it is applied",
		Long: `Show prints the definition of a cluster as it lies in Consul, below a comment
that says who applied it and when. With --definition it prints that text
alone.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd)
			if err != nil {
				return err
			}
			v, err := a.existing(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			var applied *appliedBy
			if !raw {
				if applied, err = v.applied(cmd.Context(), c); err != nil {
					return err
				}
			}
			switch {
			case a.json():
				return a.printJSON(showJSON{states.Schema, v.Cluster, v.Source, v.Definition.Problem, applied})
			case !v.Definition.There():
				return endingf(exitError, "show %q: the key with its definition is gone; apply it again", v.Cluster)
			}
			if applied != nil {
				fmt.Fprintln(a.out, visible(fmt.Sprintf("# applied by %s at %s%s, digest %s", applied.By, // a comment: never on two lines
					applied.At.UTC().Format("2006-01-02 15:04:05Z"), because(applied.Why), applied.Digest)))
			}
			_, err = io.WriteString(a.out, printable(v.Source))
			if err == nil && v.Definition.Problem != "" {
				err = endingf(exitError, "read the definition of %q: %s", v.Cluster, v.Definition.Problem)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&raw, "definition", false, "the text of the definition alone")
	return cmd
}
