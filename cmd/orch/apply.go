package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
	"orch/states/hclfile"
)

// applyOptions are what `orch apply` was told.
type applyOptions struct {
	app     *app
	files   fileOptions
	initial string
	yes     bool
	reason  string
	signing signing
}

func newApply(a *app) *cobra.Command {
	o := &applyOptions{app: a}
	cmd := &cobra.Command{
		Use:   "apply PATH…",
		Short: "put definitions into Consul; a new cluster is born",
		Long: `Apply writes the definitions of the clusters in these files into Consul. A
cluster that is new is born at its initial state, or at the one that --initial
names for a cluster that already runs: nodes that are there converge to it, so
apply asks first. A move that is running keeps the policy it began with.`,
		Example: "  orch apply --var environment=prod shop.hcl\n  orch apply --initial \"version 41\" web.hcl",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	o.files.flags(cmd.Flags())
	cmd.Flags().StringVar(&o.initial, "initial", "", `where a cluster is born that already runs, as in "version 41"`)
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for the journal")
	o.signing.flags(a, cmd.Flags())
	return cmd
}

func (o *applyOptions) run(cmd *cobra.Command, paths []string) error {
	if err := o.signing.check(cmd); err != nil {
		return err
	}
	initial, err := o.born()
	if err != nil {
		return err
	}
	file, err := o.app.load(paths, o.files)
	if err != nil {
		return err
	}
	if initial != nil && len(file.Clusters) != 1 {
		return usagef("apply --initial %q: it is for one cluster, and these files have %d", o.initial, len(file.Clusters))
	}
	c, err := o.app.connect(cmd)
	if err != nil {
		return err
	}
	if !o.app.json() {
		o.app.say("%s  %s", c.place.Datacenter, c.place.Address)
	}
	var names []string
	for _, cluster := range file.Clusters {
		names = append(names, cluster.Name)
	}
	if _, err := c.identify(cmd.Context(), names...); err != nil {
		return err
	}
	document := applyJSON{Schema: states.Schema, Clusters: []appliedJSON{}}
	for _, cluster := range file.Clusters {
		one := applying{options: o, consul: c, initial: initial, cluster: cluster, header: origin(paths)}
		done, err := one.run(cmd.Context())
		if err != nil {
			return err
		}
		document.Clusters = append(document.Clusters, done)
		if !o.app.json() {
			o.app.say("%s: %s%s", cluster.Name, done.Reason, one.next(done))
		}
	}
	if o.app.json() {
		return o.app.printJSON(document)
	}
	return nil
}

func (o *applyOptions) born() (*states.Ref, error) {
	if o.initial == "" {
		return nil, nil
	}
	ref, err := states.ParseRef(o.initial)
	if err != nil {
		return nil, &ending{exitUsage, err}
	}
	return &ref, nil
}

// applyJSON is what became of each cluster.
type applyJSON struct {
	Schema   int           `json:"schema"`
	Clusters []appliedJSON `json:"clusters"`
}

type appliedJSON struct {
	Cluster    string `json:"cluster"`
	Result     string `json:"result"` // born, applied or unchanged
	State      string `json:"state"`
	Generation uint64 `json:"generation"`
	Reason     string `json:"reason"`
}

const unchanged = "unchanged"

// applying is one cluster on its way into Consul.
type applying struct {
	options *applyOptions
	consul  *consul
	initial *states.Ref
	cluster states.Cluster
	header  string
}

// run asks what has to be asked, and then applies under the lease, deciding anew when something
// changed meanwhile.
func (g applying) run(ctx context.Context) (appliedJSON, error) {
	app := g.options.app
	v, err := app.view(ctx, g.consul, g.cluster.Name)
	if err != nil {
		return appliedJSON{}, err
	}
	application, err := g.signed(ctx, v, g.application(v))
	if err != nil {
		return appliedJSON{}, err
	}
	change, err := orchestrator.Apply(v.Snapshot, application, orchestrator.Leading{Who: application.By, Epoch: v.desire.Epoch + 1}, app.now())
	switch {
	case errors.Is(err, orchestrator.ErrUnchanged):
		return appliedJSON{g.cluster.Name, unchanged, spelled(v.desire.State), v.desire.Generation, unchanged}, nil
	case err != nil:
		return appliedJSON{}, &ending{exitRefused, err}
	}
	if err := g.confirm(ctx, v, change); err != nil {
		return appliedJSON{}, err
	}
	lease, err := app.lease(ctx, g.consul, g.cluster.Name, fmt.Sprintf("apply cluster %q", g.cluster.Name), application.By, application.ID)
	if err != nil {
		return appliedJSON{}, err
	}
	done, err := g.commit(ctx, lease, application)
	engine := orchestrator.Engine{Store: g.consul, Archive: g.consul, Log: app.log(), Clock: app.now}
	engine.Compact(ctx, lease) // who applies often, and never moves, fills a journal too
	if released := lease.Release(context.WithoutCancel(ctx)); released != nil && err == nil {
		app.warn("let go of the lease of %s: %v; it ends by itself", g.cluster.Name, released)
	}
	return done, err
}

// application is what is to be applied. The text that lies in Consul stays where only its comment
// would change.
func (g applying) application(v *view) orchestrator.Application {
	text := hclfile.Render(g.cluster, g.header)
	if uncommented(text) == uncommented(v.Source) {
		text = v.Source
	}
	app := g.options.app
	return orchestrator.Application{Definition: g.cluster, Text: text, Initial: g.initial,
		ID: requestID(app.now()), By: app.operator(), Accessor: g.consul.accessor, Why: g.options.reason}
}

// signed signs a birth, if there is a key; a definition that is replaced moves nobody.
func (g applying) signed(ctx context.Context, v *view, application orchestrator.Application) (orchestrator.Application, error) {
	signing := &g.options.signing
	if signing.file() == "" || v.Desired.There() || v.Record.There() {
		return application, nil
	}
	warrant, err := orchestrator.DraftBirth(v.Snapshot, application, v.now)
	if err != nil {
		return application, fmt.Errorf("apply cluster %q: %w", g.cluster.Name, err)
	}
	application.Warrant, err = signing.sign(ctx, g.consul, warrant)
	return application, err
}

// uncommented drops the comment above a definition.
func uncommented(text string) string {
	for strings.HasPrefix(text, "#") || strings.HasPrefix(text, "\n") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// confirm asks before live agents are told to converge.
func (g applying) confirm(ctx context.Context, v *view, change states.Change) error {
	who := orchestrator.Affected(v.Snapshot)
	if change.Entry.Event != states.EventBorn || who == "" || g.options.yes || !change.Desired.Open {
		return nil
	}
	what := fmt.Sprintf("%s is new, and converges to %s at once: %s", g.cluster.Name, change.Desired.State, who)
	return g.options.app.typed(ctx, what, g.cluster.Name)
}

// commit decides and writes, again where something changed in between.
func (g applying) commit(ctx context.Context, lease *states.Lease, application orchestrator.Application) (appliedJSON, error) {
	for range 5 {
		snapshot, err := g.consul.Snapshot(ctx, g.cluster.Name)
		if err != nil {
			return appliedJSON{}, fmt.Errorf("apply cluster %q: %w", g.cluster.Name, err)
		}
		change, err := orchestrator.Apply(snapshot, application, orchestrator.Leading{Who: lease.Who, Epoch: lease.Epoch}, g.options.app.now())
		if errors.Is(err, orchestrator.ErrUnchanged) { // the outcome of the last try was unknown, and it was written
			return g.applied(snapshot.Desired.Value, states.EventApplied, "applied"), nil
		}
		if err != nil {
			return appliedJSON{}, &ending{exitRefused, err}
		}
		err = g.consul.Commit(ctx, lease, snapshot, change)
		switch {
		case err == nil:
			desired := snapshot.Desired.Value
			if change.Desired != nil {
				desired = *change.Desired
			}
			return g.applied(desired, change.Entry.Event, change.Entry.Reason), nil
		case !errors.Is(err, states.ErrConflict) && !errors.Is(err, states.ErrUnknownOutcome):
			return appliedJSON{}, fmt.Errorf("apply cluster %q: %w", g.cluster.Name, err)
		}
	}
	return appliedJSON{}, fmt.Errorf("apply cluster %q: %w, again and again; try later", g.cluster.Name, states.ErrConflict)
}

func (g applying) applied(desired states.Desired, event, reason string) appliedJSON {
	return appliedJSON{g.cluster.Name, event, spelled(desired.State), desired.Generation, reason}
}

// next says what to type now.
func (g applying) next(done appliedJSON) string {
	if done.Result != states.EventBorn {
		return ""
	}
	text := fmt.Sprintf(", generation %d: every agent converges to it, also one that starts later\n", done.Generation)
	state, _ := states.ParseRef(done.State)
	if def, _ := g.cluster.State(state.Name); def.Serving {
		return fmt.Sprintf(" (generation %d)\n  next: orch status %s | orch resume %s", done.Generation, g.cluster.Name, g.cluster.Name)
	}
	text += "  next: orch status " + g.cluster.Name
	for _, name := range g.cluster.Legal(state.Name) {
		if name != state.Name {
			return text + " | orch plan " + g.cluster.Name + " " + name + " | orch transition " + g.cluster.Name + " " + name
		}
	}
	return text
}
