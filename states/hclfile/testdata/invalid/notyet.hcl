template "tier" {
  initial = "off"
  state "off" {}
  state "on" {}
  transition "on" { from = ["off"] }
}

cluster "a" { template = "tier" }
cluster "b" { template = "tier" }

window "nights" {
  schedule = "0 22 * * *"
  duration = "6h"
}

runbook "all" { # ERROR: Not acted on yet
  step "ask" { approve = "?" }
}
