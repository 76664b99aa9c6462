# /etc/orch/orch.hcl, on the machine from which clusters are led. Which program answers a gate is
# said here and nowhere else.

gate "replication-lag" {
  command = ["/usr/local/sbin/lag", "--max", "5"]
}

gate "smoke" {
  command = [
    "/usr/local/sbin/smoke",
    "", # an empty argument is one
    "$${literal}",
  ]
}
