package main

import (
	"slices"

	"github.com/spf13/cobra"

	"orch/cmd/manpage"
)

// newMan is for whoever packages orch: nobody else needs to know of it.
func newMan(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Hidden: true, Short: "write the man pages into a folder",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := manpage.Date(a.env("SOURCE_DATE_EPOCH"), a.now())
			if err != nil {
				return &ending{exitUsage, err}
			}
			book := manpage.Book{Section: "1", Version: version, Date: date, Environment: manEnvironment, Files: manFiles, SeeAlso: []string{"convergeagent(8)"}}
			return book.Write(cmd.Root(), args[0])
		},
	}
}

// manEnvironment has every variable that is read, Consul's own as well.
var manEnvironment = slices.Concat([]manpage.Entry{
	{Name: "ORCH_PREFIX", Text: "Where everything lies in Consul's KV, orch where it is not set."},
	{Name: "ORCH_OPERATOR", Text: "Who asks, as it is recorded beside the token's accessor; user@host where it is not set."},
	{Name: "ORCH_CONFIG", Text: "The file that says which program answers a gate on this machine, /etc/orch/orch.hcl where it is not set."},
	{Name: "ORCH_SIGN_KEY", Text: "The file of the key that moves are signed with; --sign-key wins."},
	{Name: "ORCH_VAR_x", Text: "The value of the variable x of a definition; --var and --var-file win."},
	{Name: "ORCH_LOG", Text: "Logs to stderr, from this level on: trace, debug, info, warn or error. Nothing is logged where it is not set."},
	{Name: "NO_COLOR", Text: "Anything at all: no colours. TERM=dumb: no live view either."},
}, manpage.Consul)

var manFiles = []manpage.Entry{
	{Name: "/etc/orch/orch.hcl", Text: "Which program answers a gate when this machine leads. Nobody but root and whoever calls orch may be able to write it."},
}
