package main

import (
	"fmt"
	"slices"
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
		Use:   "history CLUSTER [TRANSITION]",
		Short: "print the journal",
		Long: `History prints what leaders did, and on whose word, oldest first. With the id
of one transition, or the request that asked for it, its entries are printed
in full.`,
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

// belongs tells whether an entry belongs to a transition, or answers a request.
func belongs(e states.Entry, id string) bool {
	return e.Transition == id || e.Answer != nil && e.Answer.Request == id
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

// details puts on the page what else an entry knows.
func details(p *page, e states.Entry) {
	put := func(name, value string) {
		if value != "" {
			p.wrap(span{"      " + name + ": ", dim}, value)
		}
	}
	put("led by", fmt.Sprintf("%s, epoch %d", e.Leader, e.Epoch))
	put("asked by", e.By)
	put("accessor", e.Accessor)
	put("reason", e.Why)
	put("overrides", few(e.Overrides, 20))
	if e.Answer != nil {
		put("request", e.Answer.Request)
	}
	if e.Desired != nil {
		put("desired", e.Desired.Summary)
	}
	put("nodes", few(e.Nodes, 100))
	var orders []string
	for node, run := range e.Orders {
		orders = append(orders, node+"="+run)
	}
	slices.Sort(orders)
	put("orders", few(orders, 100))
	put("definition", e.Definition)
}
