variable "x" { default = "1" }
variable "x" { default = "2" } # ERROR: Duplicate variable

policy { retries = 1 }
policy { retries = 2 } # ERROR: Duplicate policy

template "t" {}
template "t" {} # ERROR: Duplicate template

cluster "web" {
  initial = "on"
  state "off" {
    argument {}
    argument {} # ERROR: Duplicate argument
    attributes = {
      a = "1"
      a = "2" # ERROR: Duplicate attribute
    }
  }
  state "on" {}
  state "on" {} # ERROR: Duplicate state
  state "unborn" {}

  transition "on" {
    from = ["off", "unborn", "off"] # ERROR: State named twice
    requires "db" { states = ["off"] }
    requires "db" { states = ["off"] } # ERROR: Duplicate requirement
    gate "command" "lag" {}
    gate "command" "lag" {} # ERROR: Duplicate gate
    drain "web" {}
    drain "web" {} # ERROR: Duplicate drain
    primary { lock = "a" }
    primary { lock = "a" } # ERROR: Duplicate primary
    rollback {}
    rollback {} # ERROR: Duplicate rollback
  }
  transition "off" { from = ["*"] }
  transition "off" { from = ["*"] } # ERROR: Two transitions for one move
}

cluster "db" {
  initial = "off"
  state "off" {}
}
cluster "db" {} # ERROR: Duplicate cluster
runbook "db" {} # ERROR: Duplicate runbook

window "nights" {
  schedule = "0 22 * * *"
  duration = "6h"
}
window "nights" { # ERROR: Duplicate window
  schedule = "0 22 * * *"
  duration = "6h"
}
