package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"orch/states"
)

func newUnlock(a *app) *cobra.Command {
	o := &unlocking{app: a}
	cmd := &cobra.Command{
		Use:   "unlock CLUSTER",
		Short: "end the lease of a leader that is gone",
		Long: `Unlock shows who holds the lease of a cluster, whether that session lives, and
what is under way, and asks for the cluster's name. Then it ends the session.
Whoever held it fails at its next write, so that two never lead at once; runs
that go on end by themselves. The journal says who ended it. The lease of a
leader that died ends without this within twice its --lease-ttl. One that
lives takes it again: orch pause stops what it does.`,
		Example:           "  orch unlock web\n  orch unlock web --yes --reason \"the bastion is gone\"",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd)
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), c, args[0])
		},
	}
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for the journal")
	return cmd
}

// unlocking is what `orch unlock` was told.
type unlocking struct {
	app    *app
	yes    bool
	reason string
}

// unlockJSON is what was found, and done.
type unlockJSON struct {
	Schema   int       `json:"schema"`
	Cluster  string    `json:"cluster"`
	Result   string    `json:"result"` // free or ended
	Who      string    `json:"who,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Session  string    `json:"session,omitempty"`
	Node     string    `json:"node,omitempty"`
	Health   string    `json:"health,omitempty"`
	UnderWay string    `json:"under_way,omitempty"`
	Unnoted  bool      `json:"unnoted,omitempty"` // the journal does not say so yet
}

func (o *unlocking) run(ctx context.Context, c *consul, cluster string) error {
	a := o.app
	v, err := a.existing(ctx, c, cluster)
	if err != nil {
		return err
	}
	if !v.Led {
		return a.print(unlockJSON{Schema: states.Schema, Cluster: cluster, Result: "free"}, func(p *page) {
			p.wrap(span{}, "nothing to do: nobody holds the lease of "+cluster+". "+v.leaderLine())
		})
	}
	session, trouble := c.Session(ctx, v.Session)
	if !a.json() {
		p := a.page()
		v.unlockScreen(p, session, trouble)
		if err := p.writeTo(a.out); err != nil {
			return err
		}
	}
	leader := v.Leader.Value
	if !o.yes {
		if err := a.typed(ctx, "This ends the session of "+first(leader.Who, "somebody"), cluster); err != nil {
			return err
		}
	}
	err = c.Unlock(ctx, cluster, v.Session)
	var held *states.HeldError
	switch {
	case errors.As(err, &held):
		return endingf(exitRefused, "unlock %s: the lease changed hands meanwhile, and nothing was done: %w", cluster, err)
	case err != nil:
		return fmt.Errorf("unlock %s: %w", cluster, err)
	}
	unnoted := a.note(ctx, c, cluster, states.Request{Kind: states.AskUnlock, Why: o.reason, Holder: first(leader.Who, "somebody")})
	if unnoted != nil {
		a.warn("the journal of %s does not say so: %v", cluster, unnoted)
	}
	if a.json() {
		return a.printJSON(unlockJSON{states.Schema, cluster, "ended", leader.Who, leader.Since, v.Session, session.Node, session.Health, v.underWay(), unnoted != nil})
	}
	a.say("ended: nobody holds the lease of %s, unless its leader lives and takes it again; go on: orch resume %s, look: orch status %s", cluster, cluster, cluster)
	return nil
}

// unlockScreen shows who holds the lease, and what happens if it is ended.
func (v *view) unlockScreen(p *page, session states.Session, trouble error) {
	leader := v.Leader.Value
	p.add(span{v.Cluster, bold}, text("   "+v.place.Datacenter+"   "+v.place.Address))
	p.blank()
	reason := ""
	if leader.For != "" {
		reason = ", for request " + leader.For
	}
	p.wrap(text("held by    "), fmt.Sprintf("%s since %s (%s ago), epoch %d%s", first(leader.Who, "somebody"), clock(leader.Since, v.now), ago(v.now.Sub(leader.Since)), leader.Epoch, reason))
	p.wrap(text("session    "), v.Session+": "+liveness(session, trouble))
	if session.Node != "" {
		p.wrap(text("through    "), "Consul's node "+session.Node+": "+first(session.Health, "how it is cannot be read")+"; the session does not depend on it")
	}
	p.wrap(text("under way  "), v.underWay())
	p.blank()
	p.wrap(text("If it ends: "), "whoever holds it fails at its next write, and nobody else is let go until somebody leads: orch resume "+v.Cluster+
		". Runs that go on end by themselves. A leader that lives takes the lease again; orch pause "+v.Cluster+" stops what it does.")
	p.blank()
}

// liveness says whether a session lives.
func liveness(session states.Session, trouble error) string {
	switch {
	case trouble != nil:
		return "whether it lives cannot be read: " + trouble.Error()
	case !session.Lives:
		return "it has ended"
	case session.TTL > 0:
		return fmt.Sprintf("it lives; if nobody renews it, it ends by itself within %s", 2*session.TTL.D())
	}
	return "it lives"
}

// underWay says what a leader would go on with.
func (v *view) underWay() string {
	switch {
	case !v.usable():
		return "nobody can tell: " + v.reason()
	case v.record.Status == states.Done:
		return "nothing: " + v.Cluster + " is at " + v.desire.State.String()
	case v.record.Status == states.Running:
		return v.heading() + ": " + v.position()
	}
	return v.heading() + ", " + v.record.Status + ": " + v.record.Reason
}
