package main

import (
	"time"

	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
)

// moveOptions are what every verb that moves nodes is told.
type moveOptions struct {
	app       *app
	reason    string
	overrides []string
	rules     []rule // that may be overridden
	yes       bool
	timeout   time.Duration
	detach    bool
	signing   signing
}

// flags adds the flags that all of these verbs have.
func (o *moveOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.reason, "reason", "", "why, for the journal and for whoever looks")
	flags.DurationVar(&o.timeout, "timeout", 0, "wait so long at most; the move is not aborted (exit code 3)")
	flags.BoolVar(&o.detach, "detach", false, detachFlag)
	if o.rules != nil {
		overrideFlag(flags, &o.overrides, o.rules)
	}
}

// signs adds the flags of verbs that start a move, which may be signed.
func (o *moveOptions) signs(cmd *cobra.Command) { o.signing.flags(o.app, cmd.Flags()) }

// asks adds the flag of verbs that ask before a cluster stops serving.
func (o *moveOptions) asks(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
}

// begin checks the flags, and reads the cluster.
func (o *moveOptions) begin(cmd *cobra.Command, cluster string) (*consul, *view, error) {
	if err := checkOverrides(o.overrides, o.rules); err != nil {
		return nil, nil, err
	}
	if err := o.signing.check(cmd); err != nil {
		return nil, nil, err
	}
	if o.timeout < 0 {
		return nil, nil, usagef("read --timeout %s: it is longer than 0, or left out", o.timeout)
	}
	c, err := o.app.connect(cmd)
	if err != nil {
		return nil, nil, err
	}
	v, err := o.app.movable(cmd.Context(), c, cluster)
	return c, v, err
}

// request makes a request with what every one of these verbs was told.
func (o *moveOptions) request(c *consul, v *view, kind string) states.Request {
	request := o.app.request(c, v, kind, o.reason)
	request.Overrides = o.overrides
	return request
}

// driving makes a request ready to be driven.
func (o *moveOptions) driving(c *consul, v *view, request states.Request) driving {
	d := o.app.driving(c, v, request)
	d.timeout, d.detach = o.timeout, o.detach
	return d
}

// planned shows what a request would do, asks where it stops what serves, and does it.
func (o *moveOptions) planned(cmd *cobra.Command, c *consul, v *view, request states.Request, step bool) error {
	v.consider(cmd.Context(), c, request)
	request, err := o.signing.signed(cmd.Context(), c, v, request)
	if err != nil {
		return err
	}
	preview := v.preview(request)
	if preview.Refused != "" {
		return v.refusedMove(request, preview)
	}
	if !o.app.json() {
		p := o.app.page()
		var foretold orchestrator.Foretold
		if !preview.Nothing && v.queued(request) == "" {
			foretold = v.foretell(request, preview)
		}
		v.planScreen(p, preview, request, foretold)
		v.queueScreen(p, request)
		warrantScreen(p, request)
		p.blank()
		if err := p.writeTo(o.app.out); err != nil {
			return err
		}
	}
	d := o.driving(c, v, request)
	d.step = step
	if preview.Nothing && v.queued(request) == "" && (request.Warrant == nil || request.Kind != states.AskTransition) {
		return d.nothing(v)
	}
	if !preview.Nothing { // what is only signed anew moves nobody
		if err := o.confirm(cmd, v, preview); err != nil {
			return err
		}
	}
	return d.run(cmd.Context())
}
