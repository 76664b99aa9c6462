# orch-leader-web-db: who leads web, db, and freezes nothing.
# consul acl policy create -name orch-leader-web-db -rules -

# tells whether this is the right Consul
key "orch/id" { policy = "read" }

# whether everybody is frozen
key "orch/freeze" { policy = "read" }

# orch status lists the clusters; of those, only what follows is shown
key "orch/clusters/" { policy = "list" }

# all that there is about web
key_prefix "orch/clusters/web/" { policy = "list" }

# all that there is about db
key_prefix "orch/clusters/db/" { policy = "list" }

# the lease
key "orch/clusters/web/leader" { policy = "write" }

# orch apply, under the lease
key "orch/clusters/web/definition" { policy = "write" }

# where the cluster is to be
key "orch/clusters/web/desired" { policy = "write" }

# the move in progress
key "orch/clusters/web/transition" { policy = "write" }

# what each node is told
key_prefix "orch/clusters/web/orders/" { policy = "write" }

# files what is asked for, and clears what is answered
key_prefix "orch/clusters/web/requests/" { policy = "write" }

# history, with every change
key_prefix "orch/clusters/web/journal/" { policy = "write" }

# the lease
key "orch/clusters/db/leader" { policy = "write" }

# orch apply, under the lease
key "orch/clusters/db/definition" { policy = "write" }

# where the cluster is to be
key "orch/clusters/db/desired" { policy = "write" }

# the move in progress
key "orch/clusters/db/transition" { policy = "write" }

# what each node is told
key_prefix "orch/clusters/db/orders/" { policy = "write" }

# files what is asked for, and clears what is answered
key_prefix "orch/clusters/db/requests/" { policy = "write" }

# history, with every change
key_prefix "orch/clusters/db/journal/" { policy = "write" }

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
