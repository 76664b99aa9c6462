# orch-operator: who asks for moves of every cluster, leads them where nobody else does, and freezes.
# consul acl policy create -name orch-operator -rules -

# the first orch apply makes it, once
key "orch/id" { policy = "write" }

# orch freeze and thaw, of everybody
key "orch/freeze" { policy = "write" }

# leads every cluster; this takes in their statuses, which it never writes: name the clusters to leave those out
key_prefix "orch/clusters/" { policy = "write" }

# gates that somebody else answers; whoever does needs key "orch/gates/NAME" { policy = "write" }
key_prefix "orch/gates/" { policy = "read" }

# the lease, and a place in the queue, are held by a session; name the Consul agent with --consul-node to have no other here
session_prefix "" { policy = "write" }

# names the datacenter, and tells whether this Consul agent is a server; name the Consul agent with --consul-node to have no other here
agent_prefix "" { policy = "read" }

# health of the nodes, for gates, floors and for whoever wonders about a session
node_prefix "" { policy = "read" }

# health of services, for gates and floors; name them with --service to have no others here
service_prefix "" { policy = "read" }
