package main

import (
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orch/cmd/manpage"
)

// newMan is for whoever packages the agent: nobody else needs to know of it.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Hidden: true, Short: "write the man pages into a folder",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("read arguments: name one folder for the pages")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := manpage.Date(os.Getenv("SOURCE_DATE_EPOCH"), time.Now())
			if err != nil {
				return usageError{err}
			}
			book := manpage.Book{Section: "8", Version: version, Date: date, Environment: manEnvironment, Files: manFiles, SeeAlso: []string{"orch(1)"}}
			return book.Write(cmd.Root(), args[0])
		},
	}
}

// manEnvironment has every variable that the agent itself reads; a run gets none of them.
var manEnvironment = slices.Concat([]manpage.Entry{
	{Name: "ORCH_PREFIX", Text: "Where everything lies in Consul's KV, orch where it is not set."},
	{Name: "ORCH_OPERATOR", Text: "Who disables the agent, as it is recorded; SUDO_USER or the user, and the host, where it is not set."},
}, manpage.Consul)

// manFiles are those of the packages; an agent that is started by hand has what its flags say.
var manFiles = []manpage.Entry{
	{Name: "/etc/convergeagent/convergeagent.hcl", Text: "The configuration that convergeagent.service reads. What to run is said there, and nowhere else: only root may be able to write it."},
	{Name: "/etc/convergeagent/convergeagent.hcl.example", Text: "Every setting, with what it is for: copy it, and fill it in."},
	{Name: "/etc/convergeagent/C.hcl", Text: "The configuration that convergeagent@C.service reads, on nodes of more than one cluster."},
	{Name: "/etc/convergeagent/convergeagent.env", Text: "Environment of the services. Nothing that is secret belongs there: token_file names a file for that."},
	{Name: "/var/lib/convergeagent", Text: "What the agent must not forget, and the logs of runs. convergeagent@C has /var/lib/convergeagent-C."},
	{Name: "/run/convergeagent", Text: "The lock that has one run at a time on this host."},
}
