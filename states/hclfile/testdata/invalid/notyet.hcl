policy {
  min_healthy       = "75%" # ERROR: Not acted on yet
  batch_failures    = 1 # ERROR: Not acted on yet
  progress_deadline = "45m" # ERROR: Not acted on yet
  soak              = "30s" # ERROR: Not acted on yet
  node_order        = "random" # ERROR: Not acted on yet
  seed              = 4 # ERROR: Not acted on yet
  group_by          = "rack" # ERROR: Not acted on yet
  approve           = "before_start" # ERROR: Not acted on yet
  on_failure        = "rollback" # ERROR: Not acted on yet
}

template "tier" {
  initial = "off"
  state "off" {}
  state "on" {}
  transition "on" { from = ["off"] }
}

cluster "a" { template = "tier" }
cluster "b" { template = "tier" }

cluster "web" {
  template = "tier"
  transition "on" {
    from = ["off"]
    soak = "31s" # ERROR: Not acted on yet
    requires "b" { states = ["on"] } # ERROR: Not acted on yet
    gate "command" "x" {} # ERROR: Not acted on yet
    drain "x" {} # ERROR: Not acted on yet
    primary { lock = "x" } # ERROR: Not acted on yet
    rollback {} # ERROR: Not acted on yet
  }
}

window "nights" { # ERROR: Not acted on yet
  schedule = "0 22 * * *"
  duration = "6h"
}

runbook "all" { # ERROR: Not acted on yet
  step "ask" { approve = "?" }
}
