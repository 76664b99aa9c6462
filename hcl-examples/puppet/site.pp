# What every node of the cluster in hcl-examples/web is. The state comes from orch, as the fact orch.
node default {
  include web
}
