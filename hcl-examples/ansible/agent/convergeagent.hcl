# /etc/convergeagent/convergeagent.hcl of a node of hcl-examples/web that Ansible converges, owned by root.
# hcl-examples/ansible lies in /etc/ansible there.
cluster   = "web"
state_dir = "/var/lib/convergeagent"

converge "ansible" {
  playbook = "/etc/ansible/web.yml"
}
