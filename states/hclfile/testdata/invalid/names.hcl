variable "Bad-Name" { default = "x" } # ERROR: Bad name

cluster "a_b" { # ERROR: Bad name
  initial = "off"
  state "off" {}
  state "No" {} # ERROR: Bad name
  transition "off" {
    from = ["No"]
    gate "command" "a b" {} # ERROR: Bad name
  }
}

window "Nights" { # ERROR: Bad name
  schedule = "0 22 * * *"
  duration = "6h"
}

runbook "Big Bang" { # ERROR: Bad name
  input "X" {} # ERROR: Bad name
  step "One" { # ERROR: Bad name
    approve = "sure?"
  }
}
