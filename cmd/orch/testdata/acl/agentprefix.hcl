# orch-agent-web-web-01: the agent of node web-01 in cluster web.
# consul acl policy create -name orch-agent-web-web-01 -rules -

# tells whether this is the Consul that it knows
key "teams/red/id" { policy = "read" }

# whether everybody is frozen
key "teams/red/freeze" { policy = "read" }

# whether its cluster is frozen
key "teams/red/clusters/web/freeze" { policy = "read" }

# where its cluster is to be
key "teams/red/clusters/web/desired" { policy = "read" }

# its own order, and nobody else's
key "teams/red/clusters/web/orders/web-01" { policy = "read" }

# its own status, and nobody else's
key "teams/red/clusters/web/status/web-01" { policy = "write" }

# a session on its status says that it is alive
session "here" { policy = "write" }

# the Consul agent's name is its default for --node
agent "here" { policy = "read" }

# how the node is, for people, on Consul's page of services
service "orch-web" { policy = "write" }
