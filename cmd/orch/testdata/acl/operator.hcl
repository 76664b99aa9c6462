# orch-operator-web: who asks for moves of web, leads them where nobody else does, and freezes.
# consul acl policy create -name orch-operator-web -rules -

# tells whether this is the right Consul
key "orch/id" { policy = "read" }

# whether everybody is frozen
key "orch/freeze" { policy = "read" }

# orch status lists the clusters; of those, only what follows is shown
key "orch/clusters/" { policy = "list" }

# all that there is about web
key_prefix "orch/clusters/web/" { policy = "list" }

# a requirement asks where db is to be
key "orch/clusters/db/desired" { policy = "read" }

# and whether it is there
key "orch/clusters/db/transition" { policy = "read" }

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

# gates that somebody else answers; whoever does needs key "orch/gates/NAME" { policy = "write" }
key_prefix "orch/gates/" { policy = "read" }

# who holds this lock is the primary
key "service/web/primary" { policy = "read" }

# the lease, and a place in the queue, are held by a session
session "bastion" { policy = "write" }

# names the datacenter, and tells whether this Consul agent is a server
agent "bastion" { policy = "read" }

# who holds the lease, or a lock, and whether that lives
session_prefix "" { policy = "read" }

# health of the nodes, for gates, floors and for whoever wonders about a session
node_prefix "" { policy = "read" }

# how the nodes of web are, on Consul's page of services
service "orch-web" { policy = "read" }

# health of this service, for gates and floors
service "web" { policy = "read" }

# orch freeze web, and thaw
key "orch/clusters/web/freeze" { policy = "write" }
