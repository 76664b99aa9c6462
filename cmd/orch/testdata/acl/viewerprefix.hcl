# orch-viewer: who looks at every cluster and changes nothing.
# consul acl policy create -name orch-viewer -rules -

# tells whether this is the right Consul
key "teams/red/id" { policy = "read" }

# whether everybody is frozen
key "teams/red/freeze" { policy = "read" }

# all that there is about every cluster
key_prefix "teams/red/clusters/" { policy = "list" }

# names the datacenter, and tells whether this Consul agent is a server; name the Consul agent with --consul-node to have no other here
agent_prefix "" { policy = "read" }

# who holds the lease, or a lock, and whether that lives
session_prefix "" { policy = "read" }

# health of the nodes, for gates, floors and for whoever wonders about a session
node_prefix "" { policy = "read" }

# health of services, for gates and floors; name them with --service to have no others here
service_prefix "" { policy = "read" }
