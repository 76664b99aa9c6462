package main

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The JSON Schemas of what -o json prints. They are written down, and compared with the types by a
// test, so that nobody adds or renames a field without noticing that others read it.
//
//go:embed schema/*.json
var schemas embed.FS

func newSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [DOCUMENT]",
		Short: "print the JSON Schema of what -o json prints",
		Long: `Schema prints the JSON Schema (draft 2020-12) of a document that -o json prints;
without a name it lists them. Within one schema number fields are only added.`,
		Example:           "  orch schema status",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(schemaNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				document := schemaListJSON{Schema: 1, Documents: schemaNames()}
				return a.print(document, func(p *page) { p.wrap(text(""), strings.Join(document.Documents, " ")) })
			}
			text, err := schemas.ReadFile("schema/" + args[0] + ".json")
			if err != nil {
				return usagef("find the schema of %q: there is one of %s", args[0], strings.Join(schemaNames(), ", "))
			}
			_, err = fmt.Fprintf(a.out, "%s", text)
			return err
		},
	}
}

// schemaListJSON is `orch schema` without a document.
type schemaListJSON struct {
	Schema    int      `json:"schema"`
	Documents []string `json:"documents"`
}

func schemaNames() []string {
	files, _ := fs.ReadDir(schemas, "schema") // always there: it is part of the program
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".json"))
	}
	slices.Sort(names)
	return names
}
