# orch-agent-web-web-01_eu: the agent of node web-01.eu in cluster web.
# consul acl policy create -name orch-agent-web-web-01_eu -rules -

# tells whether this is the Consul that it knows
key "orch/id" { policy = "read" }

# whether everybody is frozen
key "orch/freeze" { policy = "read" }

# whether its cluster is frozen
key "orch/clusters/web/freeze" { policy = "read" }

# where its cluster is to be
key "orch/clusters/web/desired" { policy = "read" }

# its own order, and nobody else's
key "orch/clusters/web/orders/web-01.eu" { policy = "read" }

# its own status, and nobody else's
key "orch/clusters/web/status/web-01.eu" { policy = "write" }

# a session on its status says that it is alive
session "web-01.eu" { policy = "write" }

# the Consul agent's name is its default for --node
agent "web-01.eu" { policy = "read" }

# how the node is, for people, on Consul's page of services
service "orch-web" { policy = "write" }

# puts its instances into maintenance before a run, and takes them out
service "web" { policy = "write" }
