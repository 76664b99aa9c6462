package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orch/states"
)

// statusVerb is what `orch status` was told.
type statusVerb struct {
	app   *app
	watch bool
	all   bool
}

func newStatus(a *app) *cobra.Command {
	o := &statusVerb{app: a}
	cmd := &cobra.Command{
		Use:   "status [CLUSTER]",
		Short: "show where a cluster is, or all of them",
		Long: `Status shows a line for every cluster, or the screen of one. With --watch it
follows a move until it stands, and ends with the code of that move. Elsewhere
than on a terminal it also ends where the move waits for approval.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd)
			switch {
			case err != nil:
				return err
			case len(args) == 0 && o.watch:
				return usagef("watch all clusters: --watch wants one cluster")
			case len(args) == 0:
				return o.clusters(cmd.Context(), c)
			case o.watch:
				return o.follow(cmd.Context(), c, args[0])
			}
			return o.cluster(cmd.Context(), c, args[0])
		},
	}
	cmd.Flags().BoolVar(&o.watch, "watch", false, "follow the move until it stands")
	cmd.Flags().BoolVar(&o.all, "all", false, "list every node, also those at rest")
	return cmd
}

func (o *statusVerb) cluster(ctx context.Context, c *consul, cluster string) error {
	v, err := o.app.existing(ctx, c, cluster)
	if err != nil {
		return err
	}
	v = o.app.observe(ctx, c, v)
	return o.app.print(newStatusJSON(v), func(p *page) { v.statusScreen(p, statusOptions{all: o.all}) })
}

// clusters shows a line for each.
func (o *statusVerb) clusters(ctx context.Context, c *consul) error {
	names, err := c.Clusters(ctx)
	if err != nil {
		return fmt.Errorf("list clusters: %w", err)
	}
	document := clustersJSON{Schema: states.Schema, Clusters: []statusJSON{}}
	var rows [][]cell
	for _, name := range names {
		v, err := o.app.view(ctx, c, name)
		if err != nil {
			return err
		}
		document.Clusters = append(document.Clusters, newStatusJSON(v))
		rows = append(rows, v.line())
	}
	return o.app.print(document, func(p *page) {
		if len(rows) == 0 {
			p.say("no cluster in " + c.place.Datacenter + " yet; orch apply PATH makes one")
			return
		}
		p.table([]column{{title: "CLUSTER"}, {title: "STATE", most: 30}, {title: "STATUS"}, {title: "THERE", right: true},
			{title: "ALIVE", right: true}, {title: "GEN", right: true}, {title: "NOTE"}}, rows)
	})
}

// line is a cluster in the list of all.
func (v *view) line() []cell {
	status := text(v.status())
	switch v.status() {
	case states.Done:
		status = cell{states.Done, plain}
		if v.settled() {
			status = cell{"settled", green}
		}
	case states.Running:
		status.style = green
		switch {
		case v.awaiting():
			status = cell{"approval?", yellow}
		case v.barred("freeze") != "":
			status = cell{"frozen", yellow}
		case v.barred(states.AwaitWindow) != "" && !v.going():
			status = cell{"window?", yellow}
		}
	case states.Paused, states.Aborted:
		status.style = yellow
	default:
		status.style = red
	}
	there := v.count(func(n nodeView) bool { return known(n) && n.There })
	note := v.reason()
	if v.status() == states.Done {
		note = v.leaderLine()
		if n := len(v.drifted()); n > 0 {
			note = fmt.Sprintf("%d drifted: orch why %s", n, v.Cluster)
		}
		if v.record.Automatic() {
			note = "rolled back: " + v.record.Why
		}
	}
	return []cell{{v.Cluster, bold}, text(first(v.heading(), "-")), status, text(fmt.Sprintf("%d/%d", there, v.count(known))),
		text(strconv.Itoa(v.count(alive))), text(strconv.FormatUint(v.desire.Generation, 10)), text(note)}
}

// follow shows a move that somebody else leads, until it stands.
func (o *statusVerb) follow(ctx context.Context, c *consul, cluster string) error {
	v, err := o.app.existing(ctx, c, cluster)
	if err != nil {
		return err
	}
	how := showLines
	if o.app.screen.out && !o.app.json() {
		how = showScreen
	}
	watcher := o.app.watch(c, cluster, "", how, v.record.Journal)
	seen, err := o.wait(ctx, c, v.Snapshot, watcher)
	last := watcher.end()
	if err != nil {
		return err
	}
	if o.app.json() && last != nil {
		if err := o.app.printJSON(newStatusJSON(last)); err != nil {
			return err
		}
	}
	switch {
	case !seen.Desired.OK() || !seen.Record.OK():
		return endingf(exitError, "watch %s: %s", cluster, look(seen, c.place, o.app.now()).reason())
	case !continues(v.record.ID, seen.Record.Value):
		return endingf(exitUnfinished, "watch %s: replaced by another move, to %s, by %s", cluster, seen.Record.Value.Target, seen.Record.Value.By)
	}
	return stands("watch "+cluster, cluster, seen.Record.Value, seen.Record.Value.Automatic())
}

// continues tells whether a record is of the move that is watched, or of its way back.
func continues(id string, record states.Record) bool {
	return record.ID == id || record.Automatic() && record.Undoes == id
}

// wait looks at the cluster until the move that was seen first stands, or another took its place.
func (o *statusVerb) wait(ctx context.Context, c *consul, snapshot states.Snapshot, w *watcher) (states.Snapshot, error) {
	id := snapshot.Record.Value.ID
	news := make(chan struct{}, 1)
	following, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Follow(following, snapshot.Cluster, news) // without it, looking every few seconds has to do
	}()
	defer func() { stop(); <-ended }()
	for {
		w.look(snapshot)
		record := snapshot.Record
		if !record.OK() || !continues(id, record.Value) || record.Value.Status != states.Running ||
			record.Value.Awaiting != "" && w.shown != showScreen {
			return snapshot, nil
		}
		select {
		case <-ctx.Done():
			return snapshot, context.Cause(ctx)
		case <-news:
		case <-time.After(lookAgain):
		}
		next, err := c.Snapshot(ctx, snapshot.Cluster)
		if err != nil {
			if ctx.Err() != nil {
				return snapshot, context.Cause(ctx)
			}
			w.say("waiting for Consul: " + err.Error())
			continue
		}
		snapshot = next
	}
}

// lookAgain is how soon a watcher looks again without news.
const lookAgain = 3 * time.Second
