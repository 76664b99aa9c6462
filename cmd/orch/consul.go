package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"orch/orchestrator"
	"orch/states"
)

// connection says which Consul, as whom, and where in its KV. What is empty is taken from
// Consul's own environment variables.
type connection struct {
	Address, TokenFile, Datacenter, CAFile, CAPath, ClientCert, ClientKey, ServerName string

	Prefix   string
	LeaseTTL time.Duration
	Log      hclog.Logger
}

// library is what verbs read and write, beside what the engine needs.
type library interface {
	orchestrator.Archive
	Clusters(ctx context.Context) ([]string, error)
	Journal(ctx context.Context, cluster string, after uint64) ([]states.Doc[states.Entry], error)
	Entries(ctx context.Context, cluster string, first, last uint64) ([]states.Doc[states.Entry], error)
	MakeID(ctx context.Context, fresh string) (string, error)
	Session(ctx context.Context, id string) (states.Session, error)
	Unlock(ctx context.Context, cluster, session string) error
	Withdraw(ctx context.Context, cluster, id string) (bool, error)
	ReadFreeze(ctx context.Context, cluster string) (states.Doc[states.Freeze], error)
	PutFreeze(ctx context.Context, cluster string, seen states.Doc[states.Freeze], freeze states.Freeze) error
	DropFreeze(ctx context.Context, cluster string, seen states.Doc[states.Freeze]) error
}

// consul is everything that a verb can do with Consul.
type consul struct {
	orchestrator.Store
	orchestrator.Leaser
	library
	Senses   orchestrator.Senses // of the world outside; nil: none
	close    func()              // ends what the senses still ask, and waits for it; nil: nothing to end
	place    place
	accessor string // of the token, where it can be read

	amongServers func(context.Context) (bool, error) // whether this is one of several Consul servers; nil: nobody can tell
}

// view reads a cluster.
func (a *app) view(ctx context.Context, c *consul, cluster string) (*view, error) {
	snapshot, err := c.Snapshot(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("read cluster %q: %w", cluster, err)
	}
	return look(snapshot, c.place, a.now()), nil
}

// existing reads a cluster of which there has to be something.
func (a *app) existing(ctx context.Context, c *consul, cluster string) (*view, error) {
	if !states.ValidCluster(cluster) {
		return nil, usagef("read cluster %q: a cluster's name is small letters, digits and hyphens", cluster)
	}
	v, err := a.view(ctx, c, cluster)
	if err != nil {
		return nil, err
	}
	if v.status() == "unknown" && len(v.nodes) == 0 {
		return nil, endingf(exitError, "read cluster %q: there is none of that name in %s; orch status lists all, orch apply makes one", cluster, c.place.Datacenter)
	}
	return v, nil
}

// movable reads a cluster that is to be asked for something. Where nobody could lead it, because of
// what lies in Consul, nobody would ever answer.
func (a *app) movable(ctx context.Context, c *consul, cluster string) (*view, error) {
	v, err := a.existing(ctx, c, cluster)
	if err != nil {
		return nil, err
	}
	for _, w := range v.waits {
		if w.Node != "" {
			continue
		}
		switch w.Kind {
		case "unborn", "wiped", "missing", "garbage", "planted", "torn", "overtaken":
			return nil, endingf(exitRefused, "lead %q: %s; %s", cluster, w.Reason, w.Remedy)
		}
	}
	return v, nil
}

// completeClusters offers the names of clusters, and the states of the one that was named.
func (a *app) completeClusters(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c, err := a.dial(ctx, a.connection)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	switch len(args) {
	case 0:
		words, _ = c.Clusters(ctx)
	case 1:
		words = a.completeSecond(ctx, c, cmd.Name(), args[0])
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeNodes offers the nodes of the cluster that was named, for a flag.
func (a *app) completeNodes(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c, err := a.dial(ctx, a.connection)
	if err != nil || len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeSecond(ctx, c, "why", args[0]), cobra.ShellCompDirectiveNoFileComp
}

// completeSecond offers the states of a cluster, or its nodes, whatever the verb takes.
func (a *app) completeSecond(ctx context.Context, c *consul, verb, cluster string) []string {
	snapshot, err := c.Snapshot(ctx, cluster)
	if err != nil {
		return nil
	}
	var words []string
	switch verb {
	case "plan", "transition":
		for _, s := range snapshot.Definition.Value.States {
			words = append(words, s.Name)
		}
	case "why", "forget", "hold", "unhold":
		for _, n := range snapshot.Nodes {
			words = append(words, n.Name)
		}
	}
	return words
}
