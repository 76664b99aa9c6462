cluster   = "web-eu"
state_dir = "/var/lib/convergeagent"
node      = "web-eu-01.example"
observe   = true
log_level = "debug"
meta      = { rack = "r3" }

consul {
  address    = "127.0.0.1:8500"
  token_file = "/etc/convergeagent/token"
  datacenter = "dc1"
  ca_file    = "/etc/convergeagent/ca.pem"
}

service "web" { id = "web-eu-01" }

converge "exec" {
  command = ["/usr/local/sbin/converge", "--to", "${state}", "${argument}", "$${literal}"]
}

state "off" {
  converge "exec" {
    command = ["/usr/local/sbin/web-off"]
  }
}
