package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"orch/convergeagent"
	"orch/convergeagent/runner"
	"orch/states"
	"orch/states/consulkv"
	"orch/states/hclfile"
)

// options are what the agent was told, by flags and by its file.
type options struct {
	Config     string // path of the file
	Cluster    string
	Node       string
	StateDir   string
	Prefix     string
	LogLevel   string
	LockDir    string
	Redact     []*regexp.Regexp
	Observe    bool
	Meta       map[string]string
	Services   map[string]string // id of this node's instance, by service
	ConsulID   string            // of the Consul that is to be followed; empty: of the one that was followed first
	Trust      states.Trust      // the keys that sign what it may do; none: it obeys whoever may write into Consul
	SessionTTL time.Duration
	Consul     consulkv.Config
	Command    func(states.State) ([]string, bool)
	Driver     func(states.State) convergeagent.Driver // nil, or nil for a state: Command says what to run
	Checks     func(states.State) (convergeagent.Check, []string, bool)
	Period     convergeagent.Period
	Actions    []string // that the file names
}

// starter runs an agent until the context ends.
type starter func(ctx context.Context, o options) error

const rootHelp = `Convergeagent keeps this node at the state that its cluster is to be at. It
follows what lies in Consul's KV, and runs the command that you give it, or
the one in its configuration file; nothing that lies in Consul can name a
command.

Everything after --exec is the command and its arguments. An argument that is
exactly ${state} or ${argument} is replaced; the environment has ORCH_STATE,
ORCH_ARGUMENT, ORCH_FROM, ORCH_CLUSTER, ORCH_NODE, ORCH_RUN, ORCH_GENERATION,
and ORCH_ATTRIBUTES, the path of a JSON file.

Where a transition drains a service, every instance of that name on the local
Consul agent is put into maintenance before the run; service "NAME" { id =
"ID" } in the configuration file names the one that is this node's. A run that
succeeds takes out what was put in for it, and nothing else.

In the file, check in a state says by which command this node is looked at
once it is there, and every how often it converges again by itself: what a
check finds is shown, and is repaired by the node or in its turn where
on_drift = "repair" says so.

A run goes on without the agent: SIGTERM, as a service manager sends it, ends
the agent alone, and the next one takes the run over. Ctrl-C ends the run
first, and again at once. Nothing that a run starts outlives it: services are
started through init. The agents of a host run one at a time (--lock-dir).

`

// newRoot makes the command line; command is what followed --exec.
func newRoot(command []string, start starter) *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "convergeagent --cluster C --state-dir DIR --exec CMD [ARGS...]",
		Short: "keep this node at its cluster's state",
		Long:  rootHelp + exitHelp,
		Example: `  convergeagent --cluster web --state-dir /var/lib/convergeagent \
    --exec /usr/local/sbin/converge '${state}' '${argument}'
  convergeagent --config /etc/convergeagent/convergeagent.hcl`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("read argument %q: there are only flags here, and the command goes last, behind --exec", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd.Flags(), command); err != nil {
				return err
			}
			return start(cmd.Context(), o)
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usagef("%w; see %s --help", err, cmd.CommandPath()) })
	wrapFlags(root)
	o.bind(root.Flags())
	root.AddCommand(newDisable(), newEnable(), newRunner(), newVersion(), newMan())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// wrapFlags breaks what is said of flags between words. It is not done by a template: a program with one of its own
// keeps every method of every type, and each node would have two megabytes more in memory.
func wrapFlags(root *cobra.Command) {
	var usage func(*cobra.Command) error
	usage = func(cmd *cobra.Command) error {
		root.SetUsageFunc(nil) // as cobra has it
		defer root.SetUsageFunc(usage)
		text := cmd.UsageString()
		for _, flags := range []*pflag.FlagSet{cmd.LocalFlags(), cmd.InheritedFlags()} {
			text = strings.Replace(text, strings.TrimSpace(flags.FlagUsages()), strings.TrimSpace(flags.FlagUsagesWrapped(80)), 1)
		}
		_, err := fmt.Fprint(cmd.OutOrStderr(), text)
		return err
	}
	root.SetUsageFunc(usage)
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version, and the schema it speaks",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("read argument %q: version takes none", args[0])
			}
			return nil
		},
		Run: func(cmd *cobra.Command, _ []string) {
			cmd.Printf("convergeagent %s, %s, %s/%s, schema %d\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, states.Schema)
		},
	}
}

func (o *options) bind(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.StringVar(&o.Config, "config", "", "the agent's configuration file; flags win over it")
	flags.StringVar(&o.Cluster, "cluster", "", "the cluster that this node is of")
	flags.StringVar(&o.Node, "node", "", "this node's name (default: the local Consul agent's)")
	flags.StringVar(&o.StateDir, "state-dir", "", "folder for what the agent must not forget, and for logs")
	flags.StringVar(&o.LockDir, "lock-dir", "", "folder in which the agents of this host meet (default: /run/convergeagent; without root, the user's own)")
	flags.String("exec", "", "the command that converges, and all that follows it: its arguments")
	flags.BoolVar(&o.Observe, "observe", false, "report what would run, and run nothing")
	flags.StringToStringVar(&o.Meta, "meta", nil, "facts about this node, as in rack=r3; can be repeated")
	flags.StringVar(&o.Consul.Address, "http-addr", "", "Consul's HTTP API (default: CONSUL_HTTP_ADDR, or 127.0.0.1:8500)")
	flags.StringVar(&o.Consul.TokenFile, "token-file", "", "file with the ACL token (default: CONSUL_HTTP_TOKEN_FILE, or CONSUL_HTTP_TOKEN)")
	flags.StringVar(&o.Consul.Datacenter, "datacenter", "", "Consul's datacenter (default: the local agent's)")
	flags.StringVar(&o.Consul.CAFile, "ca-file", "", "certificate authority for Consul (default: CONSUL_CACERT)")
	flags.StringVar(&o.Consul.CAPath, "ca-path", "", "folder of certificate authorities (default: CONSUL_CAPATH)")
	flags.StringVar(&o.Consul.ClientCert, "client-cert", "", "certificate to show to Consul (default: CONSUL_CLIENT_CERT)")
	flags.StringVar(&o.Consul.ClientKey, "client-key", "", "its key (default: CONSUL_CLIENT_KEY)")
	flags.StringVar(&o.Consul.ServerName, "tls-server-name", "", "name in Consul's certificate (default: CONSUL_TLS_SERVER_NAME)")
	flags.StringVar(&o.Prefix, "prefix", "", "where everything lies in Consul's KV (default: ORCH_PREFIX, or orch)")
	flags.StringVar(&o.ConsulID, "consul-id", "", "id of the Consul that is meant (default: that of the one that this node followed first)")
	flags.DurationVar(&o.SessionTTL, "session-ttl", 30*time.Second, "how long the agent may be silent before it counts as gone")
	flags.StringVar(&o.LogLevel, "log-level", "info", "trace, debug, info, warn or error")
}

// complete fills in what the file and the environment say, and checks everything.
func (o *options) complete(flags *pflag.FlagSet, command []string) error {
	if o.Config != "" {
		if command != nil {
			return usagef("read --exec: with --config, the file says what to run")
		}
		if err := o.load(flags); err != nil {
			return err
		}
	} else if err := o.exec(command); err != nil {
		return err
	}
	o.Prefix = cmp.Or(o.Prefix, os.Getenv("ORCH_PREFIX"), "orch")
	return o.check()
}

func (o *options) check() error {
	switch {
	case o.Cluster == "":
		return usagef("read --cluster: name the cluster that this node is of")
	case !states.ValidCluster(o.Cluster):
		return usagef("read --cluster %q: a cluster's name is small letters, digits and hyphens", o.Cluster)
	case o.Node != "" && !states.ValidNode(o.Node):
		return usagef("read --node %q: a node's name is letters, digits and . _ -", o.Node)
	case o.ConsulID != "" && !states.ValidID(o.ConsulID):
		return usagef("read --consul-id %q: it is what orch apply made, small letters, digits and hyphens", o.ConsulID)
	case o.StateDir == "":
		return usagef("read --state-dir: name a folder that outlives a reboot")
	case o.SessionTTL < time.Second || o.SessionTTL > 24*time.Hour:
		return usagef("read --session-ttl %s: Consul takes 10s to 24h, and less only where its session_ttl_min says so", o.SessionTTL)
	case !slices.Contains([]string{"trace", "debug", "info", "warn", "error"}, o.LogLevel):
		return usagef("read --log-level %q: it is trace, debug, info, warn or error", o.LogLevel)
	}
	dir, err := filepath.Abs(o.StateDir)
	if err != nil {
		return err
	}
	o.StateDir = dir
	if o.LockDir == "" {
		o.LockDir = runner.DefaultLockDir()
	}
	o.LockDir, err = filepath.Abs(o.LockDir)
	return err
}

// load reads the file; a flag that was given wins.
func (o *options) load(flags *pflag.FlagSet) error {
	if err := convergeagent.OnlyOurs(o.Config); err != nil {
		return usageError{err}
	}
	file, mistakes := hclfile.LoadAgent(o.Config)
	if len(mistakes) > 0 {
		return usageError{pageError{errors.New(strings.TrimSpace(mistakes.String()))}}
	}
	for name, value := range map[string]struct{ field, told *string }{
		"cluster": {&o.Cluster, &file.Cluster}, "node": {&o.Node, &file.Node}, "state-dir": {&o.StateDir, &file.StateDir},
		"lock-dir": {&o.LockDir, &file.LockDir}, "log-level": {&o.LogLevel, &file.LogLevel}, "http-addr": {&o.Consul.Address, &file.Consul.Address},
		"token-file": {&o.Consul.TokenFile, &file.Consul.TokenFile}, "datacenter": {&o.Consul.Datacenter, &file.Consul.Datacenter},
		"ca-file": {&o.Consul.CAFile, &file.Consul.CAFile}, "ca-path": {&o.Consul.CAPath, &file.Consul.CAPath},
		"client-cert": {&o.Consul.ClientCert, &file.Consul.ClientCert}, "client-key": {&o.Consul.ClientKey, &file.Consul.ClientKey},
		"tls-server-name": {&o.Consul.ServerName, &file.Consul.ServerName}, "prefix": {&o.Prefix, &file.Consul.Prefix},
		"consul-id": {&o.ConsulID, &file.Consul.ID},
	} {
		if !flags.Changed(name) && *value.told != "" {
			*value.field = *value.told
		}
	}
	if !flags.Changed("meta") {
		o.Meta = file.Meta
	}
	o.Observe, o.Services = o.Observe || file.Observe, file.Services
	o.Trust = file.Trust
	o.Command, o.Redact = commandsOf(file), file.Redact
	o.Driver = driversOf(file)
	o.Checks = checksOf(file)
	o.Period = convergeagent.Period{Every: file.Every.D(), Splay: file.Splay.D()}
	o.Actions = slices.Sorted(maps.Keys(file.Actions))
	return nil
}

// splitExec takes the command off the arguments: everything behind --exec.
func splitExec(args []string) (flags, command []string) {
	for i, arg := range args {
		if arg == "--exec" {
			return args[:i], args[i+1:]
		}
		if first, found := strings.CutPrefix(arg, "--exec="); found {
			return args[:i], append([]string{first}, args[i+1:]...)
		}
	}
	return args, nil
}

// checkDashes names a long flag that was spelled with one dash.
func checkDashes(root *cobra.Command, args []string) error {
	for i, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "--") || len(name) < 2 {
			continue
		}
		if i > 0 && strings.HasPrefix(args[i-1], "--") {
			if flag := root.Flags().Lookup(args[i-1][2:]); flag != nil && flag.NoOptDefVal == "" {
				continue // its value
			}
		}
		return usagef("read flag %q: long flags have two dashes, as in --%s; see convergeagent --help", arg, name)
	}
	return nil
}
