cluster   = "web-eu"
state_dir = "/var/lib/convergeagent"
node      = "web-eu-01.example"
observe   = true
log_level = "debug"
lock_dir  = "/run/converge"
redact    = ["password=\\S+", "AKIA[0-9A-Z]{16}"]
meta      = { rack = "r3" }
every     = "30m"
splay     = "5m"

consul {
  address         = "127.0.0.1:8500"
  token_file      = "/etc/convergeagent/token"
  datacenter      = "dc1"
  ca_file         = "/etc/convergeagent/ca.pem"
  ca_path         = "/etc/convergeagent/ca.d"
  client_cert     = "/etc/convergeagent/agent.pem"
  client_key      = "/etc/convergeagent/agent.key"
  tls_server_name = "server.dc1.consul"
  prefix          = "team/orch"
  id              = "5e3a70c2"
}

service "web" { id = "web-eu-01" }

converge "exec" {
  command = ["/usr/local/sbin/converge", "--to", "${state}", "${argument}", "$${literal}"]
}

state "off" {
  converge "exec" {
    command = ["/usr/local/sbin/web-off"]
  }
  check {
    command = ["/usr/local/sbin/web-is-off", "${state}"]
  }
}

state "waiting" {
  converge "puppet" {
    binary      = "/opt/puppetlabs/bin/puppet"
    manifest    = "/etc/puppet/site.pp"
    environment = "live"
    modulepath  = ["/etc/puppet/modules", "/usr/share/puppet/modules"]
    vardir      = "/var/cache/puppet"
    args        = ["--debug"]
  }
}

state "laid" {
  converge "puppet" { agent = true }
}

state "converged" {
  converge "chef" {}
}

state "tuned" {
  converge "chef" {
    binary           = "/opt/cinc/bin/cinc-client"
    config           = "/etc/cinc/client.rb"
    runlist          = ["role[web]", "recipe[ntp]"]
    override_runlist = ["recipe[web::tune]"]
    args             = ["--local-mode"]
  }
}

state "version" {
  converge "ansible" { playbook = "/etc/ansible/web.yml" }
  check {
    command  = ["/usr/local/sbin/web-is", "${argument}"]
    every    = "1h"
    timeout  = "2m"
    splay    = "0s"
    on_drift = "repair"
  }
}

action "migrate" {
  command = ["/usr/local/sbin/migrate", "--to", "${argument}"]
  timeout = "1h"
}
action "backup" {
  command = ["/usr/local/sbin/backup"]
}

state "patched" {
  converge "ansible" {
    binary    = "/opt/ansible/bin/ansible-playbook"
    playbook  = "/etc/ansible/web.yml"
    inventory = "web-01,"
    tags      = ["patch", "web"]
    args      = ["-v"]
  }
}
