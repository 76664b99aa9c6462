package main

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orch/states"
	"orch/states/store"
)

// aclOptions say whom a policy is for.
type aclOptions struct {
	app   *app
	scope store.Scope
}

// role is what somebody may be.
type role struct {
	name, what string
	rights     func(store.Keys, store.Scope) []store.Right
}

var roles = []role{
	{"agent", "the agent of node %s in cluster %s", store.Keys.AgentRights},
	{"operator", "who asks for moves of %s, leads them where nobody else does, and freezes", store.Keys.OperatorRights},
	{"leader", "who leads %s, and freezes nothing", store.Keys.LeaderRights},
	{"viewer", "who looks at %s and changes nothing", store.Keys.ViewerRights},
}

func newACL(a *app) *cobra.Command {
	o := aclOptions{app: a}
	cmd := &cobra.Command{
		Use:   "acl agent|operator|leader|viewer",
		Short: "print the Consul policy that a role needs",
		Long: `ACL prints a policy with all the rights that a role needs, and no more, each
with its reason. It asks nobody: Consul takes it from whoever may write
policies.

  agent     one node's agent: reads what it is told, writes its own status
  operator  asks for moves, and leads them where nobody else does; freezes
  leader    leads, and freezes nothing: for a machine that moves clusters
  viewer    looks, and changes nothing: the Consul UI refuses to save or delete

An operator is a leader too, because orch transition leads where nobody else
does. Nobody but a node's own agent gets to write what that node says of
itself, unless a policy is for every cluster: Consul cannot leave a part of
each cluster out. The first orch apply in a datacenter needs the operator of
every cluster: it makes the id by which everybody tells one Consul from
another.`,
		Example: `  orch acl agent --cluster web --node web-01 --service web |
    consul acl policy create -name orch-agent-web-web-01 -rules -
  orch acl operator --cluster web --consul-node bastion --service web
  orch acl viewer`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"agent", "operator", "leader", "viewer"},
		RunE:      func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.scope.Clusters, "cluster", nil, "the cluster; can be repeated, and without it every cluster is meant")
	flags.StringVar(&o.scope.Node, "node", "", "the agent's node")
	flags.StringArrayVar(&o.scope.Consul, "consul-node", nil, "node whose Consul agent is talked to; can be repeated (default: an agent's --node, else any)")
	flags.StringArrayVar(&o.scope.Services, "service", nil, "service that is drained, or that gates and floors ask about; can be repeated")
	flags.StringArrayVar(&o.scope.Requires, "requires", nil, "cluster that the definition requires something of; can be repeated")
	flags.StringArrayVar(&o.scope.Locks, "lock", nil, "key of a lock whose holder is the primary; can be repeated")
	return cmd
}

// aclJSON is a policy as Consul's API takes it: PUT /v1/acl/policy.
type aclJSON struct {
	Schema      int    `json:"schema"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Rules       string `json:"rules"`
}

func (o *aclOptions) run(name string) error {
	i := slices.IndexFunc(roles, func(r role) bool { return r.name == name })
	if i < 0 {
		return usagef("find role %q: it is agent, operator, leader or viewer", name)
	}
	if err := o.check(name); err != nil {
		return err
	}
	keys, err := store.NewKeys(o.app.connection.Prefix)
	if err != nil {
		return &ending{exitUsage, err}
	}
	if name == "agent" && len(o.scope.Consul) == 0 {
		o.scope.Consul = []string{o.scope.Node}
	}
	policy := aclJSON{states.Schema, o.name(name), "orch: " + o.describe(roles[i]), ""}
	policy.Rules = rules(policy, roles[i].rights(keys, o.scope))
	if o.app.json() {
		return o.app.printJSON(policy)
	}
	_, err = fmt.Fprint(o.app.out, policy.Rules)
	return err
}

// check finds what cannot be, or would be left out silently.
func (o *aclOptions) check(role string) error {
	s := o.scope
	switch {
	case role == "agent" && (len(s.Clusters) != 1 || s.Node == ""):
		return usagef("write the policy of an agent: it is of one node in one cluster; give --cluster and --node")
	case role != "agent" && s.Node != "":
		return usagef("read --node: it is an agent's; --consul-node names the Consul agent that this %s talks to", role)
	case role == "agent" && len(s.Requires)+len(s.Locks) > 0, role == "viewer" && len(s.Locks) > 0:
		return usagef("read --requires and --lock: they are for whoever leads, and this is for the %s", role)
	case s.Node != "" && !states.ValidNode(s.Node):
		return usagef("read --node %q: a node's name is letters, digits and . _ -", s.Node)
	}
	for _, name := range slices.Concat(s.Clusters, s.Requires) {
		if !states.ValidCluster(name) {
			return usagef("read cluster %q: a cluster's name is small letters, digits and hyphens", name)
		}
	}
	for _, name := range slices.Concat(s.Consul, s.Services, s.Locks) {
		if name == "" || strings.ContainsFunc(name, unquotable) {
			return usagef("read name %q: there is nothing of that name in Consul", name)
		}
	}
	return nil
}

// unquotable tells whether a character could end a text in a policy, or begin something else there.
func unquotable(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\$%*{}`, r) }

// name is a policy's name: letters, digits, - and _, and 128 of them at most. What is cut off tells by
// its digest.
func (o *aclOptions) name(role string) string {
	parts := append([]string{"orch", role}, o.scope.Clusters...)
	if o.scope.Node != "" {
		parts = append(parts, o.scope.Node)
	}
	name := strings.ReplaceAll(strings.Join(parts, "-"), ".", "_")
	if len(name) > 128 {
		name = fmt.Sprintf("%s-%x", name[:115], sha256.Sum256([]byte(name)))[:128]
	}
	return name
}

// describe says whom a policy is for.
func (o *aclOptions) describe(r role) string {
	what := "every cluster"
	if len(o.scope.Clusters) > 0 {
		what = strings.Join(o.scope.Clusters, ", ")
	}
	if r.name == "agent" {
		return fmt.Sprintf(r.what, o.scope.Node, what)
	}
	return fmt.Sprintf(r.what, what)
}

// rules writes rights in Consul's language.
func rules(policy aclJSON, rights []store.Right) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s.\n", policy.Name, strings.TrimPrefix(policy.Description, "orch: "))
	fmt.Fprintf(&b, "# consul acl policy create -name %s -rules -\n", policy.Name)
	for _, right := range rights {
		fmt.Fprintf(&b, "\n# %s\n%s %q { policy = %q }\n", right.Why, right.Resource, right.Name, right.Access)
	}
	return b.String()
}
