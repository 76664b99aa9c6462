package main

import (
	"github.com/spf13/cobra"

	"orch/states"
)

// validateJSON says what valid files hold.
type validateJSON struct {
	Schema   int      `json:"schema"`
	Valid    bool     `json:"valid"`
	Clusters []string `json:"clusters"`
}

func newValidate(a *app) *cobra.Command {
	var o fileOptions
	cmd := &cobra.Command{
		Use:   "validate PATH…",
		Short: "check definitions, without Consul",
		Long: `Validate reads files, and folders of *.hcl, as one set, and prints every
mistake with its line. It ends with 1 where there is one.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file, err := a.load(args, o)
			if err != nil {
				return err
			}
			document := validateJSON{states.Schema, true, []string{}}
			for _, c := range file.Clusters {
				document.Clusters = append(document.Clusters, c.Name)
			}
			return a.print(document, func(p *page) {
				p.say("valid: " + states.Count(len(file.Clusters), "cluster") + ": " + few(document.Clusters, 20))
			})
		},
	}
	o.flags(cmd.Flags())
	return cmd
}
