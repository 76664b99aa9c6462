package main

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"orch/convergeagent"
	"orch/states/hclfile"
)

// brakeOptions say whose agent is meant.
type brakeOptions struct{ stateDir, config, reason string }

func newDisable() *cobra.Command {
	var o brakeOptions
	cmd := &cobra.Command{
		Use: "disable --state-dir DIR --reason WHY", Short: "keep this node's agent from starting runs, without Consul",
		Long: `Disable has the agent that works with a state directory start no run, whatever is
ordered, until convergeagent enable. It asks nobody, so it works while Consul is down,
and it outlives restarts. A run that goes on ends by itself; stop the agent to end it.
An agent that runs notices before its next run, and reports it within ten seconds; who
leads the cluster then leaves the node alone, as one that is held.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := o.dir()
			if err != nil {
				return err
			}
			if strings.TrimSpace(o.reason) == "" {
				return usagef("disable the agent: say why with --reason, for whoever wonders")
			}
			word, err := convergeagent.Disable(dir, whoever(), o.reason)
			if err != nil {
				return err
			}
			cmd.Printf("disabled %s; nothing is started until convergeagent enable --state-dir %s\n", word, dir)
			return nil
		},
	}
	o.bind(cmd)
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for whoever wonders")
	return cmd
}

func newEnable() *cobra.Command {
	var o brakeOptions
	cmd := &cobra.Command{
		Use: "enable --state-dir DIR", Short: "end what disable began",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := o.dir()
			if err != nil {
				return err
			}
			was, err := convergeagent.Enable(dir)
			switch {
			case err != nil:
				return err
			case !was:
				cmd.Println("nothing to do: nobody disabled it")
			default:
				cmd.Println("enabled; it goes on with what it is told")
			}
			return nil
		},
	}
	o.bind(cmd)
	return cmd
}

func (o *brakeOptions) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.stateDir, "state-dir", "", "the agent's state directory")
	cmd.Flags().StringVar(&o.config, "config", "", "the agent's configuration file, which names it")
}

// dir finds the state directory.
func (o *brakeOptions) dir() (string, error) {
	dir := o.stateDir
	if dir == "" && o.config != "" {
		file, mistakes := hclfile.LoadAgent(o.config)
		if len(mistakes) > 0 {
			return "", usageError{pageError{errors.New(strings.TrimSpace(mistakes.String()))}}
		}
		dir = file.StateDir
	}
	if dir == "" {
		return "", usagef("find the agent: name its --state-dir, or its --config")
	}
	return filepath.Abs(dir)
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("read argument %q: there are only flags here", args[0])
	}
	return nil
}

// whoever is who asks, as it is recorded; behind sudo, who called that.
func whoever() string {
	if who := os.Getenv("ORCH_OPERATOR"); who != "" {
		return who
	}
	name, host := os.Getenv("SUDO_USER"), "unknown"
	if name == "" {
		name = "unknown"
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}
