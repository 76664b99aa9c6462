# /etc/convergeagent/convergeagent.hcl of a node of hcl-examples/web that Puppet converges, owned by root.
# hcl-examples/puppet lies in /etc/puppet/code there.
cluster   = "web"
state_dir = "/var/lib/convergeagent"

converge "puppet" {
  manifest   = "/etc/puppet/code/site.pp" # or, where a server compiles: agent = true
  modulepath = ["/etc/puppet/code/modules"]
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
