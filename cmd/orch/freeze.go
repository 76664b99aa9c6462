package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"orch/states"
)

// freezing is what `orch freeze` and `orch thaw` were told.
type freezing struct {
	app       *app
	cluster   string // "": everybody
	reason    string
	until     string
	overrides []string
}

func newFreeze(a *app) *cobra.Command {
	o := &freezing{app: a}
	cmd := &cobra.Command{
		Use:   "freeze [CLUSTER] --reason WHY",
		Short: "let nobody converge to a state that serves, of a cluster or of all",
		Long: `Freeze stops everything that would converge to a state that serves: moves,
whoever leads them, and agents by themselves, also those that come back late.
Without a cluster it stops everybody. A run that was begun ends, and a move to
a state with serving = false goes on. Agents notice within half a minute.

It lasts until orch thaw, or until a time. No move can override it. Somebody
else's freeze is only replaced with --override freeze.`,
		Example: `  orch freeze web --reason "the database is being restored"
  orch freeze --reason "incident 4711" --until 2h`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.named(args)
			return o.freeze(cmd)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.reason, "reason", "", "why, for the journal and for whoever finds it frozen; has to be there")
	flags.StringVar(&o.until, "until", "", "`when` it ends by itself: 2h, 06:00 (UTC, the next), \"2026-11-22 06:00\" (UTC) or RFC 3339")
	overrideFlag(flags, &o.overrides, []rule{ruleFreeze})
	return cmd
}

// ruleFreeze is no rule of moves: agents obey a freeze as well. What it replaces is another one.
var ruleFreeze = rule{kind: "freeze", bare: true}

func (o *freezing) named(args []string) {
	if len(args) > 0 {
		o.cluster = args[0]
	}
}

// whom says in words what is frozen.
func (o *freezing) whom() string {
	if o.cluster == "" {
		return "everybody"
	}
	return o.cluster
}

// verb spells another verb for the same cluster, or for everybody.
func (o *freezing) verb(name string) string {
	if o.cluster == "" {
		return "orch " + name
	}
	return "orch " + name + " " + o.cluster
}

func (o *freezing) freeze(cmd *cobra.Command) error {
	if o.reason == "" {
		return usagef("freeze %s: say why with --reason, for whoever finds it frozen", o.whom())
	}
	if err := checkOverrides(o.overrides, []rule{ruleFreeze}); err != nil {
		return err
	}
	until, err := parseUntil(o.until, o.app.now())
	if err != nil {
		return err
	}
	c, err := o.open(cmd)
	if err != nil {
		return err
	}
	freeze := o.word(until)
	err = o.change(cmd.Context(), c, func(seen states.Doc[states.Freeze]) error {
		if err := o.mayReplace(seen); err != nil {
			return err
		}
		return c.PutFreeze(cmd.Context(), o.cluster, seen, freeze)
	})
	if err != nil {
		return err
	}
	result := frozenJSON{Schema: states.Schema, Cluster: o.cluster, Result: "frozen", Reason: freeze.String()}
	result.Unnoted = o.note(cmd.Context(), c, states.Request{Kind: states.AskFreeze, Until: until})
	return o.tell(result, "%s is frozen %s; nobody begins to converge to a state that serves, agents follow within half a minute, and what was begun ends; end it: %s",
		o.whom(), freeze, o.verb("thaw"))
}

func (o *freezing) word(until time.Time) states.Freeze {
	word := states.Word{By: o.app.operator(), Why: o.reason, At: o.app.now().UTC(), Until: until}
	return states.Freeze{Summary: states.Clip("frozen "+word.String(), 300), Schema: states.Schema, Word: word}
}

// mayReplace refuses to write over what somebody else wants to stay frozen.
func (o *freezing) mayReplace(seen states.Doc[states.Freeze]) error {
	switch {
	case !seen.There(), len(o.overrides) > 0, seen.OK() && (seen.Value.Over(o.app.now()) || seen.Value.By == o.app.operator()):
		return nil
	case !seen.OK():
		return endingf(exitRefused, "freeze %s: refused: something lies there that cannot be read, and counts as a freeze: %s; --override freeze replaces it", o.whom(), seen.Problem)
	}
	return endingf(exitRefused, "freeze %s: refused: it is frozen %s; --override freeze replaces that, which is recorded", o.whom(), seen.Value)
}

// open connects, and checks that the cluster is there.
func (o *freezing) open(cmd *cobra.Command) (*consul, error) {
	c, err := o.app.connect(cmd)
	if err != nil || o.cluster == "" {
		return c, err
	}
	_, err = o.app.existing(cmd.Context(), c, o.cluster)
	return c, err
}

// change reads the freeze and writes it, again where somebody else was quicker.
func (o *freezing) change(ctx context.Context, c *consul, write func(states.Doc[states.Freeze]) error) error {
	for try := 0; ; try++ {
		seen, err := c.ReadFreeze(ctx, o.cluster)
		if err == nil {
			err = write(seen)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, states.ErrConflict) && try < 5:
		default:
			return err
		}
	}
}

// note has the journal of each cluster say so, by whoever leads it. The freeze holds without that,
// so it is not waited for long: it gives the clusters whose journal does not say it yet.
func (o *freezing) note(ctx context.Context, c *consul, asked states.Request) (unnoted []string) {
	clusters := []string{o.cluster}
	asked.Why, asked.Overrides = o.reason, o.overrides
	if o.cluster == "" {
		all, err := c.Clusters(ctx)
		if err != nil {
			o.app.warn("what happened is in no journal: %v", err)
			return nil
		}
		clusters, asked.Everybody = all, true
	}
	for _, cluster := range clusters {
		if err := o.app.note(ctx, c, cluster, asked); err != nil && ctx.Err() == nil {
			unnoted = append(unnoted, cluster)
			o.app.warn("the journal of %s does not say so yet: %v", cluster, err)
		}
	}
	return unnoted
}

// note has the journal of a cluster say what was done already, by whoever leads it.
func (a *app) note(ctx context.Context, c *consul, cluster string, done states.Request) error {
	ctx, cancel := context.WithTimeoutCause(ctx, max(a.patience, time.Second), errTimeout)
	defer cancel()
	v, err := a.movable(ctx, c, cluster)
	if err != nil {
		return err
	}
	request := a.request(c, v, done.Kind, done.Why)
	request.Until, request.Everybody, request.Overrides, request.Holder = done.Until, done.Everybody, done.Overrides, done.Holder
	_, _, err = a.driving(c, v, request).drive(ctx)
	return err
}

// frozenJSON is what became of a freeze or a thaw.
type frozenJSON struct {
	Schema  int      `json:"schema"`
	Cluster string   `json:"cluster,omitempty"` // empty: everybody
	Result  string   `json:"result"`            // frozen, thawed or nothing
	Reason  string   `json:"reason"`
	Unnoted []string `json:"unnoted,omitempty"` // clusters whose journal does not say so yet
}

func (o *freezing) tell(result frozenJSON, format string, args ...any) error {
	if o.app.json() {
		return o.app.printJSON(result)
	}
	o.app.say(format, args...)
	return nil
}

// warn says on the side what went wrong beside the matter.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintln(a.err, a.folded(a.screen.err, "orch: "+visible(fmt.Sprintf(format, args...))))
}
