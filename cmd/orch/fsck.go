package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
)

func newFsck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "fsck [CLUSTER]",
		Short: "replay the journal against what lies in Consul",
		Long: `Fsck compares every key that leaders write with what the journal says of it,
and every entry of the journal with the next one. It names what was edited,
deleted or planted by anybody else, also where a leader has replaced that
since, and what cannot be told. It ends with 1 if it finds a fault. Nothing is
written.

An edit of a key is gone once a leader writes it again, or orch recover does;
that it was there stays in the journal, until old entries of it are compacted.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.fsck(cmd, args) },
	}
}

// fsckJSON is `orch fsck`.
type fsckJSON struct {
	Schema   int           `json:"schema"`
	Clean    bool          `json:"clean"`
	Clusters []checkedJSON `json:"clusters"`
}

// checkedJSON is what fsck found in one cluster.
type checkedJSON struct {
	Cluster string                 `json:"cluster"`
	Clean   bool                   `json:"clean"`
	Entries int                    `json:"entries"`
	First   uint64                 `json:"first"` // number of the oldest entry that is there
	Last    uint64                 `json:"last"`
	Keys    int                    `json:"keys"`   // that leaders write
	Faults  []orchestrator.Finding `json:"faults"` // by key
	Notes   []orchestrator.Finding `json:"notes"`  // what was put right, and what cannot be told
}

func (a *app) fsck(cmd *cobra.Command, args []string) error {
	c, err := a.connect(cmd)
	if err != nil {
		return err
	}
	names := args
	if len(args) == 0 {
		names, err = c.Clusters(cmd.Context())
	} else {
		_, err = a.existing(cmd.Context(), c, args[0])
	}
	if err != nil {
		return err
	}
	document := fsckJSON{Schema: states.Schema, Clean: true, Clusters: []checkedJSON{}}
	for _, name := range names {
		checked, err := fsck(cmd.Context(), c, name, a.now())
		if err != nil {
			return err
		}
		document.Clusters = append(document.Clusters, checked)
		document.Clean = document.Clean && checked.Clean
	}
	if err := a.print(document, func(p *page) { fsckScreen(p, document) }); err != nil || document.Clean {
		return err
	}
	return &ending{code: exitError}
}

func fsck(ctx context.Context, c *consul, cluster string, now time.Time) (checkedJSON, error) {
	ledger, err := c.Ledger(ctx, cluster)
	if err != nil {
		return checkedJSON{}, err
	}
	return newChecked(ledger, now), nil
}

func newChecked(ledger states.Ledger, now time.Time) checkedJSON {
	checked := checkedJSON{Cluster: ledger.Cluster, Entries: len(ledger.Pages), Keys: len(ledger.Digests),
		Faults: []orchestrator.Finding{}, Notes: []orchestrator.Finding{}}
	for _, page := range ledger.Pages {
		if page.Seq != 0 && checked.First == 0 {
			checked.First = page.Seq
		}
		checked.Last = max(checked.Last, page.Seq)
	}
	for _, f := range orchestrator.Fsck(ledger, now) {
		if f.Wrong() {
			checked.Faults = append(checked.Faults, f)
		} else {
			checked.Notes = append(checked.Notes, f)
		}
	}
	checked.Clean = len(checked.Faults) == 0
	return checked
}

// fsckScreen shows a paragraph for each cluster.
func fsckScreen(p *page, document fsckJSON) {
	if len(document.Clusters) == 0 {
		p.say("There is no cluster; orch apply PATH makes one.")
	}
	for _, c := range document.Clusters {
		p.blank()
		verdict := span{"clean", green}
		if !c.Clean {
			verdict = span{states.Count(len(c.Faults), "fault"), red}
		}
		p.add(span{c.Cluster, bold}, text(": "), verdict, text(fmt.Sprintf("; %s read against %s", states.Count(c.Keys, "key"), c.journal())))
		for _, f := range c.Faults {
			p.found(f, red)
		}
		if len(c.Notes) > 0 {
			p.say("  beside that:")
		}
		for _, f := range c.Notes {
			p.found(f, dim)
		}
	}
}

func (c checkedJSON) journal() string {
	if c.Entries == 0 {
		return "an empty journal"
	}
	return fmt.Sprintf("entries %d to %d of the journal", c.First, c.Last)
}

func (p *page) found(f orchestrator.Finding, look style) {
	p.hang(span{fmt.Sprintf("  %-10s  ", f.Kind), look}, 14, f.Key+": "+f.Text)
}
