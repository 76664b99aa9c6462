# /etc/convergeagent/convergeagent.hcl of a node of hcl-examples/web that Chef converges, owned by root.
# hcl-examples/chef lies in /etc/chef there, and client.rb says where its cookbooks are, or the server.
cluster   = "web"
state_dir = "/var/lib/convergeagent"

converge "chef" {
  config  = "/etc/chef/client.rb"
  runlist = ["recipe[web]"]
}

# Whether web still runs is looked at every few minutes, and told where it does not. It mends nothing by
# itself: orch reconverge web --drifted gives each node that drifted its turn.
state "version" {
  check {
    command = ["/usr/bin/systemctl", "is-active", "web"]
  }
}

# Who is to be off serves nobody: it stops again what somebody started by hand.
state "off" {
  check {
    command  = ["/bin/sh", "-c", "! /usr/bin/systemctl is-active web"]
    every    = "1m"
    on_drift = "repair"
  }
}
