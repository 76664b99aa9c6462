# /etc/convergeagent/convergeagent.hcl of a node of hcl-examples/web that Puppet converges, owned by root.
# hcl-examples/puppet lies in /etc/puppet/code there.
cluster   = "web"
state_dir = "/var/lib/convergeagent"

converge "puppet" {
  manifest   = "/etc/puppet/code/site.pp" # or, where a server compiles: agent = true
  modulepath = ["/etc/puppet/code/modules"]
}
