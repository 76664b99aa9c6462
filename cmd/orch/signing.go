package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"orch/orchestrator"
	"orch/states"
	"orch/states/hclfile"
)

// signing is what a verb was told that may sign what it asks for.
type signing struct {
	app        *app
	key        string
	valid      validity
	definition []string
	files      fileOptions
	mine       []string // flags that are of use with a key only
}

// flags adds the flags of every verb that may sign.
func (s *signing) flags(a *app, flags *pflag.FlagSet) {
	s.app, s.valid, s.mine = a, validity(states.DefaultValidity), []string{"valid"}
	flags.StringVar(&s.key, "sign-key", "", "sign it with the key in this `file`, for agents that obey signed states only (ORCH_SIGN_KEY)")
	flags.Var(&s.valid, "valid", "with --sign-key: how long nodes may still begin by it, late ones too")
}

// checks adds the flags of verbs that go by the definition that lies in Consul.
func (s *signing) checks(flags *pflag.FlagSet) {
	flags.StringArrayVar(&s.definition, "definition", nil, "with --sign-key: sign only if the definition in Consul is the one in this `path`; may be repeated")
	s.files.flags(flags)
	s.mine = append(s.mine, "definition", "var", "var-file")
}

// file names the key to sign with; empty: nothing is signed.
func (s *signing) file() string {
	if s.key == "" && s.app != nil {
		return s.app.env("ORCH_SIGN_KEY")
	}
	return s.key
}

// check finds flags that mean nothing without a key.
func (s *signing) check(cmd *cobra.Command) error {
	if s.file() != "" {
		return nil
	}
	for _, name := range s.mine {
		if cmd.Flag(name).Changed {
			return usagef("read --%s: it says how to sign, and there is no --sign-key and no ORCH_SIGN_KEY", name)
		}
	}
	return nil
}

// applied wants the definition in Consul to be the one in the files that were named: whoever may write
// into Consul could else have others sign what he put there.
func (s *signing) applied(v *view) error {
	if len(s.definition) == 0 {
		return nil
	}
	file, err := s.app.load(s.definition, s.files)
	if err != nil {
		return err
	}
	for _, cluster := range file.Clusters {
		if cluster.Name != v.Cluster {
			continue
		}
		if uncommented(hclfile.Render(cluster, origin(s.definition))) != uncommented(v.Source) {
			return endingf(exitRefused, "sign for %s: the definition in Consul is not the one in %s: orch apply puts that there, and orch show %s says who applied the other", v.Cluster, strings.Join(s.definition, " "), v.Cluster)
		}
		return nil
	}
	return usagef("find cluster %q in %v: there is none of that name", v.Cluster, s.definition)
}

// signed gives a request signed, if there is a key. What is to be signed is what the plan finds.
func (s *signing) signed(ctx context.Context, c *consul, v *view, request states.Request) (states.Request, error) {
	if s.file() == "" {
		return request, nil
	}
	if err := s.applied(v); err != nil {
		return request, err
	}
	unsigned := request
	unsigned.Unsigned = true
	preview := v.preview(unsigned)
	if preview.Refused != "" {
		return request, v.refusedMove(request, preview)
	}
	warrant, err := orchestrator.Draft(v.Snapshot, unsigned, preview, v.now)
	if err != nil {
		return request, endingf(exitRefused, "sign for %s: %w", v.Cluster, err)
	}
	request.Warrant, err = s.sign(ctx, c, warrant)
	return request, err
}

// validity is a duration that may be given in days.
type validity time.Duration

func (v validity) D() time.Duration { return time.Duration(v) }

// String writes whole days as such.
func (v *validity) String() string {
	if days := v.D() / (24 * time.Hour); days > 0 && days*24*time.Hour == v.D() {
		return strconv.Itoa(int(days)) + "d"
	}
	return states.Duration(*v).String()
}

// Set reads 30d, or what is written like any duration.
func (v *validity) Set(text string) error {
	long, err := time.ParseDuration(text)
	if number, inDays := strings.CutSuffix(text, "d"); inDays {
		var days uint16
		_, err = fmt.Sscanf(number+"\n", "%d\n", &days)
		long = time.Duration(days) * 24 * time.Hour
	}
	if err != nil || long < time.Minute || long > 10*365*24*time.Hour {
		return fmt.Errorf("it is between 1m and 3650d, as in 12h or 30d")
	}
	*v = validity(long)
	return nil
}

// Type names the kind of value in the help.
func (v *validity) Type() string { return "duration" }
