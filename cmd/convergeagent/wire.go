package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"orch/convergeagent"
	"orch/states"
	"orch/states/consulkv"
	"orch/states/hclfile"
	"orch/states/store"
)

var (
	_ convergeagent.Inbox    = (*store.Agent)(nil)
	_ convergeagent.Presence = (*store.Agent)(nil)
	_ convergeagent.Board    = (*consulkv.Service)(nil)
	_ convergeagent.Drainer  = (*consulkv.Maintenance)(nil)
)

// exec takes the command of the command line. Its program is found now, whatever the folder or the
// PATH is later.
func (o *options) exec(command []string) error {
	if len(command) == 0 || command[0] == "" {
		return usagef("read --exec: say what converges this node, as in --exec /usr/local/sbin/converge '${state}', or give a --config")
	}
	program, err := exec.LookPath(command[0])
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return fmt.Errorf("find the program to run: %w", err)
	}
	command = append([]string{program}, command[1:]...)
	o.Command = func(state states.State) ([]string, bool) { return convergeagent.Fill(command, state), true }
	return nil
}

// commandsOf gives the commands of a file, of the states that are converged by one.
func commandsOf(file hclfile.AgentConfig) func(states.State) ([]string, bool) {
	return func(state states.State) ([]string, bool) {
		converge, _ := file.ConvergeFor(state.Name)
		if converge.Exec == nil {
			return nil, false
		}
		return converge.Exec.Fill(state.Name, state.Argument), true
	}
}

// driversOf gives the drivers of a file, of the states that are converged by a tool.
func driversOf(file hclfile.AgentConfig) func(states.State) convergeagent.Driver {
	return func(state states.State) convergeagent.Driver {
		converge, _ := file.ConvergeFor(state.Name)
		switch {
		case converge.Puppet != nil:
			return convergeagent.Puppet(*converge.Puppet)
		case converge.Chef != nil:
			return convergeagent.Chef(*converge.Chef)
		case converge.Ansible != nil:
			return convergeagent.Ansible(*converge.Ansible)
		}
		return nil
	}
}

// checksOf gives how a file has states looked at.
func checksOf(file hclfile.AgentConfig) func(states.State) (convergeagent.Check, []string, bool) {
	return func(state states.State) (convergeagent.Check, []string, bool) {
		check, checked := file.Checks[state.Name]
		return convergeagent.Check{Every: check.Every.D(), Splay: check.Splay.D(), Timeout: check.Timeout.D(), Repair: check.Repair},
			check.Fill(state.Name, state.Argument), checked
	}
}

// checker looks at the states that the file says something of; without a file nobody looks.
func (o *options) checker() convergeagent.Checker {
	if o.Checks == nil {
		return nil
	}
	return &convergeagent.Checks{How: o.Checks, Dir: filepath.Join(o.StateDir, "runs")}
}

// start puts an agent together and runs it.
func (b *brake) start(ctx context.Context, o options) error {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // else it dies when whoever reads its log does
	log := hclog.New(&hclog.LoggerOptions{Name: "convergeagent", Level: hclog.LevelFromString(o.LogLevel), Output: os.Stderr})
	client, err := consulkv.Open(o.Consul)
	if err != nil {
		return err
	}
	keys, err := store.NewKeys(o.Prefix)
	if err != nil {
		return usageError{err}
	}
	if o.Node == "" {
		if o.Node, err = nodeName(ctx, client, log); err != nil || o.Node == "" {
			return err
		}
	}
	inbox := store.NewAgent(client, keys, o.Cluster, o.Node)
	inbox.TTL = o.SessionTTL
	action := &convergeagent.Exec{Command: o.command, Driver: o.Driver, Dir: filepath.Join(o.StateDir, "runs"), LockDir: o.LockDir}
	b.hold(action)
	agent := convergeagent.New(convergeagent.Config{
		Cluster: o.Cluster, Node: o.Node, StateDir: o.StateDir, TTL: o.SessionTTL, Observe: o.Observe, Meta: o.Meta, Services: o.Services,
		Inbox: inbox, Presence: inbox, Log: log, Checker: o.checker(), Period: o.Period, Trust: o.Trust, Tree: o.ConsulID,
		Drainer: &consulkv.Maintenance{Client: client},
		Board:   &consulkv.Service{Client: client, Cluster: o.Cluster, Node: o.Node, TTL: o.SessionTTL},
		Action:  action, Hide: hider(client.Secrets, o.Redact),
	})
	if len(o.Actions) > 0 {
		log.Info("actions are for runbooks, and nothing runs those yet", "actions", o.Actions)
	}
	log.Info("starting", "version", version, "consul", client.Address(), "state_dir", o.StateDir, "observe", o.Observe)
	warnOfServer(ctx, client, log)
	return agent.Run(ctx)
}

// warnOfServer says where the node's life hangs on one of Consul's servers. A Consul that hangs is not
// waited for: there may be a run to adopt.
func warnOfServer(ctx context.Context, client *consulkv.Client, log hclog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if among, err := client.AmongServers(ctx); err == nil && among {
		log.Warn("this is one of Consul's servers: if it loses the others, this node counts as gone; a client agent is better", "consul", client.Address())
	}
}

func (o *options) command(state states.State) ([]string, error) {
	command, ok := o.Command(state)
	if !ok {
		return nil, fmt.Errorf("%s says nothing about what to run for state %q", o.Config, state.Name)
	}
	return command, nil
}

// nodeName asks the local Consul agent for its name, for as long as that does not answer: both
// start when the machine does. It is empty where the agent was told to stop before it heard one.
func nodeName(ctx context.Context, client *consulkv.Client, log hclog.Logger) (string, error) {
	for {
		name, err := client.NodeName(ctx)
		switch {
		case err == nil && !states.ValidNode(name):
			return "", usagef("take the node's name from the Consul agent: it calls itself %q, which cannot be one; give --node", name)
		case err == nil:
			return name, nil
		case !errors.Is(err, states.ErrUnavailable):
			return "", fmt.Errorf("take the node's name from the Consul agent: %w; give --node", err)
		}
		log.Warn("waits for the Consul agent, to take its name", "error", err)
		select {
		case <-ctx.Done():
			return "", nil
		case <-time.After(2 * time.Second):
		}
	}
}
