package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orch/states"
)

// historyOptions are what `orch history` was told.
type historyOptions struct {
	app   *app
	limit int
}

func newHistory(a *app) *cobra.Command {
	o := &historyOptions{app: a}
	cmd := &cobra.Command{
		Use:   "history CLUSTER [ID]",
		Short: "print the journal",
		Long: `History prints what leaders did, and on whose word, oldest first. With the
number of an entry, or the id of a transition or of a request, that is printed
in full: who asked, with which token, why, and what was changed to what.`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	cmd.Flags().IntVar(&o.limit, "limit", 100, "print so many of the last entries at most; 0: all")
	return cmd
}

func (o *historyOptions) run(cmd *cobra.Command, args []string) error {
	c, err := o.app.connect(cmd)
	if err != nil {
		return err
	}
	if _, err := o.app.existing(cmd.Context(), c, args[0]); err != nil {
		return err
	}
	entries, err := c.Journal(cmd.Context(), args[0], 0)
	if err != nil {
		return fmt.Errorf("read the journal of %q: %w", args[0], err)
	}
	full := len(args) == 2
	if full {
		id := args[1]
		entries = slices.DeleteFunc(entries, func(e states.Doc[states.Entry]) bool { return !belongs(e.Value, id) })
		if len(entries) == 0 {
			return endingf(exitError, "find %q in the journal of %q: no entry has it; orch history %s lists all, with the id of each transition", id, args[0], args[0])
		}
	} else if o.limit > 0 && len(entries) > o.limit {
		entries = entries[len(entries)-o.limit:]
	}
	document := historyJSON{Schema: states.Schema, Cluster: args[0], Entries: []states.Entry{}}
	for _, e := range entries {
		if e.OK() {
			document.Entries = append(document.Entries, e.Value)
		} else {
			document.Problems = append(document.Problems, e.Problem)
		}
	}
	return o.app.print(document, func(p *page) { journal(p, document, full) })
}

// belongs tells whether an entry has that number, belongs to that transition, or answers that request.
func belongs(e states.Entry, id string) bool {
	return strconv.FormatUint(e.Seq, 10) == id || e.Transition == id || e.Request == id || e.Answer != nil && e.Answer.Request == id
}

// historyJSON is a journal.
type historyJSON struct {
	Schema   int            `json:"schema"`
	Cluster  string         `json:"cluster"`
	Entries  []states.Entry `json:"entries"`
	Problems []string       `json:"problems,omitempty"` // of entries that cannot be read
}

// journal puts entries on the page, a line each, or each in full.
func journal(p *page, history historyJSON, full bool) {
	for _, problem := range history.Problems {
		p.wrap(span{"an entry cannot be read: ", red}, problem)
	}
	last := "" // the id is told where it changes, to be typed behind orch history CLUSTER
	for _, e := range history.Entries {
		head := fmt.Sprintf("%s  %4d  gen %-3d  %-10s  ", e.At.UTC().Format("2006-01-02 15:04:05Z"), e.Seq, e.Generation, e.Event)
		id := ""
		if e.Transition != last {
			last, id = e.Transition, " ["+e.Transition+"]"
		}
		p.wrap(text(head), said(e)+id)
		if became := became(e); became != "" {
			p.wrap(span{"      desired: ", dim}, became)
		}
		if full {
			details(p, e)
		}
	}
}

// said is what an entry says, and on whose word it was done.
func said(e states.Entry) string {
	if e.By == "" || strings.Contains(e.Reason, e.By) {
		return e.Reason
	}
	return e.Reason + ", by " + e.By + because(e.Why)
}

// became says what a change made of the desired state, where there was one before.
func became(e states.Entry) string {
	if e.Before == nil || e.Desired == nil {
		return ""
	}
	var changes []string
	before, after := facts(*e.Before), facts(*e.Desired)
	for i := range before {
		if before[i] != after[i] {
			changes = append(changes, before[i]+" -> "+after[i])
		}
	}
	return strings.Join(changes, ", ")
}

// facts are what there is to know of a desired state at a glance, in the same order each time.
func facts(d states.Desired) []string {
	door := "closed"
	if d.Open {
		door = "open"
	}
	return []string{fmt.Sprintf("gen %d", d.Generation), d.State.String(), door, "joiners " + d.Joiners, "stable " + d.Stable.String()}
}
