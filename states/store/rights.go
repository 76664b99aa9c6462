package store

import "slices"

// Access is what Consul lets somebody do with a resource. With enable_key_list_policy, what is read
// recursively has to be listed, and list comes with read.
type Access string

// The accesses, as Consul's policies spell them.
const (
	ReadAccess  Access = "read"
	ListAccess  Access = "list"
	WriteAccess Access = "write"
)

// Right is one rule of a policy, and why it is there.
type Right struct {
	Resource string // "key", "key_prefix", "session", "service" and so on, as Consul spells them
	Name     string
	Access   Access
	Why      string
}

// Scope says for whom rights are.
type Scope struct {
	Clusters []string // none: every cluster
	Node     string   // an agent's
	Consul   []string // names of the Consul agents that it talks to; none: any
	Services []string // an agent's: those that it drains; a leader's: those that gates and floors ask about
	Requires []string // clusters that the definition requires something of
	Locks    []string // keys that tell who the primary is
}

// AgentRights are those of one node's agent: exact keys, and no other node's.
func (k Keys) AgentRights(s Scope) []Right {
	c := s.Clusters[0]
	rights := []Right{
		{"key", k.ID(), ReadAccess, "tells whether this is the Consul that it knows"},
		{"key", k.Freeze(), ReadAccess, "whether everybody is frozen"},
		{"key", k.ClusterFreeze(c), ReadAccess, "whether its cluster is frozen"},
		{"key", k.Desired(c), ReadAccess, "where its cluster is to be"},
		{"key", k.Order(c, s.Node), ReadAccess, "its own order, and nobody else's"},
		{"key", k.Status(c, s.Node), WriteAccess, "its own status, and nobody else's"},
	}
	rights = append(rights, s.consul("session", WriteAccess, "a session on its status says that it is alive")...)
	rights = append(rights, s.consul("agent", ReadAccess, "the Consul agent's name is its default for --node")...)
	rights = append(rights, Right{"service", "orch-" + c, WriteAccess, "how the node is, for people, on Consul's page of services"})
	for _, service := range s.Services {
		rights = append(rights, Right{"service", service, WriteAccess, "puts its instances into maintenance before a run, and takes them out"})
	}
	return merged(rights)
}

// ViewerRights let somebody see everything and change nothing.
func (k Keys) ViewerRights(s Scope) []Right { return merged(append(k.sees(s), s.world()...)) }

// LeaderRights let somebody lead: everything of a cluster but its nodes' statuses, which only the
// nodes themselves can vouch for.
func (k Keys) LeaderRights(s Scope) []Right {
	rights := append(k.sees(s), k.leads(s)...)
	rights = append(rights, k.gates(s)...)
	rights = append(rights, s.consul("session", WriteAccess, "the lease, and a place in the queue, are held by a session")...)
	return merged(append(rights, s.world()...))
}

// OperatorRights are a leader's, since whoever asks for a move leads it where nobody else does, and
// the freeze. Over all clusters that is everybody's freeze, and the birth of the tree of keys, too.
func (k Keys) OperatorRights(s Scope) []Right {
	rights := k.LeaderRights(s)
	for _, c := range s.Clusters {
		rights = append(rights, Right{"key", k.ClusterFreeze(c), WriteAccess, "orch freeze " + c + ", and thaw"})
	}
	if len(s.Clusters) == 0 {
		rights = append(rights,
			Right{"key", k.ID(), WriteAccess, "the first orch apply makes it, once"},
			Right{"key", k.Freeze(), WriteAccess, "orch freeze and thaw, of everybody"})
	}
	return merged(rights)
}

// sees are the keys that a person, or a leader, looks at.
func (k Keys) sees(s Scope) []Right {
	rights := []Right{
		{"key", k.ID(), ReadAccess, "tells whether this is the right Consul"},
		{"key", k.Freeze(), ReadAccess, "whether everybody is frozen"},
	}
	if len(s.Clusters) == 0 {
		return append(rights, Right{"key_prefix", k.Clusters(), ListAccess, "all that there is about every cluster"})
	}
	rights = append(rights, Right{"key", k.Clusters(), ListAccess, "orch status lists the clusters; of those, only what follows is shown"})
	for _, c := range s.Clusters {
		rights = append(rights, Right{"key_prefix", k.Cluster(c), ListAccess, "all that there is about " + c})
	}
	for _, c := range s.Requires {
		rights = append(rights,
			Right{"key", k.Desired(c), ReadAccess, "a requirement asks where " + c + " is to be"},
			Right{"key", k.Record(c), ReadAccess, "and whether it is there"})
	}
	return rights
}

// leads are the keys that a leader writes. Consul has no rule for a part of every cluster: whoever
// leads all of them can write statuses as well.
func (k Keys) leads(s Scope) []Right {
	if len(s.Clusters) == 0 {
		return []Right{{"key_prefix", k.Clusters(), WriteAccess, "leads every cluster; this takes in their statuses, which it never writes: name the clusters to leave those out"}}
	}
	var rights []Right
	for _, c := range s.Clusters {
		rights = append(rights,
			Right{"key", k.Leader(c), WriteAccess, "the lease"},
			Right{"key", k.Definition(c), WriteAccess, "orch apply, under the lease"},
			Right{"key", k.Desired(c), WriteAccess, "where the cluster is to be"},
			Right{"key", k.Record(c), WriteAccess, "the move in progress"},
			Right{"key_prefix", k.Orders(c), WriteAccess, "what each node is told"},
			Right{"key_prefix", k.Requests(c), WriteAccess, "files what is asked for, and clears what is answered"},
			Right{"key_prefix", k.Journal(c), WriteAccess, "history, with every change"})
	}
	return rights
}

// gates is what the questions before and after a batch look at.
func (k Keys) gates(s Scope) []Right {
	rights := []Right{{"key_prefix", k.Gates(), ReadAccess, `gates that somebody else answers; whoever does needs key "` + k.Gate("NAME") + `" { policy = "write" }`}}
	for _, lock := range s.Locks {
		rights = append(rights, Right{"key", lock, ReadAccess, "who holds this lock is the primary"})
	}
	return rights
}

// world is what lies in Consul beside the keys: it explains, and gates and floors are told by it.
func (s Scope) world() []Right {
	rights := s.consul("agent", ReadAccess, "names the datacenter, and tells whether this Consul agent is a server")
	rights = append(rights,
		Right{"session_prefix", "", ReadAccess, "who holds the lease, or a lock, and whether that lives"},
		Right{"node_prefix", "", ReadAccess, "health of the nodes, for gates, floors and for whoever wonders about a session"})
	if len(s.Services) == 0 {
		return append(rights, Right{"service_prefix", "", ReadAccess, "health of services, for gates and floors; name them with --service to have no others here"})
	}
	for _, c := range s.Clusters {
		rights = append(rights, Right{"service", "orch-" + c, ReadAccess, "how the nodes of " + c + " are, on Consul's page of services"})
	}
	for _, service := range s.Services {
		rights = append(rights, Right{"service", service, ReadAccess, "health of this service, for gates and floors"})
	}
	return rights
}

// consul makes a right for each Consul agent that is named, or for all of them.
func (s Scope) consul(resource string, access Access, why string) []Right {
	if len(s.Consul) == 0 {
		return []Right{{resource + "_prefix", "", access, why + "; name the Consul agent with --consul-node to have no other here"}}
	}
	var rights []Right
	for _, name := range s.Consul {
		rights = append(rights, Right{resource, name, access, why})
	}
	return rights
}

// merged leaves one right for each thing, the largest, since Consul takes a thing once. The first
// place counts.
func merged(rights []Right) []Right {
	var result []Right
	for _, right := range rights {
		i := slices.IndexFunc(result, func(r Right) bool { return r.Resource == right.Resource && r.Name == right.Name })
		switch {
		case i < 0:
			result = append(result, right)
		case rank(right.Access) > rank(result[i].Access):
			result[i] = right
		}
	}
	return result
}

func rank(access Access) int {
	return slices.Index([]Access{ReadAccess, ListAccess, WriteAccess}, access)
}
