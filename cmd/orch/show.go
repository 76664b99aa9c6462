package main

import (
	"io"

	"github.com/spf13/cobra"

	"orch/states"
)

// showJSON is the definition of a cluster.
type showJSON struct {
	Schema     int    `json:"schema"`
	Cluster    string `json:"cluster"`
	Definition string `json:"definition"`
	Problem    string `json:"problem,omitempty"`
}

func newShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "show CLUSTER",
		Short:             "print the definition as it is applied",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd)
			if err != nil {
				return err
			}
			v, err := a.existing(cmd.Context(), c, args[0])
			switch {
			case err != nil:
				return err
			case a.json():
				return a.printJSON(showJSON{states.Schema, v.Cluster, v.Source, v.Definition.Problem})
			case !v.Definition.There():
				return endingf(exitError, "show %q: the key with its definition is gone; apply it again", v.Cluster)
			}
			_, err = io.WriteString(a.out, printable(v.Source))
			if err == nil && v.Definition.Problem != "" {
				err = endingf(exitError, "read the definition of %q: %s", v.Cluster, v.Definition.Problem)
			}
			return err
		},
	}
}
