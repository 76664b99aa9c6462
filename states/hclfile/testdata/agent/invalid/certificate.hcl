cluster   = "web"
state_dir = "/var/lib/convergeagent"

consul { # ERROR: Certificate without its key
  client_cert = "/etc/convergeagent/agent.pem"
}

converge "exec" {
  command = ["/usr/local/sbin/converge"]
}
