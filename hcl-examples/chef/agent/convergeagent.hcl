# /etc/convergeagent/convergeagent.hcl of a node of hcl-examples/web that Chef converges, owned by root.
# hcl-examples/chef lies in /etc/chef there, and client.rb says where its cookbooks are, or the server.
cluster   = "web"
state_dir = "/var/lib/convergeagent"

converge "chef" {
  config  = "/etc/chef/client.rb"
  runlist = ["recipe[web]"]
}
