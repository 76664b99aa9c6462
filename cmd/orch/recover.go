package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
	"orch/states/hclfile"
)

// ruleWell is that a cluster which can be led is not recovered.
var ruleWell = rule{kind: orchestrator.OverrideHealthy, bare: true}

// recoverOptions are what `orch recover` was told.
type recoverOptions struct {
	app        *app
	files      fileOptions
	definition []string
	overrides  []string
	reason     string
	yes        bool
	signing    signing
}

func newRecover(a *app) *cobra.Command {
	o := &recoverOptions{app: a}
	cmd := &cobra.Command{
		Use:   "recover CLUSTER [STATE [ARGUMENT]]",
		Short: "go on after a restored snapshot, or lost keys",
		Long: `Recover shows what the agents of a cluster accepted last, and what lies in
Consul. With a state it writes that as the desired one, beyond everything that
was ever seen: no agent goes backwards, and none refuses for ever. Nobody is
let go by it: orch resume does that, batch by batch. Requests that wait are
dropped. Name the state where the nodes are, or where you want them.

It also leads out where somebody planted a number that nobody counted to,
which it passes over, or edited one of two documents that belong together.

Where the definition is gone too, give it with --definition. It can be done
again, should a node come back that has seen still more.`,
		Example: `  orch recover web
  orch recover web version 42 --reason "snapshot of 02:00 restored"
  orch recover web version 42 --definition shop.hcl --var environment=prod`,
		Args:              cobra.RangeArgs(1, 3),
		ValidArgsFunction: a.completeClusters,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0], args[1:]) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.definition, "definition", nil, "`path` of the definition, where that is gone; may be repeated")
	o.files.flags(flags)
	overrideFlag(flags, &o.overrides, []rule{ruleWell})
	flags.StringVar(&o.reason, "reason", "", "why, for the journal and for whoever looks")
	flags.BoolVar(&o.yes, "yes", false, "do not ask")
	o.signing.flags(a, flags)
	return cmd
}

func (o *recoverOptions) run(cmd *cobra.Command, cluster string, words []string) error {
	if err := checkOverrides(o.overrides, []rule{ruleWell}); err != nil {
		return err
	}
	if err := o.signing.check(cmd); err != nil {
		return err
	}
	ctx := cmd.Context()
	c, err := o.app.connect(cmd)
	if err != nil {
		return err
	}
	v, err := o.app.existing(ctx, c, cluster)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return o.app.print(newRecoverJSON(v, nil), func(p *page) { v.recoverScreen(p) })
	}
	wanted, err := o.wanted(c, v, words)
	if err != nil {
		return err
	}
	r := recovering{options: o, consul: c, view: v, wanted: wanted}
	if err := r.sign(ctx); err != nil {
		return err
	}
	return r.run(ctx)
}

// wanted reads what is to be written.
func (o *recoverOptions) wanted(c *consul, v *view, words []string) (orchestrator.Recovery, error) {
	wanted := orchestrator.Recovery{ID: requestID(o.app.now()), By: o.app.operator(), Accessor: c.accessor, Why: o.reason, Healthy: len(o.overrides) > 0}
	var err error
	if wanted.Target, err = target(words); err != nil || len(o.definition) == 0 {
		return wanted, err
	}
	file, err := o.app.load(o.definition, o.files)
	if err != nil {
		return wanted, err
	}
	for _, cluster := range file.Clusters {
		if cluster.Name == v.Cluster {
			wanted.Definition, wanted.Text = &cluster, hclfile.Render(cluster, origin(o.definition))
			return wanted, nil
		}
	}
	return wanted, usagef("find cluster %q in %v: there is none of that name", v.Cluster, o.definition)
}

// recovering is a recovery on its way.
type recovering struct {
	options *recoverOptions
	consul  *consul
	view    *view
	wanted  orchestrator.Recovery
}

// run shows what would be written, asks, and writes it.
func (r recovering) run(ctx context.Context) error {
	app, v := r.options.app, r.view
	change, err := r.decide(ctx, v.Snapshot, orchestrator.Leading{Who: r.wanted.By})
	if err != nil {
		return err
	}
	if !app.json() {
		p := app.page()
		v.recoverScreen(p)
		p.wrap(text("It writes: "), fmt.Sprintf("%s at generation %d, and an epoch beyond every other; nobody is let go; %s", change.Desired.State,
			change.Desired.Generation, states.Count(len(change.Dropped), "request")+" dropped"))
		if err := p.writeTo(app.out); err != nil {
			return err
		}
	}
	if !r.options.yes {
		if err := app.typed(ctx, "What lies in Consul about "+v.Cluster+" is replaced", v.Cluster); err != nil {
			return err
		}
	}
	id, err := r.consul.identify(ctx, v.Cluster)
	if err != nil {
		return err
	}
	written, err := r.write(ctx)
	if err != nil {
		return err
	}
	return r.finish(written, id)
}

// sign signs the recovery, if there is a key.
func (r *recovering) sign(ctx context.Context) error {
	signing := &r.options.signing
	if signing.file() == "" {
		return nil
	}
	entries, err := r.consul.Journal(ctx, r.view.Cluster, 0)
	if err != nil {
		return fmt.Errorf("recover %q: %w", r.view.Cluster, err)
	}
	wanted := r.wanted
	wanted.Last = orchestrator.Newest(entries, r.options.app.now())
	warrant, err := orchestrator.DraftRecovery(r.view.Snapshot, wanted, r.options.app.now())
	if err != nil {
		return endingf(exitRefused, "recover %q: %w", r.view.Cluster, err)
	}
	r.wanted.Warrant, err = signing.sign(ctx, r.consul, warrant)
	return err
}

// decide asks the planner, with the newest of the journal.
func (r recovering) decide(ctx context.Context, snapshot states.Snapshot, leading orchestrator.Leading) (states.Change, error) {
	entries, err := r.consul.Journal(ctx, snapshot.Cluster, 0)
	if err != nil {
		return states.Change{}, fmt.Errorf("recover %q: %w", snapshot.Cluster, err)
	}
	r.wanted.Last = orchestrator.Newest(entries, r.options.app.now())
	change, err := orchestrator.Recover(snapshot, r.wanted, leading, r.options.app.now())
	if err != nil {
		return change, &ending{exitRefused, err}
	}
	return change, nil
}

// write writes it under the lease, deciding anew where something changed in between.
func (r recovering) write(ctx context.Context) (states.Change, error) {
	app, cluster := r.options.app, r.view.Cluster
	lease, err := app.lease(ctx, r.consul, cluster, "recover "+cluster, r.wanted.By, r.wanted.ID)
	if err != nil {
		return states.Change{}, err
	}
	defer func() {
		if err := lease.Release(context.WithoutCancel(ctx)); err != nil {
			app.warn("let go of the lease of %s: %v; it ends by itself", cluster, err)
		}
	}()
	for range 5 {
		snapshot, err := r.consul.Snapshot(ctx, cluster)
		if err != nil {
			return states.Change{}, fmt.Errorf("recover %q: %w", cluster, err)
		}
		change, err := r.decide(ctx, snapshot, orchestrator.Leading{Who: lease.Who, Epoch: lease.Epoch})
		if err != nil {
			return change, err
		}
		err = r.consul.Commit(ctx, lease, snapshot, change)
		if err == nil || !errors.Is(err, states.ErrConflict) {
			return change, err
		}
	}
	return states.Change{}, fmt.Errorf("recover %q: %w, again and again; try later", cluster, states.ErrConflict)
}

// finish says what was written, and what to type now.
func (r recovering) finish(change states.Change, id string) error {
	app, v := r.options.app, r.view
	if app.json() {
		return app.printJSON(newRecoverJSON(v, change.Desired))
	}
	app.say("recovered: %s is to be at %s, epoch %d, generation %d, and nobody is let go; go on: orch resume %s, look: orch status %s",
		v.Cluster, change.Desired.State, change.Desired.Epoch, change.Desired.Generation, v.Cluster, v.Cluster)
	if strangers := v.strangers(id); len(strangers) > 0 {
		app.say("the agents of %s follow a Consul of another id, and nothing in this one: say consul { id = %q } in their files, and restart them",
			few(strangers, 8), id)
	}
	return nil
}

// strangers are the live nodes whose agents know a Consul of another id.
func (v *view) strangers(id string) []string {
	var names []string
	for _, n := range v.Nodes {
		if n.Alive && n.Status.Value.Tree != "" && n.Status.Value.Tree != id {
			names = append(names, n.Name)
		}
	}
	return names
}
